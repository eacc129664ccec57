"""The page about checking the tables, and its sample on every database."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import text

from tests.conftest import DATABASES, Addresses
from tests.docs.samples import ROOT, client_of, load

PAGE = (ROOT / "docs" / "schema.md").read_text()
SOURCE = (ROOT / "fastapi_users_db" / "schema.py").read_text()


def test_table_lists_every_code_and_each_has_its_section() -> None:
    codes = re.findall(r'\*\(live, [\w.]+, "([\w-]+)"\)', SOURCE)
    assert sorted(re.findall(r"^\| \[`([\w-]+)`\]\(#\1\)", PAGE, re.MULTILINE)) == sorted(codes)
    assert sorted(re.findall(r"^## .* \{ #([\w-]+) \}$", PAGE, re.MULTILINE)) == sorted(codes)


@pytest.mark.parametrize("database", DATABASES)
async def test_app_starts_only_on_sound_tables(
    database: str, empty_database: Callable[[str], Addresses]
) -> None:
    sample = load("schema/app.py", empty_database(database).orm)
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.Base.metadata.create_all)
    async with client_of(sample.app) as client:
        assert (await client.get("/openapi.json")).status_code == 200
    async with sample.engine.begin() as connection:
        await connection.execute(text("DROP TABLE accesstoken"))
    with pytest.raises(RuntimeError, match=r"^accesstoken: expected a table, found no table"):
        await sample.app.router.lifespan_context(sample.app).__aenter__()
    await sample.engine.dispose()
