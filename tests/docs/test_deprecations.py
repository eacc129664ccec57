"""The page about deprecations against the code, and its samples."""

import difflib
import re
import warnings
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi_users_db_sqlalchemy import _deprecations as shim

from fastapi_users_db import FastAPIUsersDBDeprecationWarning, deprecation
from fastapi_users_db.deprecation import Deprecation
from tests.docs.samples import ROOT, SOURCE, load

PAGE = (ROOT / "docs" / "deprecations.md").read_text()
CORE = [value for value in vars(deprecation).values() if isinstance(value, Deprecation)]
DEPRECATIONS = [*CORE, *shim.DEPRECATIONS]
CODES = [deprecated.code for deprecated in DEPRECATIONS]
every_code = pytest.mark.parametrize("code", CODES)


@pytest.fixture(autouse=True)
def own_filters() -> Iterator[None]:
    with warnings.catch_warnings():
        yield


async def build_adapter(sample: Any) -> None:
    """Call the dependency that a sample declares, if any, as FastAPI would for a request."""
    dependencies = [value for key, value in vars(sample).items() if re.match("get_.*_db$", key)]
    for dependency in dependencies:
        adapters: AsyncIterator[Any] = dependency()
        await anext(adapters)
        await anext(adapters, None)
    if hasattr(sample, "engine"):
        await sample.engine.dispose()


def run(code: str, which: str) -> Any:
    """Run the sample of a code: how it was written before, or is after."""
    sample = f"deprecations/{code.replace('-', '_')}/{which}.py"
    uses_database = "DATABASE_URL" in (SOURCE / sample).read_text()
    return load(sample, "sqlite+aiosqlite://" if uses_database else None)


def test_table_lists_every_deprecation() -> None:
    rows = re.findall(
        r"^\| \[`([\w-]+)`\]\(#[\w-]+\) \|.*\| \[(FUD\d+)\]\(\S+\) \| (\S+) \| (\S+) \|$",
        PAGE,
        re.MULTILINE,
    )
    expected = [(each.code, each.rule, each.since, each.removal) for each in DEPRECATIONS]
    assert rows == expected


@every_code
def test_code_is_the_anchor_of_a_section(code: str) -> None:
    assert f"{{ #{code} }}" in PAGE


def test_list_of_the_shim_is_complete() -> None:
    known = [value for value in vars(shim).values() if isinstance(value, Deprecation)]
    assert known == shim.DEPRECATIONS


def test_warnings_name_the_address_of_the_site() -> None:
    config = (ROOT / "zensical.toml").read_text()
    assert f'\nsite_url = "{deprecation.DOCUMENTATION}"\n' in config


@every_code
async def test_code_before_warns(code: str) -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        await build_adapter(run(code, "before"))
    [warning] = caught
    assert isinstance(warning.message, FastAPIUsersDBDeprecationWarning)
    assert warning.message.code == code


@every_code
async def test_code_after_does_not_warn_any_more(code: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await build_adapter(run(code, "after"))
    # Who leaves the shim, but not `databases`, is told of that in its turn.
    expected = {code.replace("shim-legacy-databases", "databases")} - {code}
    assert {warning.message.code for warning in caught} == expected  # type: ignore[union-attr]


@every_code
async def test_code_after_is_what_the_warning_says(code: str) -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        await build_adapter(run(code, "before"))
    instead = caught[0].message.instead  # type: ignore[union-attr]
    after = (SOURCE / "deprecations" / code.replace("-", "_") / "after.py").read_text()
    # An import may name more besides, a call has a module in front of it and words behind it.
    code_to_write = re.sub(r"\)?, with .*", "", instead.removeprefix("fastapi_users_db."))
    for part in code_to_write.rpartition(" import ")[::2]:
        assert part in after


@pytest.mark.parametrize("code", [code for code in CODES if "legacy-databases" in code])
async def test_warning_of_two_hops_names_the_end_too(code: str) -> None:
    with pytest.warns(FastAPIUsersDBDeprecationWarning) as caught:
        await build_adapter(run(code, "before"))
    *_, end = caught[0].message.instead.split(" on the way to fastapi_users_db.")  # type: ignore[union-attr]
    folder = code.removeprefix("shim-legacy-").replace("-", "_")
    last = (SOURCE / "deprecations" / folder / "after.py").read_text()
    assert end.startswith("SQLAlchemy")
    assert end in last


@every_code
@pytest.mark.parametrize("section", ["all", "one"])
async def test_one_line_silences(code: str, section: str) -> None:
    silence = (SOURCE / "deprecations" / "silence.py").read_text()
    line = silence.partition(f"[start:{section}]\n")[2].partition("# --8<--")[0]
    line = line.replace("databases-adapter", code)
    exec(silence.partition("# --8<-- [end:import]")[0] + line)
    await build_adapter(run(code, "before"))


def test_difference_is_the_one_between_before_and_after() -> None:
    folder = SOURCE / "deprecations" / "databases_adapter"
    before, after = (
        (folder / name).read_text().splitlines(keepends=True) for name in ("before.py", "after.py")
    )
    difference = list(difflib.unified_diff(before, after))[2:]
    assert (folder / "switch.diff").read_text() == "".join(difference)
