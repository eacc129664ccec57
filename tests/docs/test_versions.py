"""The site names the versions that this release is, and those that it runs on."""

import re

from fastapi_users_db_cli.notes import GUIDE
from fastapi_users_db_cli.rule import DOCUMENTATION as RULES

import fastapi_users_db
from fastapi_users_db.deprecation import DOCUMENTATION
from tests.docs.samples import ROOT
from tests.stacks import STACKS

PAGE = (ROOT / "docs" / "versions.md").read_text()
CONFIG = (ROOT / "zensical.toml").read_text()
METADATA = (ROOT / "pyproject.toml").read_text()
MINOR = ".".join(fastapi_users_db.__version__.split(".")[:2])


def test_every_page_has_the_version_at_its_foot() -> None:
    assert f'\ncopyright = "fastapi-users-db {fastapi_users_db.__version__}, ' in CONFIG


def test_addresses_lead_to_the_pages_of_this_release() -> None:
    assert DOCUMENTATION.endswith(f"/{MINOR}")
    assert RULES.startswith(f"{DOCUMENTATION}/")
    assert GUIDE.startswith(f"{DOCUMENTATION}/")
    assert f"<{DOCUMENTATION}/>" in PAGE


def test_the_page_names_what_the_tests_run_on() -> None:
    pythons = re.findall(r"Python :: (3\.\d+)", METADATA)
    majors = sorted(stack.major for stack in STACKS.values())
    [lowest] = re.findall(r'"sqlalchemy\[asyncio\]>=([\d.]+),', METADATA)
    assert f"| Python | {', '.join(pythons)} |" in PAGE
    assert f"| FastAPI Users | {majors[0]} to {majors[-1]} |" in PAGE
    assert f"| SQLAlchemy | {lowest} and later, " in PAGE


def test_a_reader_who_goes_on_meets_the_pages_in_the_order_of_an_app() -> None:
    pages = re.findall(r'= "([\w/-]+)\.md"', CONFIG)
    in_order = ["orm", "oauth", "access-tokens", "tables", "alembic", "transactions", "errors"]
    in_order += ["servers", "migrating/index", "deprecations", "databases"]

    assert [page for page in pages if page in in_order] == in_order


def test_the_palette_follows_the_system_until_the_reader_chooses() -> None:
    palette = re.findall(r'^media = "(.*)"$', CONFIG, re.MULTILINE)

    assert palette[0] == "(prefers-color-scheme)"
