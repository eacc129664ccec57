"""A Galera cluster of three of our own: MariaDB, with writes on all of them."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.conftest import SOAK
from tests.outages.server import SECONDS, Server, _reserved, private_server
from tests.servers import MARIADB

NODES = 3
PROVIDERS = ("/usr/lib/galera", "/usr/lib64/galera-4", "/usr/lib64/galera")
# A node that joins receives the data of another by these.
PROGRAMS = (*MARIADB.programs, "wsrep_sst_rsync", "rsync")
PACKAGES = f"{MARIADB.package} galera-4 rsync"


def ask(node: Server, statement: str) -> Any:
    """Return the rows that a node finds, once it has all that any of them had committed."""
    with contextlib.closing(MARIADB.connect(node.url)) as connection:
        cursor = connection.cursor()
        cursor.execute("SET SESSION wsrep_sync_wait = 15")
        cursor.execute(statement)
        return cursor.fetchall()


@contextlib.contextmanager
def running() -> Iterator[list[Server]]:
    """Start the nodes, each with a folder and ports of its own.

    The test that asks is skipped outside `make soak`, and where the programs are not installed.
    Where they are, but a node does not start, the error has the end of its log.
    """
    if not SOAK:
        pytest.skip("A Galera cluster of three is started by `make soak` only.")
    libraries = [Path(folder, "libgalera_smm.so") for folder in PROVIDERS]
    missing = [name for name in PROGRAMS if servers._program(name) is None]
    missing += ["libgalera_smm.so"] if not any(map(Path.exists, libraries)) else []
    if missing:
        pytest.skip(
            f"Galera is not installed (on Debian and Ubuntu: apt-get install {PACKAGES}): "
            f"no {', '.join(missing)}."
        )
    provider = next(filter(Path.exists, libraries))
    with contextlib.ExitStack() as stack:
        nodes: list[Server] = []
        members: list[str] = []
        for _ in range(NODES):
            ports = []
            for _ in range(3):
                port, reservation = _reserved()
                stack.enter_context(reservation)
                ports.append(port)
            group, increments, copy = (f"127.0.0.1:{port}" for port in ports)
            of_provider = {
                "gmcast.listen_addr": f"tcp://{group}",
                "ist.recv_addr": increments,
                "gcache.size": "16M",
            }
            options = [
                "--wsrep-on=ON",
                f"--wsrep-provider={provider}",
                f"--wsrep-cluster-address=gcomm://{','.join(members)}",
                "--wsrep-node-address=127.0.0.1",
                "--wsrep-sst-method=rsync",
                f"--wsrep-sst-receive-address={copy}",
                f"--wsrep-provider-options={';'.join(f'{k}={v}' for k, v in of_provider.items())}",
                "--binlog-format=ROW",
                "--innodb-autoinc-lock-mode=2",
            ]
            nodes.append(stack.enter_context(private_server(MARIADB, *options)))
            members.append(group)
            wait_for(nodes)
        yield nodes


def wait_for(nodes: list[Server]) -> None:
    """Wait until these are the cluster, and each of them takes writes."""
    wanted = {"wsrep_cluster_size": str(len(nodes)), "wsrep_local_state_comment": "Synced"}
    deadline = time.monotonic() + SECONDS
    for node in nodes:
        while True:
            with contextlib.closing(MARIADB.connect(node.url)) as connection:
                found = dict(servers._rows(connection, "SHOW STATUS LIKE 'wsrep%%'"))
            if wanted.items() <= found.items():
                break
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
