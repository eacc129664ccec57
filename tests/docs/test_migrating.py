"""The guides to migration: the app of each step runs, and continues with the data of the others.

The apps for FastAPI Users 9 run where that is installed.
"""

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastapi_users
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Integer, MetaData, String, create_engine, select, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.pool import NullPool

from fastapi_users_db import GUID
from tests.conftest import Addresses
from tests.docs.samples import ROOT, SOURCE, client_of, load, log_in, register

INSTALLED = int(fastapi_users.__version__.partition(".")[0])
on_fastapi_users_9 = pytest.mark.skipif(
    INSTALLED != 9, reason=f"the app is one for FastAPI Users 9, not {INSTALLED}"
)
on_fastapi_users_15 = pytest.mark.skipif(
    INSTALLED < 15, reason=f"the app is one for FastAPI Users 15, not {INSTALLED}"
)
pytestmark = pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")

STEPS = ["step_3", "step_4", "step_5"]
THERE_AND_BACK = [*STEPS, *reversed(STEPS)]
FOLDER = SOURCE / "migrating"
EMAIL = "ada@example.com"


def load_step(name: str, addresses: Addresses) -> Any:
    """Run the app of a step on a database."""
    is_asynchronous = name in ("legacy_orm", "upstream_before", "upstream_after")
    return load(f"migrating/{name}.py", addresses.orm if is_asynchronous else addresses.databases)


def create_tables(sample: Any, engine: Engine) -> None:
    """Create the tables of a sample as the releases of 2021 did."""
    old = MetaData()
    for table in sample.Base.metadata.sorted_tables:
        copy = table.to_metadata(old)
        copy.indexes = {index for index in copy.indexes if "user_id" not in index.columns}
    if "oauth_account" in old.tables:
        old.tables["user"].c.hashed_password.type = String(72)
        accounts = old.tables["oauth_account"].c
        accounts.access_token.type = accounts.refresh_token.type = String(1024)
    old.create_all(engine)


def widen_columns(engine: Engine) -> None:
    """Run the revisions of step 2."""
    with (
        engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        for revision in ("widen_hashed_password", "widen_oauth_tokens"):
            load(f"migrations/versions/{revision}.py").upgrade()


@pytest.fixture
def addresses(empty_database: Callable[[str], Addresses]) -> Addresses:
    return empty_database("sqlite")


@pytest.fixture
def engine(addresses: Addresses) -> Iterator[Engine]:
    engine = create_engine(make_url(addresses.orm).set(drivername="sqlite"))
    yield engine
    engine.dispose()


@on_fastapi_users_9
@pytest.mark.parametrize("name", ["legacy_databases", "legacy_orm"])
@pytest.mark.parametrize("is_wide", [False, True], ids=["before step 2", "after step 2"])
async def test_legacy_app_runs_unchanged(
    name: str, is_wide: bool, addresses: Addresses, engine: Engine
) -> None:
    if name == "legacy_databases":
        pytest.importorskip("databases")
    sample = load_step(name, addresses)
    create_tables(sample, engine)
    if is_wide:
        widen_columns(engine)
    async with client_of(sample.app) as client:
        user = await register(client)
        headers = await log_in(client)
        response = await client.get("/users/me", headers=headers)
        hello = await client.get("/hello", headers=headers)
    assert response.json() == user
    assert hello.json() == f"Hello, {EMAIL}!"


@pytest.fixture
def old_tables(addresses: Addresses, engine: Engine) -> None:
    """Create the tables as they are after step 2."""
    create_tables(load_step("step_4", addresses), engine)
    widen_columns(engine)


def hash_of(email: str, engine: Engine) -> str:
    with engine.connect() as connection:
        query = text('SELECT hashed_password FROM "user" WHERE email = :email')
        found: str = connection.execute(query, {"email": email}).scalar_one()
    return found


def insert_user(sample: Any, engine: Engine, password: str) -> str:
    """Insert Ada as FastAPI Users 9 would, and return her id."""
    bcrypt = pytest.importorskip("bcrypt")
    hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
    users = sample.Base.metadata.tables["user"]
    with engine.begin() as connection:
        connection.execute(users.insert().values(email=EMAIL, hashed_password=hashed))
        return str(connection.execute(select(users.c.id)).scalar_one())


@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
async def test_steps_continue_with_the_users_of_each_other_there_and_back(
    addresses: Addresses,
) -> None:
    user = None
    for number, name in enumerate(THERE_AND_BACK):
        async with client_of(load_step(name, addresses).app) as client:
            if user is not None:
                headers = await log_in(client, user["email"])
                assert (await client.get("/users/me", headers=headers)).json() == user
            user = await register(client, f"{number}@example.com")


def ids_of(name: str) -> list[Any]:
    """Return the types of the ids of users and accounts."""
    tables = load(f"migrating/{name}.py").Base.metadata.tables
    return [tables[table].c.id.type for table in ("user", "oauth_account")]


def test_named_mixin_keeps_the_uuids() -> None:
    assert all(isinstance(id_, GUID) for id_ in ids_of("own_id_after"))


@on_fastapi_users_15
def test_bare_mixin_loses_the_uuids() -> None:
    assert all(isinstance(id_, Integer) for id_ in ids_of("own_id_before"))


@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
@pytest.mark.parametrize("name", STEPS)
async def test_methods_of_a_user_are_there_in_every_step(name: str, addresses: Addresses) -> None:
    async with client_of(load_step(name, addresses).app) as client:
        await register(client)
        response = await client.get("/hello", headers=await log_in(client))
    assert response.json() == f"Hello, {EMAIL}!"


@on_fastapi_users_15
@pytest.mark.parametrize("name", STEPS)
def test_address_stays_that_of_a_synchronous_engine(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = create_engine(load(f"migrating/{name}.py").DATABASE_URL, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


@pytest.mark.thorough
@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
async def test_jwts_of_a_step_are_accepted_by_the_others(addresses: Addresses) -> None:
    async with client_of(load_step("step_3", addresses).app) as client:
        await register(client)
        headers = await log_in(client)
    for name in THERE_AND_BACK:
        async with client_of(load_step(name, addresses).app) as client:
            assert (await client.get("/users/me", headers=headers)).status_code == 200
            headers = await log_in(client)


@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
@pytest.mark.parametrize(("name", "status"), [("step_3", 200), ("step_4", 200), ("step_5", 401)])
async def test_jwt_of_fastapi_users_9_is_accepted_up_to_step_4(
    name: str, status: int, addresses: Addresses, engine: Engine
) -> None:
    from fastapi_users.jwt import generate_jwt

    sample = load_step(name, addresses)
    user_id = insert_user(sample, engine, "secret")
    token = generate_jwt({"user_id": user_id, "aud": ["fastapi-users:auth"]}, sample.SECRET, 3600)
    async with client_of(sample.app) as client:
        response = await client.get("/users/me", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status


@on_fastapi_users_15
@pytest.mark.parametrize("name", ["step_3", "step_4"])
@pytest.mark.parametrize("claims", [{}, {"sub": "no id"}, {"user_id": "no id"}])
async def test_jwt_without_an_id_is_refused(
    name: str, claims: dict[str, str], addresses: Addresses
) -> None:
    from fastapi_users.jwt import generate_jwt

    sample = load_step(name, addresses)
    token = generate_jwt({**claims, "aud": ["fastapi-users:auth"]}, sample.SECRET, 3600)
    async with client_of(sample.app) as client:
        for value in (token, "nonsense"):
            header = {"Authorization": f"Bearer {value}"}
            assert (await client.get("/users/me", headers=header)).status_code == 401


@pytest.mark.thorough
@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
async def test_hashes_are_bcrypt_up_to_step_4_and_argon2_after_a_login_in_step_5(
    addresses: Addresses, engine: Engine
) -> None:
    async with client_of(load_step("step_3", addresses).app) as client:
        await register(client)
    kinds = []
    for name in THERE_AND_BACK:
        async with client_of(load_step(name, addresses).app) as client:
            await log_in(client)
        kinds.append(hash_of(EMAIL, engine).split("$")[1])
    assert kinds == ["2b", "2b", "argon2id", "argon2id", "2b", "2b"]


@pytest.mark.thorough
@on_fastapi_users_15
@pytest.mark.usefixtures("old_tables")
async def test_old_password_of_more_than_72_bytes_is_good_in_every_step(
    addresses: Addresses, engine: Engine
) -> None:
    password = "é" * 72
    insert_user(load_step("step_4", addresses), engine, password)
    for name in THERE_AND_BACK:
        async with client_of(load_step(name, addresses).app) as client:
            form = {"username": EMAIL, "password": password}
            assert (await client.post("/auth/login", data=form)).status_code == 200


@on_fastapi_users_15
async def test_import_from_upstream_can_change_there_and_back(
    addresses: Addresses, engine: Engine
) -> None:
    create_tables(load_step("upstream_before", addresses), engine)
    async with client_of(load_step("upstream_before", addresses).app) as client:
        user = await register(client)
        headers = await log_in(client)
    for name in ("upstream_after", "upstream_before", "upstream_after"):
        async with client_of(load_step(name, addresses).app) as client:
            assert (await client.get("/users/me", headers=headers)).json() == user
            await log_in(client)


@on_fastapi_users_15
@pytest.mark.filterwarnings("error::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
@pytest.mark.parametrize("name", ["step_5", "upstream_after"])
async def test_nothing_warns_in_the_end(name: str, addresses: Addresses, engine: Engine) -> None:
    sample = load_step(name, addresses)
    create_tables(sample, engine)
    async with client_of(sample.app) as client:
        await register(client)
        await log_in(client)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("step_3.py", "step_4.py"),
        ("step_4.py", "step_5.py"),
        ("upstream_before.py", "upstream_after.py"),
    ],
)
def test_difference_is_the_one_between_before_and_after(before: str, after: str) -> None:
    old, new = (read_lines(name) for name in (before, after))
    difference = list(difflib.unified_diff(old, new, n=1, lineterm=""))[2:]
    shown = (FOLDER / after.replace(".py", ".diff")).read_text()
    assert shown.splitlines() == difference


def read_lines(name: str) -> list[str]:
    """Return the lines of a file as the page shows them."""
    lines = (FOLDER / name).read_text().splitlines()
    shown = [line for line in lines if not line.startswith(("# --8<--", "# mypy:"))]
    return "\n".join(shown).strip().splitlines()


def test_requirements_name_extras_that_exist() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    requirements = "".join(path.read_text() for path in FOLDER.glob("*.txt"))
    named = re.findall(r"^fastapi-users-db\[(.*)\]", requirements, re.MULTILINE)
    assert len(named) == 5
    for extra in ",".join(named).split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)
