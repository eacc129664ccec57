"""A PgBouncer of our own before a PostgreSQL: each transaction gets another of its connections."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import URL

from tests import servers

CONFIGURATION = """
[databases]
* = host={server.host} port={server.port} user={server.username}{password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""


@contextlib.contextmanager
def running(server: URL) -> Iterator[URL]:
    """Give the address of a PgBouncer in transaction mode, with three connections to `server`.

    The test that asks is skipped where the program is not installed.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    if program is None:
        missing = "PgBouncer is not installed (on Debian and Ubuntu: apt-get install pgbouncer)."
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="fastapi-users-db-") as name:
        directory, port = Path(name), servers._free_port()
        account = "nobody" if os.geteuid() == 0 else None  # it does not run as root
        configuration = directory / "pgbouncer.ini"
        password = f" password={server.password}" if server.password else ""
        configuration.write_text(CONFIGURATION.format(server=server, password=password, port=port))
        for path in (directory, configuration) if account else ():
            shutil.chown(path, account)
        url = server.set(port=port, host="127.0.0.1")
        with servers.serving([program, configuration], directory, account, lambda: _answers(url)):
            yield url


def _answers(url: URL) -> bool:
    with contextlib.suppress(psycopg.Error):
        servers.POSTGRESQL.connect(url).close()
        return True
    return False
