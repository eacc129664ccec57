"""Requests of any kind to the example app, as its OpenAPI describes them and otherwise: no 5xx.

They are made from the description by hypothesis. Not by schemathesis: its plugin would be loaded
by every run of pytest.
"""

import asyncio
import hashlib
import importlib
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from databases import Database
from fastapi_users.jwt import generate_jwt
from fastapi_users.password import PasswordHelper
from httpx_oauth.oauth2 import BaseOAuth2
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from fastapi_users_db import FastAPIUsersDBDeprecationWarning
from tests.conftest import Addresses, create_tables
from tests.faults.secrets import collected, planted
from tests.hostile.values import repeatable

EXAMPLES = 400
ANNE, BERT, ROOT = UUID(int=10), UUID(int=11), UUID(int=12)
KNOWN = [str(ANNE), str(BERT), str(ROOT)]
PASSWORD, STORED, CSRF = "guinevere", planted("hash"), "csrf"
STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        *("anne@example.com", "ANNE@example.com", "bert@example.com", "new@example.com"),
        *("a" * 60 + "@" + "b" * 60 + ".example.com", "é@example.com", "🦊@example.com"),
        *(PASSWORD, "x" * 5000, "\0", "an\0ne@example.com", "' OR 1=1; --", "%s :x {x}"),
        *(str(ANNE), str(BERT), str(UUID(int=1)), "me"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers() | st.sampled_from([2**31, 2**63, 10**300]),
    st.floats(allow_nan=False, allow_infinity=False),
    STRINGS,
)
JSON = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(STRINGS, SCALARS, max_size=3),
)


def values_of(schema: Any, schemas: Any) -> st.SearchStrategy[Any]:
    """Return values that a schema describes, and now and then others."""
    return st.integers(0, 9).flatmap(
        lambda number: JSON if number == 0 else described(schema, schemas)
    )


def described(schema: Any, schemas: Any) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return described(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return st.one_of([described(option, schemas) for option in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "object":
        required = schema.get("required", ())
        fields = {
            name: values_of(field, schemas) for name, field in schema.get("properties", {}).items()
        }
        return st.fixed_dictionaries(
            {name: field for name, field in fields.items() if name in required},
            optional={
                **{name: field for name, field in fields.items() if name not in required},
                "id": JSON,
                "hashed_password": JSON,
                "oauth_accounts": JSON,
            },
        )
    if kind == "array":
        return st.lists(values_of(schema.get("items", {}), schemas), max_size=2)
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    if schema.get("format") == "email":
        return st.sampled_from(["anne@example.com", "ANNE@EXAMPLE.com", "new@example.com"])
    return STRINGS if kind == "string" else JSON


def without_nulls(values: Any) -> Any:
    """Leave out of an update what FastAPI Users itself answers with 500, whatever the adapter.

    Its schema allows `null` for what it then writes into columns that are never NULL.
    """
    if not isinstance(values, dict):
        return values
    never = ("email", "is_active", "is_superuser", "is_verified")
    return {key: value for key, value in values.items() if value is not None or key not in never}


def request(
    method: str, path: str, route: Any, schemas: Any, tokens: list[str], states: list[str]
) -> st.SearchStrategy[Any]:
    """Return requests of a route: the method, the address and the arguments of httpx."""
    parameters = route.get("parameters", [])
    names = {kind: [p["name"] for p in parameters if p["in"] == kind] for kind in ("path", "query")}
    query = {
        name: st.sampled_from(states) if name == "state" else STRINGS for name in names["query"]
    }
    valid = [f"Bearer {token}" for token in tokens[:2]]
    headers = st.sampled_from(valid) | st.sampled_from(
        ["", "Bearer", "Basic eDp5", *(f"Bearer {token}" for token in tokens)]
    )
    options: dict[str, Any] = {
        "params": st.fixed_dictionaries({}, optional=query),
        "headers": headers.map(lambda h: {"Authorization": h} if h else {}),
    }
    content = route.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        values = values_of(content["application/json"]["schema"], schemas)
        options["json"] = values.map(without_nulls) if method == "patch" else values
    elif content:
        fields = st.sampled_from(["username", "password", "grant_type", "scope", "client_id"])
        options["data"] = st.one_of(
            st.dictionaries(fields, STRINGS),
            st.fixed_dictionaries({"username": STRINGS, "password": STRINGS | st.just(PASSWORD)}),
        )
    addresses = st.fixed_dictionaries(
        dict.fromkeys(names["path"], st.sampled_from(KNOWN) | STRINGS)
    ).map(lambda values: path.format(**{k: quote(v, safe="") for k, v in values.items()}))
    return st.tuples(st.just(method), addresses, st.fixed_dictionaries(options))


def requests(openapi: Any, tokens: list[str], states: list[str]) -> st.SearchStrategy[Any]:
    schemas = openapi["components"]["schemas"]
    return st.one_of(
        [
            request(method, path, route, schemas, tokens, states)
            for path, routes in openapi["paths"].items()
            for method, route in routes.items()
        ]
    )


def hashed(_: Any, password: str) -> str:
    """Stand in for argon2, which takes its time."""
    return f"{STORED}-" + hashlib.sha256(password.encode()).hexdigest()


def verified(_: Any, password: str, stored: str) -> tuple[bool, None]:
    return hashed(_, password) == stored, None


def provider(request: httpx.Request) -> httpx.Response:
    """Believe every code, as an account whose address may be somebody's here."""
    if request.url.path == "/token":
        code = hashlib.sha256(request.content).hexdigest()
        return httpx.Response(200, json={"access_token": code, "token_type": "bearer"})
    code = request.headers["Authorization"].rpartition(" ")[2]
    name = {"0": "anne", "1": "bert"}.get(code[0], code[:8])
    return httpx.Response(200, json={"sub": code, "email": f"{name}@example.com"})


class Served:
    """An app in this process, on a database with the same rows before each request."""

    def __init__(self, app: Any, module: Any, addresses: Addresses) -> None:
        self.app = app
        self.tables = module.Base.metadata.sorted_tables
        self.users = module.User.__table__
        self.engine = create_async_engine(addresses.orm)
        pool = {} if addresses.name == "sqlite" else {"min_size": 1, "max_size": 2}
        self.database = Database(addresses.databases, **pool)
        self.before: list[Any] = []

    async def rows(self) -> list[Any]:
        async with self.engine.connect() as connection:
            return [
                list((await connection.execute(select(table).order_by(table.c.id))).all())
                for table in self.tables
            ]

    async def fill(self) -> None:
        user = {"hashed_password": hashed(None, PASSWORD), "is_active": True, "is_verified": False}
        anne = {"id": ANNE, "email": "anne@example.com", "is_superuser": False, **user}
        root = {"id": ROOT, "email": "root@example.com", "is_superuser": True, **user}
        bert = {"id": BERT, "email": "bert@example.com", "is_superuser": False, **user}
        async with self.engine.begin() as connection:
            for table in reversed(self.tables):
                await connection.execute(table.delete())
            await connection.execute(insert(self.users), [anne, root, bert])
        self.before = await self.rows()

    async def send(self, method: str, path: str, options: dict[str, Any]) -> int:
        # An error that the app does not answer itself comes out here.
        transport = httpx.ASGITransport(self.app)
        cookies = {"fastapiusersoauthcsrf": CSRF}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://app", cookies=cookies
        ) as client:
            response = await asyncio.wait_for(client.request(method, path, **options), 60)
        assert response.status_code < 500, response.text
        assert STORED not in response.text
        rows = await self.rows()
        if response.status_code >= 400:
            assert rows == self.before, "half-written"
        elif rows != self.before:
            await self.fill()
        return response.status_code


@pytest.mark.parametrize("name", ["sqlite", "postgresql", "mariadb-aiomysql"])
@pytest.mark.parametrize("variant", ["on_orm", "on_databases", "legacy"])
def test_no_request_is_answered_with_a_server_error(
    variant: str,
    name: str,
    new_database: Callable[[str], Addresses],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PasswordHelper, "hash", hashed)
    monkeypatch.setattr(PasswordHelper, "verify_and_update", verified)
    monkeypatch.setattr(
        BaseOAuth2,
        "get_httpx_client",
        lambda _: httpx.AsyncClient(transport=httpx.MockTransport(provider)),
    )
    loop = asyncio.new_event_loop()
    run = loop.run_until_complete
    answered: Counter[int] = Counter()
    with warnings.catch_warnings(), collected() as texts:
        warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
        models = "legacy_models" if variant == "legacy" else "models"
        module = importlib.import_module(f"examples.app.{variant}")
        app = module.app
        addresses = new_database(name)
        served = Served(app, importlib.import_module(f"examples.app.{models}"), addresses)
        if variant == "on_orm":
            session_maker = async_sessionmaker(served.engine, expire_on_commit=False)
            monkeypatch.setattr(module, "async_session_maker", session_maker)
        else:
            monkeypatch.setattr(module, "database", served.database)
        secret = importlib.import_module("examples.app.users").SECRET
        tokens = [
            generate_jwt({"sub": sub, "aud": ["fastapi-users:auth"]}, secret, 10**6)
            for sub in (str(ANNE), str(ROOT), str(UUID(int=1)), "no-uuid", "\0")
        ]
        states = ["", "x", *(state(secret, sub) for sub in (str(ANNE), str(ROOT), "\0"))]
        run(create_tables(addresses, served.tables[0].metadata))
        run(served.database.connect())
        run(served.fill())
        try:

            @repeatable(EXAMPLES)
            @given(call=requests(app.openapi(), tokens, states))
            def attempt(call: tuple[str, str, dict[str, Any]]) -> None:
                answered[run(served.send(*call))] += 1

            attempt()
        finally:
            run(served.database.disconnect())
            run(served.engine.dispose())
            loop.close()
    texts.assert_no_secret()
    # Both what is right and what is wrong was among them.
    assert {200, 201, 204, 400, 401, 404, 422} <= answered.keys(), answered


def state(secret: str, sub: str) -> str:
    """Return a state of the OAuth routes, as the app has signed it."""
    data = {"sub": sub, "csrftoken": CSRF, "aud": "fastapi-users:oauth-state"}
    return generate_jwt(data, secret, 10**6)
