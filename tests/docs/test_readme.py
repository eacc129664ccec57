"""The README is true: its programs run, and its links lead somewhere from any page."""

import re
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest

from fastapi_users_db.deprecation import DOCUMENTATION
from tests.conftest import Addresses
from tests.docs.samples import ROOT, SOURCE, load

README = (ROOT / "README.md").read_text()
# An index of packages shows these.
READMES = [ROOT / "README.md", ROOT / "compat" / "README.md"]


async def test_first_program_says_what_it_did_and_can_be_run_again(
    empty_database: Callable[[str], Addresses], capsys: pytest.CaptureFixture[str]
) -> None:
    address = empty_database("sqlite").orm
    for _ in range(2):
        await load("shortest.py", address).main()

    created, found = capsys.readouterr().out.splitlines()

    assert created.startswith("Created ada@example.com with the id ")
    assert found == created.replace("Created", "Found")
    for line in (created, found):
        assert line.rpartition(" ")[0] in README


def section(sample: str, name: str) -> str:
    source = (SOURCE / sample).read_text()
    [found] = re.findall(rf"# --8<-- \[start:{name}\]\n(.*?)# --8<-- \[end", source, re.DOTALL)
    return str(found).strip()


@pytest.mark.parametrize(
    "sample",
    [
        (SOURCE / "shortest.py").read_text(),
        section("orm/app.py", "adapter"),
        # It is part of a list.
        indent((SOURCE / "deprecations/databases_adapter/switch.diff").read_text(), "   "),
    ],
    ids=["shortest", "adapter", "switch"],
)
def test_readme_shows_samples_that_run(sample: str) -> None:
    assert re.sub(" +$", "", sample, flags=re.MULTILINE) in README


@pytest.mark.parametrize("readme", READMES, ids=["package", "compat"])
def test_links_work_where_there_is_no_repository_round_the_page(readme: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```$", "", readme.read_text(), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)]+)\)|<(http[^>]+)>", text)
    assert links
    for link in map("".join, links):
        assert link.startswith("https://")
        # Pages have the address of their version. The address without one leads to the newest.
        site = DOCUMENTATION.rpartition("/")[0]
        if link.startswith(site) and link.rstrip("/") != site:
            assert link.startswith(f"{DOCUMENTATION}/"), link
            page = link.removeprefix(DOCUMENTATION).strip("/") or "index"
            assert (ROOT / "docs" / f"{page}.md").is_file(), link


def test_readme_names_all_drivers_and_where_the_source_is() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    [repository] = re.findall('^Repository = "(.*)"$', project, re.MULTILINE)

    assert f"git clone {repository}.git\n" in README
    for link in re.findall(r"https://github\.com/[^)\s]*", README):
        assert link.startswith(repository)
