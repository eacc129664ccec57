"""How long the command line takes, and how much memory: `python -m benchmarks.tool`.

Each figure is the best of several runs of a process of its own, so files are warm and Python's
start is part of it. Beside the time on the clock stands that of the processor, which a busy machine
changes less. The memory is the highest of all.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Figure", "measure", "report"]

ROOT = Path(__file__).parents[1]
TREE, APP = 10_000, 50
RUNS = 5

# Of the size of what an app has beside its users; some of it knows FastAPI, none FastAPI Users.
_OTHER = '''\
"""Orders."""

from fastapi import APIRouter, Depends
from sqlalchemy import select

router = APIRouter()


@router.get("/orders/{number}")
async def order(number: int, session=Depends(None)):
    return await session.scalar(select(number))
''' + "".join(
    f"\n\ndef total_{number}(orders):\n    return sum(order.total for order in orders)\n"
    for number in range(30)
)
_ROUTE = """\
from fastapi import APIRouter, Depends

from app.models import UserDB
from app.users import current_active_user, fastapi_users

router = APIRouter()
users = fastapi_users.get_users_router()


@router.get("/")
async def show(user: UserDB = Depends(current_active_user)):
    return {"email": user.email}
"""


@dataclass(frozen=True)
class Figure:
    """What was measured."""

    name: str
    seconds: float
    processor: float
    goal: float
    megabytes: float


def _tree(folder: Path, files: int) -> None:
    for number in range(files):
        package = folder / f"package{number // 100}"
        package.mkdir(exist_ok=True)
        (package / f"module{number}.py").write_text(_OTHER)


def _app(folder: Path, files: int) -> None:
    """Write the framework's example of FastAPI Users 9, with many routes."""
    example = ROOT / "tests" / "cli" / "apps" / "example_on_databases" / "before" / "app"
    (folder / "app").mkdir()
    for file in example.iterdir():
        (folder / "app" / file.name).write_text(file.read_text())
    for number in range(files - len(list(example.iterdir()))):
        (folder / "app" / f"routes{number}.py").write_text(_ROUTE)


# A process is asked for its children's memory, so each run has one of its own.
_CHILD = """\
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def measure(
    name: str, goal: float, arguments: Sequence[str], folder: Path, runs: int = RUNS
) -> Figure:
    """Run the command line in a folder, several times."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "cli"), str(ROOT)])}
    command = [sys.executable, "-m", "fastapi_users_db_cli", *arguments]
    found = []
    for _ in range(runs):
        said = subprocess.run(
            [sys.executable, "-c", _CHILD, *command],
            cwd=folder,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
        found.append(tuple(map(float, said)))
    seconds, processor, memory = zip(*found, strict=True)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Figure(name, min(seconds), min(processor), goal, max(memory) / unit)


def figures(tree: int = TREE, app: int = APP, runs: int = RUNS) -> Iterator[Figure]:
    """Measure all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield measure("--help", 0.2, ["--help"], folder, runs)
        _app(folder, app)
        yield measure(f"check, an app of {app} files", 0.5, ["check"], folder, runs)
        yield measure(
            f"migrate, an app of {app} files", 1.0, ["migrate", "--step", "all"], folder, runs
        )
        _tree(folder, tree)
        yield measure(f"check, with {tree} files more", 3.0, ["check"], folder, runs)


def report(found: Sequence[Figure]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':36} {'seconds':>8} {'processor':>9} {'goal':>6} {'memory':>9}"]
    lines += [
        f"{each.name:36} {each.seconds:8.2f} {each.processor:9.2f} {each.goal:6.1f} "
        f"{each.megabytes:6.0f} MB"
        for each in found
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report(list(figures())))
