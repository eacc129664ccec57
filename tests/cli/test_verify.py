"""`verify` on real databases: who can log in, who cannot, and that nothing is written."""

import json
import sys
from typing import Any
from uuid import uuid4

import pytest
from fastapi_users_db_cli import live, verify
from fastapi_users_db_cli.command import main
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import text

from tests.cli.live_app import Make, Project, every_database, make

__all__ = ["make"]

BCRYPT = BcryptHasher(rounds=4).hash("secret")
ALL = ["app:fastapi_users", "--tokens", "app:get_token_db"]
MORE = """
from databases import Database
from fastapi_users.authentication import (
    AuthenticationBackend,
    BearerTransport,
    CookieTransport,
    JWTStrategy,
)

from fastapi_users_db import DatabasesUserDatabase
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase as LegacyUserDatabase
from fastapi_users_db_sqlalchemy.access_token import (
    SQLAlchemyAccessTokenDatabase as LegacyTokenDatabase,
)


def get_jwt_strategy():
    return JWTStrategy(secret="x" * 32, lifetime_seconds=60)


def get_database_strategy(tokens=Depends(get_token_db)):
    raise AssertionError("it would write a row")


def get_other_strategy():
    return object()


fastapi_users = FastAPIUsers(
    get_user_manager,
    [
        AuthenticationBackend("jwt", BearerTransport("login"), get_jwt_strategy),
        AuthenticationBackend("database", CookieTransport(), get_database_strategy),
        AuthenticationBackend("other", CookieTransport(), get_other_strategy),
    ],
)
database = Database({url!r})


def get_databases_user_db():
    return DatabasesUserDatabase(database, User, OAuthAccount)


async def get_databases_manager(user_db=Depends(get_databases_user_db)):
    yield UserManager(user_db)


async def get_connected_manager(user_db=Depends(get_databases_user_db)):
    async with database:
        yield UserManager(user_db)


class Loose:
    # An app has a pydantic model here.

    def __init__(self, **values):
        vars(self).update(values)


def get_legacy_user_db():
    tables = User.__table__, OAuthAccount.__table__
    return LegacyUserDatabase(Loose, database, *tables)


async def get_legacy_manager(user_db=Depends(get_legacy_user_db)):
    yield UserManager(user_db)


def get_legacy_token_db():
    return LegacyTokenDatabase(Loose, database, AccessToken.__table__)
"""


def filled(make: Make, database: str, **hashes: str) -> Project:
    project = make(database)
    app = project.folder / "app.py"
    app.write_text(app.read_text() + MORE.format(url=project.url))
    project.create(sound=True)
    for name in hashes or {"ada": BCRYPT, "grace": BCRYPT}:
        project.insert(f"{name}@example.com")
    quote = project.engine.dialect.identifier_preparer.quote
    with project.engine.begin() as connection:
        for name, value in (hashes or {"ada": BCRYPT, "grace": BCRYPT}).items():
            connection.execute(
                text(f"UPDATE {quote('user')} SET hashed_password = :hash WHERE email = :email"),
                {"hash": value, "email": f"{name}@example.com"},
            )
    return project


def bad(out: str) -> dict[str, int]:
    checks: dict[str, dict[str, Any]] = json.loads(out)["checks"]
    return {name: check["bad"] for name, check in checks.items() if check["bad"]}


@every_database
def test_all_can_log_in(
    database: str,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verify, "BATCH", 2)
    filled(make, database)
    assert main(["verify", *ALL]) == 0
    captured = capsys.readouterr()
    for check in verify.CHECKS:
        assert f"2 of         2  {verify.CHECKS[check]}  [{check}]" in captured.out
    assert captured.out.endswith("Everybody can log in.\n")
    assert "@" not in captured.out + captured.err


@every_database
@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
def test_what_databases_reads_is_what_the_orm_reads(
    database: str,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verify, "BATCH", 2)
    filled(make, database)
    assert main(["verify", "app:get_user_manager", "--format", "json"]) == 0
    orm = capsys.readouterr().out
    for target in ("get_databases_manager", "get_connected_manager", "get_databases_user_db"):
        assert main(["verify", f"app:{target}", "--format", "json"]) == 0
        assert capsys.readouterr().out == orm
    assert main(["doctor", "app:get_databases_user_db"]) == 0


@pytest.mark.filterwarnings("ignore::fastapi_users_db.FastAPIUsersDBDeprecationWarning")
def test_what_the_shim_reads_is_what_the_orm_reads(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    """The side that an app comes from: its adapter has other names for its tables."""
    filled(make, "sqlite")
    tokens = ["--format", "json", "--tokens"]
    assert main(["verify", "app:get_user_manager", *tokens, "app:get_token_db"]) == 0
    orm = capsys.readouterr().out
    for target in ("get_legacy_manager", "get_legacy_user_db"):
        assert main(["verify", f"app:{target}", *tokens, "app:get_legacy_token_db"]) == 0
        assert capsys.readouterr().out == orm
    assert main(["doctor", "app:get_legacy_manager", "--tokens", "app:get_legacy_token_db"]) == 0


def test_hash_that_the_helper_does_not_read_is_named_by_the_id(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    argon2 = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$" + "a" * 43
    filled(make, "sqlite", ada=BCRYPT, grace=BCRYPT[:50], mary="sha1$x", joan=argon2)
    assert main(["verify", "app:get_user_manager", "--ids"]) == 1
    captured = capsys.readouterr()
    assert "2 of         4  have a hash that the installed helper reads" in captured.out
    assert captured.out.count("           not ") == 2
    assert captured.out.endswith("Not everybody can log in.\n")
    assert main(["verify", "app:get_user_manager", "--deep", "--format", "json", "--ids"]) == 1
    out = capsys.readouterr().out
    assert bad(out) == {"known-hash": 2}
    assert len(json.loads(out)["checks"]["known-hash"]["ids"]) == 2
    assert "$" not in captured.out + out


def test_who_cannot_log_in_is_an_annotation_and_sarif(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(make, "sqlite", ada=BCRYPT, grace=BCRYPT[:50])
    arguments = ["verify", "app:get_user_manager", "--format"]
    assert main([*arguments, "github"]) == 1
    message = "1 of 2 have a hash that the installed helper reads"
    assert capsys.readouterr().out == f"::error title=known-hash::{message}\n"
    assert main([*arguments, "json", "--ids"]) == 1
    [id_] = json.loads(capsys.readouterr().out)["checks"]["known-hash"]["ids"]
    assert main([*arguments, "sarif", "--ids"]) == 1
    [run] = json.loads(capsys.readouterr().out)["runs"]
    [result] = run["results"]
    assert result == {
        "ruleId": "known-hash",
        "level": "error",
        "message": {"text": f"{message}; not {id_}"},
        "locations": [],
    }
    [rule] = run["tool"]["driver"]["rules"]
    assert rule["helpUri"].endswith("/migrating/tool/#the-users")


def test_hash_has_to_be_the_one_of_one_kind_only_once(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(make, "sqlite")
    tried: list[str] = []

    def note(self: object, password: str, hashed: str) -> tuple[bool, None]:
        tried.append(hashed)
        return False, None

    monkeypatch.setattr(verify.PasswordHelper, "verify_and_update", note)
    assert main(["verify", "app:get_user_db"]) == 0
    assert len(tried) == 1


def test_rows_of_nobody_and_addresses_of_two_are_found(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = filled(make, "sqlite", ada=BCRYPT, Betty=BCRYPT)
    with project.engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        connection.execute(text("DROP INDEX ix_user_email_lower"))
        connection.execute(
            text(
                "INSERT INTO user (id, email, hashed_password, is_active, is_superuser, "
                "is_verified) VALUES (:id, 'betty@example.com', :hash, true, false, false)"
            ),
            {"id": str(uuid4()), "hash": BCRYPT},
        )
        connection.execute(text("UPDATE user SET is_active = 'maybe' WHERE email LIKE 'ada%'"))
    with project.engine.connect() as raw:
        raw.connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]
        raw.connection.execute("DELETE FROM user WHERE email LIKE 'Betty%'")  # type: ignore[attr-defined]
        raw.connection.commit()
    assert main(["verify", *ALL, "--format", "json"]) == 1
    found = bad(capsys.readouterr().out)
    assert (found["accounts"], found["tokens"]) == (1, 1)


def test_id_that_is_of_another_type_is_said(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    project = filled(make, "sqlite")
    with project.engine.begin() as connection:
        for table in ("accesstoken", "oauth_account"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE user SET id = 'no uuid' WHERE email LIKE 'ada%'"))
    assert main(["verify", "app:get_user_manager"]) == 2
    err = capsys.readouterr().err
    assert "a row cannot be read" in err
    assert "no uuid" not in err


@pytest.mark.parametrize("error", [ValueError, LookupError])
def test_user_whom_the_app_cannot_load_is_one_who_cannot_log_in(
    error: type[Exception], make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    app = filled(make, "sqlite").folder / "app.py"
    app.write_text(
        app.read_text()
        + f"""

class Refusing(UserManager):
    async def get(self, id):
        raise {error.__name__}("a secret")


def get_refusing(user_db=Depends(get_user_db)):
    return Refusing(user_db)
"""
    )
    assert main(["verify", "app:get_refusing", "--format", "json"]) == 1
    captured = capsys.readouterr()
    assert bad(captured.out) == {"loaded": 2}
    assert "secret" not in captured.out + captured.err


def test_two_who_share_an_address_are_found(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    project = make("sqlite")
    project.create()
    with project.engine.begin() as connection:
        connection.execute(text("ALTER TABLE user ADD COLUMN nickname VARCHAR(20)"))
    for email in ("Ada@example.com", "ada@example.com"):
        project.insert(email)
    assert main(["verify", "app:get_user_manager", "--format", "json"]) == 1
    found = bad(capsys.readouterr().out)
    assert found["found-in-any-case"] == 1
    assert found["known-hash"] == 2


def test_sample_reads_so_many(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    filled(make, "sqlite", ada=BCRYPT, grace=BCRYPT, mary=BCRYPT)
    assert main(["verify", "app:get_user_db", "--sample", "2", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["checks"]["loaded"] == {"good": 2, "bad": 0}


def test_column_that_is_missing_is_said(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    project = make("sqlite")
    project.create()
    project.insert("ada@example.com")
    assert main(["verify", "app:get_user_db"]) == 2
    assert "no such column: user.nickname" in capsys.readouterr().err


@every_database
def test_nothing_can_be_written_in_the_meantime(
    database: str, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    project = filled(make, database)
    table = project.engine.dialect.identifier_preparer.quote("user")
    app = project.folder / "app.py"
    app.write_text(
        app.read_text()
        + f"""
from sqlalchemy import text


class Writing(UserManager):
    async def get(self, id):
        await self.user_db.session.execute(text('UPDATE {table} SET email = 1'))


def get_writing(user_db=Depends(get_user_db)):
    return Writing(user_db)
"""
    )
    assert main(["verify", "app:get_writing"]) == 2
    assert "the database does not answer: " in capsys.readouterr().err
    assert main(["verify", "app:get_user_db"]) == 0


def test_progress_is_for_who_watches(
    make: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(make, "sqlite")
    monkeypatch.setattr(live.sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["verify", "app:get_user_db"]) == 0
    assert "\r\x1b[K2 of 2 users" in capsys.readouterr().err


def test_database_of_a_mapped_class_may_be_that_of_alembic(make: Make) -> None:
    project = filled(make, "sqlite")
    config = project.folder / "alembic.ini"
    config.write_text(config.read_text() + f"sqlalchemy.url = {project.url}\n")
    assert main(["verify", "app:User", "--oauth", "app:OAuthAccount"]) == 0
    assert main(["verify", "app:User"]) == 0


def test_outside_the_environment_of_an_app_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fastapi_users_db_cli.verify", raising=False)
    monkeypatch.setitem(sys.modules, "fastapi_users_db_cli.live", None)
    assert main(["verify", "app:get_user_db"]) == 2
    assert "verify runs in the environment of the app" in capsys.readouterr().err
