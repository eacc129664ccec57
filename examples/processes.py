"""Run applications under uvicorn, each in a process of its own, and the command line."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent
STARTUP_SECONDS = 60
SHUTDOWN_SECONDS = 5


class ServerFailedError(Exception):
    """An application did not start."""


@dataclass(frozen=True)
class Server:
    """An application that runs."""

    name: str
    url: str
    log_file: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def log(self) -> str:
        """What it has printed, with the names of files as seen from the project's folder."""
        return self.log_file.read_text().replace(f"{ROOT}{os.sep}", "").strip()


@contextmanager
def running(
    *applications: str, directory: Path, root: Path = ROOT, **settings: str
) -> Iterator[list[Server]]:
    """Start applications, wait until they answer, and stop them after the block.

    Parameters:
        applications: where they are, as uvicorn has it: `package.module:app`.
        directory: where their logs go.
        root: the folder that they are imported from.
        settings: their environment variables.

    Raises:
        ServerFailedError: one has ended, or does not answer in time.
    """
    with ExitStack() as stack:
        servers = [
            stack.enter_context(_started(application, directory, root, settings))
            for application in applications
        ]
        for server in servers:
            _wait_until_it_answers(server)
        yield servers


def run_tool(root: Path, *arguments: str) -> tuple[int, str, str]:
    """Run `fastapi-users-db` in the folder of an app.

    Parameters:
        root: the folder.
        arguments: those of the command line.

    Returns:
        The exit code, what it has printed, and what it has printed as an error.
    """
    done = subprocess.run(
        [sys.executable, "-m", "fastapi_users_db_cli", *arguments],
        cwd=root,
        env={**_environment(), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def end_on_sigterm() -> None:
    """Let SIGTERM end this program as Ctrl-C does, so that it stops what it has started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def _started(
    application: str, directory: Path, root: Path, settings: dict[str, str]
) -> Iterator[Server]:
    log_file = directory / f"{application.replace(':', '.')}.log"
    # The system chooses the port, and the socket is handed over: nobody can take it in between.
    with socket.create_server(("127.0.0.1", 0)) as listener, log_file.open("wb") as log:
        port = listener.getsockname()[1]
        descriptor = listener.fileno()
        command = [sys.executable, "-m", "uvicorn", application, "--fd", str(descriptor)]
        process = subprocess.Popen(
            [*command, "--log-level", "warning", "--no-access-log"],
            cwd=root,
            env={**_environment(), **settings},
            stdout=log,
            stderr=log,
            pass_fds=[descriptor],
        )
    try:
        yield Server(application, f"http://127.0.0.1:{port}", log_file, process)
    finally:
        process.terminate()
        try:
            process.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    # A proxy or a filter for warnings in this shell is not meant for the applications.
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONWARNINGS" and not name.lower().endswith("_proxy")
    }


def _wait_until_it_answers(server: Server) -> None:
    # Its socket listens already: the request waits until the application runs, or has ended.
    try:
        httpx.get(server.url, trust_env=False, timeout=STARTUP_SECONDS)
    except httpx.TransportError as error:
        message = f"{server.name} does not answer. Its log:\n\n{server.log}"
        raise ServerFailedError(message) from error
