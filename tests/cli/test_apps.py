"""Whole apps, in the shape of the field, before and after."""

import asyncio
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check, migrate

from tests.cli.crossing import APPS, read

NAMES = sorted(path.name for path in APPS.iterdir())
UNSAFE = Options(unsafe=True)
every_app = pytest.mark.parametrize("app", NAMES)

# What is left for a person to do.
LEFT = {
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
