"""`make mutants`: how many small changes of the two packages do the quick tests notice?

Each mutant is one change in one line: a comparison turned around, a statement or an argument left
out, another constant (see `mutation.py`). A test that fails has killed it. A survivor shows
something that no test promises, or is equivalent: nobody can tell it from the original. Those that
were found to be so are in `equivalent.py`, with a reason each, and are not run again.

The sample is the same for the same seed, so that a score can be had again:

    make mutants                                        200 of all, in an hour on two cores
    make mutants MUTANTS="--number 60 --seed 2"         others, and fewer
    make mutants MUTANTS="--only fastapi_users_db/adapters/orm.py:120-180"
    make mutants MUTANTS="--only compat --list"         what there is, without running anything

After a survivor: if it is no equivalent one, write the test that its line promises, beside those of
the same promise, and run `--only` with its file and line again. Add an equivalent one to
`equivalent.py`, as it is printed.

A large sample begins with a run that sees which tests reach which line: a mutant meets those, and
then the tests of its part. One that no test reaches by itself, as in the body of a class, and each
of a small sample, meets its part, and then all. The parts are in `PARTS`: a new module needs a line
there if none fits.

The checkout is never changed: each of two workers has a copy of it, and its tests import the
packages from there. Ctrl-C ends the run, with the score so far.
"""

import argparse
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutation import Mutation, files, mutations
from tests.mutants.reach import Reach, measure

ROOT = Path(__file__).parents[2]
SHIM = "compat/fastapi_users_db_sqlalchemy"
PACKAGES = {"fastapi_users_db": "fastapi_users_db", "fastapi_users_db_sqlalchemy": SHIM}
NOT_COPIED = (
    ".git",
    ".venv*",
    ".nox",
    ".cache",
    ".*_cache",
    "__pycache__",
    "build",
    "dist",
    "site",
)

ADAPTERS = (
    *("tests/conformance", "tests/test_hooks.py", "tests/test_unique_accounts.py"),
    *("tests/hostile", "tests/law"),
)
MAPPING = ("tests/mapping", "tests/test_constructors.py", "tests/test_attributes.py")
TABLES = ("tests/test_tables.py", "tests/test_types.py", "tests/test_unique_accounts.py")
SCHEMA = (
    *("tests/test_schema.py", "tests/test_schema_ids.py", "tests/test_schema_translate.py"),
    *("tests/test_schema_names.py", "tests/test_alembic.py"),
)
PARTS: dict[str, tuple[str, ...]] = {
    "fastapi_users_db/adapters/base.py": ADAPTERS,
    "fastapi_users_db/adapters/databases.py": ("tests/test_databases.py", *ADAPTERS, *MAPPING),
    "fastapi_users_db/adapters/history.py": ("tests/retries", "tests/test_kept.py", *ADAPTERS),
    "fastapi_users_db/adapters/orm.py": ("tests/test_orm.py", *ADAPTERS, *MAPPING),
    "fastapi_users_db/adapters/retries.py": ("tests/retries", *ADAPTERS),
    "fastapi_users_db/alembic.py": SCHEMA,
    "fastapi_users_db/authentication.py": (
        *("tests/conformance/test_authentication.py", "tests/law/test_authentication.py"),
        *("tests/test_isolation.py", "tests/e2e"),
    ),
    "fastapi_users_db/catalogue.py": SCHEMA,
    "fastapi_users_db/comparison.py": (
        *("tests/test_comparison.py", "tests/test_text_ids.py"),
        *("tests/test_statements.py", "tests/conformance"),
    ),
    "fastapi_users_db/accounts.py": ADAPTERS,
    "fastapi_users_db/adapters/rows.py": (
        *("tests/test_compiled.py", "tests/test_databases.py", *ADAPTERS, *MAPPING),
    ),
    "fastapi_users_db/adapters/session.py": ("tests/test_orm.py", *ADAPTERS, *MAPPING),
    "fastapi_users_db/drivers.py": (*ADAPTERS, "tests/races"),
    "fastapi_users_db/deprecation.py": ("tests/test_deprecation.py", "tests/compat"),
    "fastapi_users_db/exceptions.py": ADAPTERS,
    "fastapi_users_db/hashing.py": (
        *("tests/conformance/test_authentication.py", "tests/conformance/test_access_tokens.py"),
        *("tests/conformance/test_stolen_tables.py", "tests/e2e"),
    ),
    "fastapi_users_db/mapping.py": (
        *(*MAPPING, "tests/conformance", "tests/test_databases.py"),
        *("tests/test_unique_accounts.py", *SCHEMA),
    ),
    "fastapi_users_db/statements.py": ("tests/test_statements.py", *ADAPTERS, *MAPPING),
    "fastapi_users_db/schema.py": (*SCHEMA, "tests/conformance/test_bad_input.py"),
    "fastapi_users_db/tables.py": (*TABLES, *SCHEMA),
    "fastapi_users_db/types.py": (*TABLES, "tests/conformance"),
    "fastapi_users_db/values.py": ("tests/conformance", "tests/hostile", *MAPPING),
    "fastapi_users_db": (*TABLES, *ADAPTERS),
    f"{SHIM}/_arguments.py": ("tests/compat/test_wrong_calls.py", "tests/compat"),
    f"{SHIM}/_deprecations.py": (
        *("tests/compat/test_warnings.py", "tests/docs/test_deprecations.py", "tests/compat"),
    ),
    f"{SHIM}/_exposed.py": ("tests/compat/test_imports.py", "tests/compat"),
    f"{SHIM}/tables.py": ("tests/compat/test_tables.py", "tests/compat"),
    f"{SHIM}/user_database.py": ("tests/compat/test_conventions.py", "tests/compat"),
    SHIM: ("tests/compat",),
}
"""The tests of each file's part, the nearest first: the longest name that fits counts."""

# What starts programs, builds or measures is left out: it takes long, and shows how parts work
# together.
_FOLDERS = (
    "atomicity",
    "compat",
    "conformance",
    "e2e",
    "equivalence",
    "hostile",
    "law",
    "mapping",
    "races",
    "retries",
)
_DOCS = ("test_access_tokens.py", "test_oauth.py", "test_transactions.py")
_NOT_IN_REST = {
    "test_choice.py",
    "test_examples.py",
    "test_servers.py",
    "test_typing.py",
    "test_wheel.py",
}
_FILES = {file.name for file in (ROOT / "tests").glob("test_*.py")}
REST = (
    *(f"tests/{folder}" for folder in _FOLDERS),
    *(f"tests/docs/{name}" for name in _DOCS),
    *(f"tests/{name}" for name in sorted(_FILES - _NOT_IN_REST)),
)
"""What a mutant meets that its part does not kill."""

# A test that fails may leave a thread behind, for which the interpreter would wait.
PYTEST = """
import os, sys, pytest
code = pytest.main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""
ON_SQLITE = ("-k", "not postgresql and not mariadb")
ON_SERVERS = ("-k", "postgresql or mariadb")
WORTH_MEASURING = 30
"""For fewer mutants it takes longer than it saves to see which tests reach them."""
SECONDS_FOR_A_TEST = 60
SECONDS_FOR_A_CHOICE = 1200
"""A mutant that no test has killed by then is not taken for killed: the machine may be slow."""
WANTED = 0.9
"""The part of all mutants that is to be killed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        mutation: what was changed.
        by: the test that failed first, or what went wrong besides; `None` if nothing did.
        seconds: how long that took.
    """

    mutation: Mutation
    by: str | None
    seconds: float


def steps(path: str, reaching: Collection[str] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of pytest for a mutant of a file: cheap and near tests first.

    Parameters:
        path: the file.
        reaching: the tests that reach the mutant, if that is known.
    """
    part = PARTS[max((p for p in PARTS if path == p or path.startswith(f"{p}/")), key=len)]
    if reaching:
        near = sorted(reaching, key=lambda test: (not test.startswith(part), test))
        yield (*near, *ON_SQLITE)
        yield (*near, *ON_SERVERS)
    # What is cached only the first test has reached, of all that depend on it.
    yield (*part, *ON_SQLITE)
    yield (*part, *ON_SERVERS)
    if not reaching:
        yield tuple(test for test in REST if test not in part)


class Copy:
    """A copy of the project, in which one mutant at a time is tried."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=shutil.ignore_patterns(*NOT_COPIED))
        path = [self.root, *sorted({(self.root / p).parent for p in PACKAGES.values()})]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("COVERAGE", "SOAK"))}
        self._environment = {**kept, "PYTHONPATH": os.pathsep.join(map(str, path))}
        self._check()

    def _check(self) -> None:
        """Make sure that the packages of this copy are what its tests import."""
        for name, folder in PACKAGES.items():
            found = self._run("-c", f"import {name}; print({name}.__file__)").stdout.strip()
            if Path(found).resolve().parent != (self.root / folder).resolve():
                raise SystemExit(f"{name} is imported from {found}, not from the copy.")

    def measure(self) -> Reach:
        """Run the tests, and return which reach which line."""
        say("First a run that sees which tests reach which line ...")
        return measure(self.root, PACKAGES.values(), REST, self._run)

    def _run(
        self, *arguments: str, seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                # As with Ctrl-C, so that pytest drops the databases that it has made.
                process.send_signal(signal.SIGINT)
                try:
                    process.communicate(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output)

    def failure(self, choice: Sequence[str], seconds: float | None = None) -> str | None:
        """Run tests, and return the first that fails: `None` if none does.

        Raises:
            subprocess.TimeoutExpired: they do not end within so many seconds.
        """
        # By a signal: a test that hangs ends as one that fails, and cleans up.
        limit = ("--timeout", str(SECONDS_FOR_A_TEST), "--timeout-method", "signal")
        quick = ("-x", "-q", "--tb=no", "-m", "not thorough", "-p", "no:cacheprovider")
        result = self._run("-c", PYTEST, *quick, *limit, *choice, seconds=seconds)
        if result.returncode in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            return None
        failed = re.search("^(?:FAILED|ERROR) (.+?)(?: - .*)?$", result.stdout, re.MULTILINE)
        return failed[1] if failed else f"pytest, which ended with {result.returncode}"

    @contextmanager
    def changed(self, mutation: Mutation) -> Iterator[None]:
        """Have the mutant in place of the original, for the time of a `with`."""
        file = self.root / mutation.path
        original = file.read_bytes()
        try:
            _write(file, mutation.apply(original))
            yield
        finally:
            _write(file, original)


def _write(file: Path, source: bytes) -> None:
    file.write_bytes(source)
    # What is compiled counts as up to date if the source is as long and of the same second.
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


def chosen(only: list[str]) -> list[Mutation]:
    """Return the mutations below some paths, or in some lines of a file."""
    wanted = tuple(place.partition(":")[0] for place in only or [""])
    paths = [path for path in files(ROOT, PACKAGES.values()) if path.startswith(wanted)]
    found = [mutation for path in paths for mutation in mutations(ROOT, path)]
    return [m for m in found if not only or any(_is_in(m, place) for place in only)]


def _is_in(mutation: Mutation, place: str) -> bool:
    path, _, lines = place.partition(":")
    first, _, last = lines.partition("-")
    return mutation.path.startswith(path) and (
        not lines or int(first) <= mutation.line <= int(last or first)
    )


def printed(mutation: Mutation) -> str:
    """Return a mutation as it is shown: where, and what."""
    before, after = mutation.change((ROOT / mutation.path).read_bytes())
    lines = [f"- {line}" for line in before.splitlines()]
    lines += [f"+ {line}" for line in after.splitlines()]
    return "\n    ".join([f"{mutation.place} {mutation.scope} ({mutation.kind})", *lines])


def is_equivalent(mutation: Mutation) -> bool:
    """Tell whether a mutation is known to change nothing that anybody could notice."""
    place = (mutation.path, mutation.scope)
    changes = [(k.before, k.after) for k in EQUIVALENT if (k.path, k.scope) == place]
    return bool(changes) and mutation.change((ROOT / mutation.path).read_bytes()) in changes


class Run:
    """The trials of a sample, by several workers at once.

    Attributes:
        outcomes: what became of each mutant that was tried.
    """

    def __init__(self, sample: list[Mutation]) -> None:
        self.outcomes: list[Outcome] = []
        self._sample = sample
        self._copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        self._reach: Reach = {}
        self._sound: set[str] = set()

    def finish(self, workers: int) -> None:
        """Try the mutants, and show each."""
        with ExitStack() as stack:
            for number in range(workers):
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mutants-"))
                copy = Copy(Path(folder))
                if number == 0 and len(self._sample) >= WORTH_MEASURING:
                    self._reach = copy.measure()
                self._copies.put(copy)
            pool = ThreadPoolExecutor(workers)
            stack.callback(pool.shutdown, cancel_futures=True)
            futures = [pool.submit(self._attempt, mutation) for mutation in self._sample]
            for future in as_completed(futures):
                outcome = future.result()
                self.outcomes.append(outcome)
                self._show(outcome)

    def _attempt(self, mutation: Mutation) -> Outcome:
        copy = self._copies.get()
        try:
            start = time.monotonic()
            reaching = self._reach.get((mutation.path, mutation.line), ())
            for choice in steps(mutation.path, reaching):
                try:
                    with copy.changed(mutation):
                        by = copy.failure(choice, SECONDS_FOR_A_CHOICE)
                except subprocess.TimeoutExpired:
                    return Outcome(mutation, None, time.monotonic() - start)
                if by is not None:
                    self._check(copy, by)
                    break
            return Outcome(mutation, by, time.monotonic() - start)
        finally:
            self._copies.put(copy)

    def _check(self, copy: Copy, test: str) -> None:
        """Make sure that a test that has failed passes where nothing is changed."""
        if "::" in test and test not in self._sound:
            if by := copy.failure([test]):
                raise SystemExit(f"Without a mutant, this fails already: {by}")
            self._sound.add(test)

    def _show(self, outcome: Outcome) -> None:
        what = "SURVIVED" if outcome.by is None else "killed"
        say(
            f"{len(self.outcomes):4}/{len(self._sample)} {what:8} {outcome.seconds:4.0f} s  "
            f"{outcome.mutation.place} ({outcome.mutation.kind}){' by ' * bool(outcome.by)}"
            f"{outcome.by or ''}"
        )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main() -> int:
    """Run a sample, and return the exit code: that of a failure if the score is too low."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--number", type=int, default=200, help="how many mutants")
    parser.add_argument("--seed", type=int, default=1, help="chooses them")
    parser.add_argument("--workers", type=int, default=2, help="how many at once")
    parser.add_argument("--only", action="append", default=[], help="PATH, PATH:12 or PATH:12-20")
    parser.add_argument("--list", action="store_true", help="show the sample, and run nothing")
    options = parser.parse_args()

    found = chosen(options.only)
    # Those that become known as equivalent leave the others as they are.
    random.Random(options.seed).shuffle(found)
    wanted = [mutation for mutation in found if not is_equivalent(mutation)]
    sample = wanted[: options.number]
    say(
        f"{len(sample)} of {len(wanted)} mutants, seed {options.seed}; {len(found) - len(wanted)} "
        f"more are known to be equivalent."
    )
    if options.list:
        say("\n".join(map(printed, sample)))
        return 0

    run = Run(sample)
    try:
        run.finish(options.workers)
    except KeyboardInterrupt:
        say("\nInterrupted.")
    survivors = sorted((o.mutation for o in run.outcomes if o.by is None), key=lambda m: m.place)
    tried = len(run.outcomes)
    say("".join(f"\n{printed(mutation)}\n" for mutation in survivors))
    killed = tried - len(survivors)
    say(f"{killed} of {tried} killed: {100 * killed / max(tried, 1):.1f}%")
    return 1 if killed < WANTED * tried else 0


if __name__ == "__main__":
    sys.exit(main())
