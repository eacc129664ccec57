"""Whole apps, in the shape of the field, before and after."""

import asyncio
import contextlib
import importlib
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check, migrate

from tests.cli.crossing import APPS, read

NAMES = sorted(path.parent.name for path in APPS.glob("*/after"))
UNSAFE = Options(unsafe=True)
# Those without OAuth show less.
LONG = {"example_on_databases", "example_on_orm"}
every_app = pytest.mark.parametrize(
    "app",
    [pytest.param(name, marks=[pytest.mark.thorough] if name in LONG else []) for name in NAMES],
)

# What is left for a person to do.
LEFT = {
    "example_on_databases": [],
    "example_on_databases_with_oauth": [],
    "example_on_orm": [],
    "example_on_orm_with_oauth": [],
    "forum_on_upstream": [],
    "gallery_on_orm": [("FUD506", "gallery.py"), ("FUD506", "gallery.py")],
    "notes_on_databases": [("FUD404", "notes/main.py"), ("FUD506", "notes/main.py")],
}


@every_app
def test_app_is_what_it_should_be_after_all_steps(app: str) -> None:
    result = migrate(read(APPS / app / "before"), STEPS, UNSAFE)
    assert result.texts == read(APPS / app / "after")
    assert not result.failures


@every_app
def test_what_is_left_is_named(app: str) -> None:
    left = migrate(read(APPS / app / "before"), STEPS, UNSAFE).left
    by_hand = [each for each in left if each.kind != "none"]
    assert [(each.rule.code, each.source.path) for each in by_hand] == LEFT[app]


@every_app
@pytest.mark.parametrize("options", [Options(), UNSAFE], ids=["safe", "unsafe"])
def test_steps_one_after_another_are_all_of_them(app: str, options: Options) -> None:
    texts = read(APPS / app / "before")
    whole = migrate(texts, STEPS, options).texts
    for step in STEPS:
        texts = migrate(texts, [step], options).texts
    assert texts == whole


@every_app
@pytest.mark.parametrize("step", STEPS)
def test_step_is_done_once(app: str, step: int) -> None:
    texts = read(APPS / app / "before")
    for earlier in STEPS[: STEPS.index(step) + 1]:
        texts = migrate(texts, [earlier], UNSAFE).texts
    again = migrate(texts, [step], UNSAFE)
    assert again.texts == texts
    assert again.applied == 0


@every_app
def test_nothing_safe_is_left(app: str) -> None:
    for options in (Options(), UNSAFE):
        after = migrate(read(APPS / app / "before"), STEPS, options).texts
        left = check(after, STEPS, options).left
        assert [finding for finding in left if options.applies(finding)] == []


@pytest.fixture
def in_its_folder(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    shutil.copytree(APPS / request.param / "after", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


async def _serve(module: str, url: str, fields: dict[str, str], *, has_cookie: bool) -> None:
    app = importlib.import_module(module).app
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="https://app.test") as client,
    ):
        body = {"email": "ada@example.com", "password": "secret", **fields}
        registered = await client.post("/auth/register", json=body)
        assert registered.status_code == 201, registered.text
        form = {"username": "Ada@example.com", "password": "secret"}
        answer = await client.post("/auth/login", data=form)
        headers = {}
        if not has_cookie:
            headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        me = await client.get(url, headers=headers)
        assert (me.status_code, me.json()["id"]) == (200, registered.json()["id"])
        changed = await client.patch(url, headers=headers, json={"password": "other"})
        assert changed.status_code == 200, changed.text


@pytest.mark.parametrize("in_its_folder", ["gallery_on_orm"], indirect=True)
def test_app_on_the_orm_runs(in_its_folder: Path) -> None:
    asyncio.run(_serve("gallery", "/users/me", {"signature": "A. L."}, has_cookie=True))


# The app starts and ends as apps did then.
@pytest.mark.filterwarnings("ignore:\\s*on_event is deprecated:DeprecationWarning")
@pytest.mark.parametrize("in_its_folder", ["notes_on_databases"], indirect=True)
def test_app_that_was_on_databases_runs(in_its_folder: Path) -> None:
    main = in_its_folder / "notes" / "main.py"
    # What was left by hand: the schema that is read.
    main.write_text(main.read_text().replace("response_model=UserDB", "response_model=User"))
    asyncio.run(_serve("notes.main", "/users/me", {"nickname": "Countess"}, has_cookie=False))


OLD = (Path(__file__).parent / "old_example.sql").read_text()
ADA, GRACE = (f"5f0b8a86-6f4b-4d6e-9f3e-0d7f4b7f6a0{number}" for number in (1, 2))


async def _serve_old_users(*, has_oauth: bool) -> None:
    app = importlib.import_module("app.app").app
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://app.test"
        ) as client,
    ):

        async def me(answer: httpx.Response) -> str:
            token = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            hello = await client.get("/authenticated-route", headers=headers)
            assert hello.status_code == 200, hello.text
            return str((await client.get("/users/me", headers=headers)).json()["id"])

        for _ in range(2):  # The first login writes another hash, which the second one reads.
            form = {"username": "ada@example.com", "password": "password"}
            assert await me(await client.post("/auth/jwt/login", data=form)) == ADA
        new = {"email": "new@example.com", "password": "secret"}
        registered = await client.post("/auth/register", json=new)
        assert registered.status_code == 201, registered.text
        for address, user in [("grace", GRACE), ("ada", ADA)] if has_oauth else ():
            begun = await client.get("/auth/google/authorize")
            state = httpx.URL(begun.json()["authorization_url"]).params["state"]
            callback = {"code": f"{address}@example.com", "state": state}
            assert await me(await client.get("/auth/google/callback", params=callback)) == user


QUICK = "example_on_databases_with_oauth"
EXAMPLES = [
    pytest.param(name, marks=[pytest.mark.thorough] if name != QUICK else [])
    for name in NAMES
    if name.startswith("example")
]


# The app starts and ends as apps did then.
@pytest.mark.filterwarnings("ignore:\\s*on_event is deprecated:DeprecationWarning")
@pytest.mark.parametrize("in_its_folder", EXAMPLES, indirect=True)
def test_example_of_upstream_serves_its_old_users(
    in_its_folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    google = pytest.importorskip("httpx_oauth.clients.google").GoogleOAuth2

    async def get_access_token(_: object, code: str, *__: object) -> dict[str, str]:
        return {"access_token": code}

    async def get_id_email(_: object, token: str) -> tuple[str, str]:
        return ("g-2" if token.startswith("grace") else "g-1"), token

    monkeypatch.setattr(google, "get_access_token", get_access_token)
    monkeypatch.setattr(google, "get_id_email", get_id_email)
    with contextlib.closing(sqlite3.connect(in_its_folder / "test.db")) as connection:
        connection.executescript(OLD)
    asyncio.run(_serve_old_users(has_oauth="oauth" in request.node.callspec.id))
