"""The page about errors, and its exception handlers."""

import re

from fastapi import FastAPI

from fastapi_users_db import InvalidValueError, exceptions
from tests.docs.samples import ROOT, client_of, load


def test_table_lists_every_exception() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    listed = re.findall(r"^\| \[`(\w+)`\]\[", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(exceptions.__all__)


async def test_handler_answers_for_a_value_that_a_column_cannot_hold() -> None:
    app = FastAPI()
    load("errors.py").add_exception_handlers(app)

    @app.get("/")
    async def fail() -> None:
        raise InvalidValueError("User.name holds at most 100 characters, not 101.")

    async with client_of(app) as client:
        response = await client.get("/")
    assert response.status_code == 422
    assert response.json() == {"detail": "User.name holds at most 100 characters, not 101."}
