"""Programs that run on a stack of their own, and are spoken to in lines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.environments import ROOT, python_of

PACKAGE = (ROOT,)
SHIM = (ROOT, ROOT / "compat")


@dataclass(frozen=True)
class Side:
    """A program, and where it runs: in an environment, or in that of the tests."""

    name: str
    file: Path
    environment: str | None = None
    path: tuple[Path, ...] = ()

    @contextmanager
    def running(self, *arguments: str) -> Iterator["Program"]:
        python = sys.executable if self.environment is None else python_of(self.environment)
        process = subprocess.Popen(
            [python, self.file, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, self.path))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield Program(self, process)
        finally:
            # It has nothing left to do: every answer ends with its connections closed or idle.
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Program:
    """A program that runs."""

    side: Side
    process: subprocess.Popen[str]

    def send(self, request: str) -> None:
        """Send a request, without waiting for the answer."""
        # If it has ended, `receive` says so.
        with suppress(BrokenPipeError):
            print(request, file=self.process.stdin, flush=True)

    def receive(self) -> str:
        """Return the next answer."""
        line = self.process.stdout.readline()  # type: ignore[union-attr]
        assert line, f"{self.side.name} has ended"
        return line
