"""The samples that create users without a request."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fastapi_users.password import PasswordHelper
from sqlalchemy import Connection, select
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import DATABASES, Addresses
from tests.docs.samples import ROOT, beside_tutorial, load

PASSWORDS = PasswordHelper()


@pytest.fixture(params=DATABASES)
async def sample(
    request: pytest.FixtureRequest, empty_database: Callable[[str], Addresses]
) -> AsyncIterator[Any]:
    address = empty_database(request.param).orm
    with beside_tutorial(address):
        sample = load("users_from_code/script.py")
    async with sample.engine.begin() as connection:
        await connection.run_sync(sample.User.metadata.create_all)
    sample.address = address
    yield sample
    await sample.engine.dispose()


async def users(sample: Any) -> list[Any]:
    async with sample.async_session_maker() as session:
        return list(await session.scalars(select(sample.User)))


async def test_the_script_creates_a_superuser_once(
    sample: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        await sample.create_superuser("ada@example.com", "secret")
    [ada] = await users(sample)
    assert ada.is_superuser
    assert PASSWORDS.verify_and_update("secret", ada.hashed_password)[0]
    created, again = capsys.readouterr().out.splitlines()
    assert created == f"ada@example.com is now a superuser with the id {ada.id}."
    assert again == "ada@example.com has an account already."
    page = (ROOT / "docs" / "users-from-code.md").read_text()
    for line in (created, again):
        assert line.partition(" with the id ")[0] in page


async def test_a_user_with_a_hash_is_imported(sample: Any) -> None:
    created = await sample.import_user("ada@example.com", "a hash")
    [ada] = await users(sample)
    assert (ada.id, ada.hashed_password) == (created.id, "a hash")


async def test_the_revision_creates_an_admin_and_deletes_it(
    sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_PASSWORD", "secret")
    revision = load("users_from_code/revision.py")
    engine = create_async_engine(sample.address)

    def run(connection: Connection, step: Callable[[], None]) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            step()

    async with engine.begin() as connection:
        await connection.run_sync(run, revision.upgrade)
    async with sample.open_user_manager() as user_manager:
        admin = await user_manager.get_by_email("admin@example.com")
    assert admin.is_superuser
    assert admin.is_verified
    assert PASSWORDS.verify_and_update("secret", admin.hashed_password)[0]
    async with engine.begin() as connection:
        await connection.run_sync(run, revision.downgrade)
    assert await users(sample) == []
    await engine.dispose()
