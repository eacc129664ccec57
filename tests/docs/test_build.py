"""The build refuses a site in which anything is broken: a test for each kind of breakage."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.build import build
from tests.docs.samples import ROOT

# `make docs` has it, on Python 3.11 and later; the environments of `make pythons` have it not.
pytestmark = pytest.mark.skipif(find_spec("zensical") is None, reason="Zensical is not installed")
INDEX = """
# Home

[API](api.md)

--8<-- "sample.py:one"
"""
SAMPLE = """
# --8<-- [start:one]
# --8<-- [end:one]
"""
MODULE = '''
"""See [`function`][module.function]."""

def function():
    """{docstring}"""
'''


def build_site(root: Path, index: str = "", docstring: str = "Function.", nav: str = "") -> str:
    """Build a small project with the configuration of the real one; return what is wrong."""
    config = re.sub(
        r"\nnav = \[\n.*?\n\]\n",
        f'\nnav = ["index.md", "api.md"{nav}]\n',
        (ROOT / "zensical.toml").read_text(),
        flags=re.DOTALL,
    )
    source = root / "docs" / "src"
    source.mkdir(parents=True, exist_ok=True)
    (root / "zensical.toml").write_text(config)
    (root / "module.py").write_text(MODULE.format(docstring=docstring))
    (root / "docs" / "index.md").write_text(INDEX + index)
    (root / "docs" / "api.md").write_text("# API\n\n::: module\n")
    (source / "sample.py").write_text(SAMPLE)
    for asset in ("style.css", "tables.js"):
        shutil.copy(ROOT / "docs" / asset, root / "docs")
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(build(root)))


def test_sound_site_is_built(tmp_path: Path) -> None:
    assert build_site(tmp_path) == ""
    assert (tmp_path / "site" / "api" / "index.html").is_file()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("index", "problem"),
    [
        ("::: module.nope", "module.nope could not be found"),
        ('--8<-- "nope.py"', "'nope.py' could not be found"),
        ('--8<-- "sample.py:nope"', "'nope' could not be located"),
    ],
)
def test_what_cannot_be_rendered_is_refused(tmp_path: Path, index: str, problem: str) -> None:
    assert problem in build_site(tmp_path, index)


@pytest.fixture(scope="module")
def warnings_of_zensical(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give what Zensical says of one site with all that its strict mode refuses."""
    index = "[x](nope.md)\n\n[x](#no-1)\n\n[x](api.md#no-2)\n\n[x][module.no_3]"
    return build_site(tmp_path_factory.mktemp("site"), index, docstring="[x][module.no_4]")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "problem",
    [
        r"\(nope\.md\)\n.*\n.* page does not exist",
        r"\(#no-1\)\n.*\n.* anchor does not exist",
        r"\(api\.md#no-2\)\n.*\n.* anchor does not exist",
        r"\[module\.no_3\]\n.*\n.* unresolved autoref",
        r"unresolved autoref `module\.no_4` in api\.md",
    ],
)
def test_link_of_a_page_to_nothing_is_refused(warnings_of_zensical: str, problem: str) -> None:
    assert re.search(problem, warnings_of_zensical)


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Give what is wrong with one site with all that Zensical accepts and we do not."""
    root = tmp_path_factory.mktemp("site")
    source = root / "docs" / "src" / "folder"
    source.mkdir(parents=True)
    (root / "docs" / "orphan.md").write_text("# Orphan\n")
    (source / "whole.py").write_text("x = 1\n")
    (source / "section.py").write_text("# --8<-- [start:two]\n# --8<-- [end:two]\n")
    index = """
-8<- 'sample.py'

![x](image.png)

[x](/absolute/)

<a href="api/#anchor">x</a>

<script src="https://example.com/script.js"></script>
"""
    docstring = "[x](docstring.md)\n\n    Parameters:\n        nope: no such.\n    "
    return build_site(root, index, docstring, nav=', "nav.md"').splitlines()


@pytest.mark.parametrize(
    "problem",
    [
        'index.md:8: write it as --8<-- "sample.py:section"',
        "/ links to image.png, which does not exist",
        "/ links to /absolute/, which does not exist",
        "/ links to api/#anchor, but the page has no such anchor",
        "/ loads https://example.com/script.js from another host",
        "/api/ links to ../docstring/, which does not exist",
        "griffe: module.py:8: Parameter 'nope' does not appear in the function signature",
        "/api/ links to ../nav.md, which does not exist",
        "orphan/index.html is linked by no page: add it to nav",
        "docs/src/folder/whole.py is on no page",
        "docs/src/folder/section.py is on no page: section two",
    ],
)
def test_what_zensical_lets_through_is_refused(problems: list[str], problem: str) -> None:
    assert problem in problems
