"""`make mutants` changes what it says, in a copy, and sees what its tests do."""

import ast
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.mutants import __main__ as mutants
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutation import Mutation, files, mutations
from tests.mutants.reach import measure


def changes(tmp_path: Path, source: str) -> set[tuple[str, str]]:
    """Return what is changed in a module: the lines, and what they become."""
    (tmp_path / "module.py").write_text(textwrap.dedent(source))
    written = (tmp_path / "module.py").read_bytes()
    return {mutation.change(written) for mutation in mutations(tmp_path, "module.py")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = a == b", {"x = a != b"}),
        ("x = a is not b", {"x = a is b"}),
        ("x = (a) not in (b)", {"x = (a) in (b)"}),
        ("x = a < b <= c", {"x = a <= b <= c", "x = a < b < c"}),
        ("x = a and b", {"x = a or b"}),
        ("x = not (a or b)", {"x = (a or b)", "x = not (a and b)"}),
        ("x = a & ~b", {"x = a | ~b", "x = a & b"}),
        ("x = True", {"x = False"}),
        ("x = None", {"x = object()"}),
        ("x = 1", {"x = 2"}),
        ("x = 'ä', 'b'", {"x = 'XXä', 'b'", "x = 'ä', 'XXb'"}),
        ("x = 'SELECT a'", {"x = 'XXSELECT a'"}),
        ("x = f'{a}_id'", {"x = 'XX'"}),
        ("x = f(a, b=c)", {"x = f(a, )"}),
        ("x = f(b=c, d=e)", {"x = f(d=e)", "x = f(b=c, )"}),
        ("x = a if b else c", {"x = a if not (b) else c"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if not (c)]"}),
        ("x = isinstance(a, B | C)", set()),
        ("f(a)", {"pass"}),
        ("del a", {"pass"}),
        ("raise a", {"pass"}),
        ("a += b", {"pass"}),
    ],
)
def test_one_thing_is_changed_at_a_time(tmp_path: Path, before: str, after: set[str]) -> None:
    assert changes(tmp_path, before) == {(before, line) for line in after}


def test_functions_lose_statements_decorators_and_what_they_return(tmp_path: Path) -> None:
    source = """
        @decorated
        async def f(a):
            a = b
            c = d
            self.e = a
            await g(a)
            if a:
                return
            return c
    """
    assert changes(tmp_path, source) == {
        ("@decorated", ""),
        ("a = b", "pass"),
        ("self.e = a", "pass"),
        ("await g(a)", "pass"),
        ("if a:", "if not (a):"),
        ("return", "pass"),
        ("return c", "return None"),
    }


def test_nothing_is_changed_that_tests_are_not_to_see(tmp_path: Path) -> None:
    source = '''
        """About the module."""

        from typing import TYPE_CHECKING, TypeVar

        if TYPE_CHECKING:
            X = 1
        __all__ = ["f"]
        __version__ = "1.0"
        T = TypeVar("T", bound="A")


        class A(B["c"]):
            """About the class."""

            d: dict["str", int]
            """About the attribute."""

            @overload
            def f(self, a: "A" | None, b: C[1]) -> "str":
                raise NotImplementedError

            def __repr__(self):
                return "A"


        @cached
        def g(a):
            assert a is not None
            h = f"the {a} is wrong"
            raise MyError("two words", a, b=1)


        def i(a):  # pragma: no cover  for other versions
            return 1
    '''
    assert changes(tmp_path, source) == {
        ("@cached", ""),
        ('raise MyError("two words", a, b=1)', "pass"),
    }


PATHS = files(mutants.ROOT, mutants.PACKAGES.values())


def test_every_mutant_is_python_and_another_program() -> None:
    draw = random.Random(1)
    for path in draw.sample(PATHS, 8):
        source = (mutants.ROOT / path).read_bytes()
        found = mutations(mutants.ROOT, path)
        for mutation in draw.sample(found, min(len(found), 8)):
            mutant = ast.parse(mutation.apply(source))
            assert ast.dump(mutant) != ast.dump(ast.parse(source)), mutation.place


@pytest.mark.parametrize("path", PATHS)
def test_every_file_has_tests(path: str) -> None:
    for choice in mutants.steps(path):
        for word in choice:
            assert not word.startswith("tests/") or (mutants.ROOT / word).exists()


def test_what_is_known_to_be_equivalent_is_still_there() -> None:
    for known in EQUIVALENT:
        mutations = mutants.chosen([known.path])
        assert any(mutants.is_equivalent(mutation) for mutation in mutations), known


def test_lines_are_chosen() -> None:
    path = "fastapi_users_db/comparison.py"
    [first, *_, last] = mutants.chosen([path])
    assert {m.line for m in mutants.chosen([f"{path}:{first.line}"])} == {first.line}
    assert mutants.chosen([f"{path}:{first.line}-{last.line}"]) == mutants.chosen([path])


PATH = "fastapi_users_db/deprecation.py"
STATEMENT = 'return ", ".join(_name(table) for table in tables if table is not None)'
SURVIVES, IS_KILLED = (f"{text}; {STATEMENT}" for text in ("pass", "raise RuntimeError"))
HANGS = "while True: pass"


def run(monkeypatch: pytest.MonkeyPatch, *texts: str) -> dict[str, str | None]:
    """Return what kills the mutants that have these texts in place of a statement."""
    original = (mutants.ROOT / PATH).read_bytes()
    start = original.index(STATEMENT.encode())
    end = start + len(STATEMENT)
    monkeypatch.setattr(mutants, "steps", lambda *_: [("tests/test_deprecation.py",)])
    run = mutants.Run([Mutation(PATH, 1, "_names", "statement", start, end, t) for t in texts])
    run.finish(workers=1)
    assert (mutants.ROOT / PATH).read_bytes() == original
    return {outcome.mutation.text: outcome.by for outcome in run.outcomes}


def test_those_that_reach_a_mutant_are_asked_alone_and_near_ones_first() -> None:
    path = "fastapi_users_db/types.py"
    reaching = {"tests/atomicity/test_a.py::a", "tests/test_types.py::b"}
    sorted_ = ("tests/test_types.py::b", "tests/atomicity/test_a.py::a")
    *near, rest = mutants.steps(path)
    assert [*mutants.steps(path, reaching)][2:] == near
    assert [step[:2] for step in mutants.steps(path, reaching)][:2] == [sorted_, sorted_]
    assert set(rest) | set(mutants.PARTS[path]) == set(mutants.REST) | set(mutants.PARTS[path])


@pytest.mark.thorough
def test_each_line_is_reached_by_its_tests() -> None:
    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=mutants.ROOT, check=True)

    tests = ["tests/test_deprecation.py"]
    reach = measure(mutants.ROOT, ["fastapi_users_db"], tests, run)
    line = 1 + (mutants.ROOT / PATH).read_text().partition(STATEMENT)[0].count("\n")
    assert reach[PATH, line]
    assert {test.partition("::")[0] for test in reach[PATH, line]} == set(tests)
    assert not reach.get((PATH, 1))


@pytest.mark.thorough
def test_mutants_run_in_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "SECONDS_FOR_A_TEST", 20)
    by = run(monkeypatch, SURVIVES, IS_KILLED, HANGS)
    assert [text for text, test in by.items() if test is None] == [SURVIVES]
    assert all(test.startswith("tests/test_deprecation.py::") for test in by.values() if test)


@pytest.mark.thorough
def test_a_mutant_whose_tests_do_not_end_in_time_is_not_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mutants, "SECONDS_FOR_A_CHOICE", 0.1)
    assert run(monkeypatch, IS_KILLED) == {IS_KILLED: None}
