"""The apps that the tutorials build, over HTTP on every database."""

from collections.abc import Callable

import pytest
from databases import Database
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.conftest import DATABASES, Addresses
from tests.docs.samples import SOURCE, client_of, load, log_in, register

every_database = pytest.mark.parametrize("database", DATABASES)
databases_adapter = pytest.mark.filterwarnings(
    "ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"
)


async def registers_logs_in_and_answers(app: FastAPI) -> None:
    async with client_of(app) as client:
        user = await register(client)
        response = await client.get("/users/me", headers=await log_in(client))
        assert response.json() == user
        again = {"email": "ADA@example.com", "password": "secret"}
        assert (await client.post("/auth/register", json=again)).status_code == 400


@every_database
async def test_orm_tutorial_runs(database: str, empty_database: Callable[[str], Addresses]) -> None:
    module = load("orm/app.py", empty_database(database).orm)
    await registers_logs_in_and_answers(module.app)


@databases_adapter
@every_database
async def test_databases_tutorial_runs(
    database: str, empty_database: Callable[[str], Addresses]
) -> None:
    module = load("databases/app.py", empty_database(database).orm)
    await registers_logs_in_and_answers(module.app)


@databases_adapter
async def test_orm_tutorial_continues_with_the_data_of_the_databases_tutorial(
    empty_database: Callable[[str], Addresses],
) -> None:
    address = empty_database("sqlite").orm
    async with client_of(load("databases/app.py", address).app) as client:
        user = await register(client)
    async with client_of(load("orm/app.py", address).app) as client:
        response = await client.get("/users/me", headers=await log_in(client))
    assert response.json() == user


def addresses() -> list[str]:
    lines = (SOURCE / "urls.py").read_text().splitlines()
    return [line.split('"')[1] for line in lines if line.startswith("DATABASE_URL")]


@pytest.mark.parametrize("address", addresses())
def test_address_names_an_installed_driver_for_both_backends(address: str) -> None:
    engine = create_async_engine(address)
    assert engine.dialect.driver == make_url(address).get_driver_name()
    Database(address)
