"""After step 3 of the guide to migration there is a way back, and both may run at once.

That of the tool, with `--reversible`, is as good as that which the guide writes by hand.

The app on FastAPI Users 9 runs in an environment of its own, that on 15 in that of the tests, on
one SQLite file.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi_users_db_cli.engine import Options, migrate

from tests.conftest import Addresses
from tests.docs.conftest import empty_database
from tests.docs.samples import SOURCE, client_of, load, log_in, register
from tests.docs.test_migrating import addresses, engine, load_step, old_tables
from tests.programs import SHIM, Program, Side

__all__ = ["addresses", "empty_database", "engine", "old_tables"]

pytestmark = [
    pytest.mark.skipif(not SHIM[-1].is_dir(), reason="the old app runs on the shim"),
    pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning"),
]
LEGACY = Path(__file__).parent.parent / "docs" / "programs" / "legacy.py"
ENVIRONMENTS = {"legacy_databases": "9.3-databases", "legacy_orm": "9.3-orm"}
beside_each_other = pytest.mark.parametrize(
    ("legacy", "name"),
    [
        ("legacy_databases", "step_3"),
        ("legacy_databases", "step_4"),
        ("legacy_orm", "step_4"),
        ("legacy_databases", "tool to 3"),
        ("legacy_databases", "tool to 4"),
        ("legacy_orm", "tool to 3"),
    ],
    indirect=["legacy"],
)


@pytest.fixture
def legacy(
    request: pytest.FixtureRequest, addresses: Addresses, old_tables: None
) -> Iterator[Program]:
    """Run an app on FastAPI Users 9."""
    name = getattr(request, "param", "legacy_databases")
    address = addresses.databases if name == "legacy_databases" else addresses.orm
    side = Side(name, LEGACY, ENVIRONMENTS[name], SHIM)
    with side.running(f"migrating/{name}.py", address) as program:
        yield program


@pytest.fixture
def app(request: pytest.FixtureRequest, name: str, addresses: Addresses, tmp_path: Path) -> Any:
    """Return the app of a step, as the guide has it or as the tool makes it of the old one."""
    if not name.startswith("tool"):
        return load_step(name, addresses).app
    legacy = request.node.callspec.params["legacy"]
    texts = {"app.py": (SOURCE / "migrating" / f"{legacy}.py").read_text()}
    options = Options(unsafe=True, is_reversible=True)
    result = migrate(texts, range(1, int(name[-1]) + 1), options)
    file = tmp_path / "app.py"
    file.write_text(result.texts["app.py"])
    address = addresses.orm if legacy == "legacy_orm" else addresses.databases
    return load(str(file), address).app


def ask(legacy: Program, method: str, path: str, **arguments: Any) -> httpx.Response:
    """Send a request to the app on FastAPI Users 9."""
    legacy.send(json.dumps([method, path, arguments]))
    status, body = json.loads(legacy.receive())
    return httpx.Response(status, json=body)


def log_in_to(legacy: Program, email: str) -> httpx.Response:
    form = {"username": email, "password": "secret"}
    return ask(legacy, "POST", "/auth/login", data=form)


def bearer(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 200, response.text
    return {"Authorization": f"Bearer {response.json()['access_token']}"}


@beside_each_other
async def test_old_app_logs_in_everybody_that_the_new_one_has_seen(
    app: Any, legacy: Program
) -> None:
    credentials = {"email": "old@example.com", "password": "secret"}
    assert ask(legacy, "POST", "/auth/register", json=credentials).status_code == 201
    async with client_of(app) as client:
        await register(client, "new@example.com")
        await register(client, "changed@example.com")
        headers = await log_in(client, "changed@example.com")
        change = {"password": "secret", "email": "other@example.com"}
        assert (await client.patch("/users/me", headers=headers, json=change)).status_code == 200
        await log_in(client, "old@example.com")
    for email in ("old@example.com", "new@example.com", "other@example.com"):
        assert log_in_to(legacy, email).status_code == 200


@beside_each_other
async def test_sessions_of_both_are_good_at_both(app: Any, legacy: Program) -> None:
    async with client_of(app) as client:
        user = await register(client, "ada@example.com")
        new = await log_in(client, "ada@example.com")
        old = bearer(log_in_to(legacy, "ada@example.com"))
        for headers in (new, old):
            assert ask(legacy, "GET", "/users/me", headers=headers).json() == user
            assert (await client.get("/users/me", headers=headers)).json() == user


async def test_step_5_has_no_way_back_to_the_old_app_for_who_has_logged_in(
    legacy: Program, addresses: Addresses
) -> None:
    async with client_of(load_step("step_5", addresses).app) as client:
        await register(client)
        headers = await log_in(client)
    answer = log_in_to(legacy, "ada@example.com")
    assert (answer.status_code, answer.json()) == (500, "UnknownHashError")
    assert ask(legacy, "GET", "/users/me", headers=headers).status_code == 401


async def test_step_4_is_the_way_back_for_everybody(legacy: Program, addresses: Addresses) -> None:
    async with client_of(load_step("step_5", addresses).app) as client:
        await register(client)
    async with client_of(load_step("step_4", addresses).app) as client:
        await log_in(client)
    assert log_in_to(legacy, "ada@example.com").status_code == 200
