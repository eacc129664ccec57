"""A run that is killed leaves no process of its servers behind, and no folder."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers

ROOT = Path(__file__).parent.parent.parent
RUN = """
import sys
from tests import servers
from tests.outages.server import CRASH, private_server

with private_server(servers.{kind}) as server:
    print(server.directory, server.process.pid, flush=True)
    if {is_down}:
        server.stop(CRASH)
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("kind", "is_down"), [("POSTGRESQL", False), ("MARIADB", True)], ids=["running", "down"]
)
def test_a_killed_run_leaves_nothing(kind: str, is_down: bool) -> None:
    if not all(map(servers._program, getattr(servers, kind).programs)):
        pytest.skip(f"{kind} is not installed.")
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(kind=kind, is_down=is_down)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with run:
        assert run.stdout is not None
        directory, process = run.stdout.readline().split()
        assert run.stdout.readline() == "ready\n"
        run.kill()
    deadline = time.monotonic() + 60
    while Path(directory).exists() or runs(int(process)):
        assert time.monotonic() < deadline, f"{directory} or process {process} is left"
        time.sleep(0.05)


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Who has nobody any more to ask how it ended has ended all the same.
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
