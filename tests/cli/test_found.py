"""What rules find in files of several kinds, and in cases that their test files do not show."""

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, check, migrate

from tests.cli.crossing import found

MODELS = """\
from fastapi_users import FastAPIUsers, models
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from app import Base


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


class User(models.BaseUser):
    pass


class UserDB(User, models.BaseUserDB):
    pass


def adapter(session):
    return SQLAlchemyUserDatabase(UserDB, session, UserTable)


"""
UNTOUCHED_MANAGER = """\
from fastapi_users import BaseUserManager


class UserManager(BaseUserManager):
    pass
"""


def in_texts(texts: dict[str, str], code: str) -> list[tuple[str, str]]:
    texts = {"app.py": MODELS, **texts}
    left = check(texts, STEPS, Options(select=(code,), unsafe=True)).left
    return [(each.source.path, each.write) for each in left]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", "FROM python:3.8-slim\n"),
        ("pyproject.toml", '[project]\nrequires-python = ">=3.7"\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.9"\n'),
        ("setup.cfg", "python_requires = >=3.6\n"),
        (".github/workflows/test.yml", 'with:\n  python-version: ["3.8", "3.9"]\n'),
    ],
)
def test_python_that_is_too_old_is_found(path: str, text: str) -> None:
    assert in_texts({path: text}, "FUD104") == [(path, "3.10 or later")]
    assert in_texts({path: text.replace("3.", "3.1")}, "FUD104") == []
    assert check({path: text}, STEPS, Options(select=("FUD104",))).left == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("requirements.txt", "fastapi-users[sqlalchemy]==7.0.0\n"),
        ("pyproject.toml", '[project]\ndependencies = ["fastapi-users~=7.0"]\n'),
        ("pyproject.toml", '[tool.poetry.dependencies]\nfastapi-users = "^6.1"\n'),
        ("pyproject.toml", 'fastapi-users = {version = "^6.1", extras = ["sqlalchemy"]}\n'),
        ("Pipfile", '[packages]\nfastapi-users = "==5.1.2"\n'),
        ("environment.yml", "dependencies:\n  - fastapi-users=4.0\n"),
        ("setup.py", 'setup(install_requires=["fastapi-users>=6,<8"])\n'),
    ],
)
def test_release_that_is_too_old_is_found(path: str, text: str) -> None:
    assert len(in_texts({path: text}, "FUD105")) == 1
    options = Options(select=("FUD105",), is_assumed=True)
    assert check({path: text}, STEPS, options).left == []


@pytest.mark.parametrize("version", ["==8.1.5", ">=7", ">=8,<10", ""])
def test_release_that_is_not_too_old_is_none(version: str) -> None:
    assert in_texts({"requirements.txt": f"fastapi-users{version}\n"}, "FUD105") == []


@pytest.mark.parametrize(
    ("sqlalchemy", "version"), [("", ">=0.6,<0.9"), ("sqlalchemy==1.4.49\n", ">=0.7,<0.9")]
)
def test_release_of_databases_goes_with_that_of_sqlalchemy(sqlalchemy: str, version: str) -> None:
    texts = {"app.py": MODELS, "requirements.txt": f"{sqlalchemy}databases[sqlite]==0.5.5  # x\n"}
    options = Options(select=("FUD103",), unsafe=True)
    after = migrate(texts, [1], options).texts["requirements.txt"]
    assert after == f"{sqlalchemy}databases[sqlite]{version}  # x\n"
    assert migrate({"app.py": MODELS, "r": after}, [1], options).applied == 0
    del texts["app.py"]
    assert check(texts, [1], options).left == []


@pytest.mark.parametrize(
    ("path", "text", "write"),
    [
        ("poetry.lock", 'name = "fastapi-users-db-sqlalchemy"\n', "poetry lock"),
        ("uv.lock", 'name = "fastapi-users-db-sqlalchemy"\n', "uv lock"),
        ("Pipfile.lock", '"fastapi-users-db-sqlalchemy": {}\n', "pipenv lock"),
        (
            "requirements.txt",
            "fastapi-users-db-sqlalchemy==4.0 \\\n    --hash=sha256:0\n",
            "pip-compile --generate-hashes",
        ),
    ],
)
def test_lock_file_is_written_by_the_program_that_wrote_it(
    path: str, text: str, write: str
) -> None:
    assert in_texts({path: text}, "FUD108") == [(path, write)]
    assert in_texts({path: text.replace("-db-sqlalchemy", "")}, "FUD108") == []


def test_template_of_revisions_is_changed() -> None:
    texts = {
        "alembic/script.py.mako": (
            "import sqlalchemy as sa\nimport fastapi_users_db_sqlalchemy.guid\n"
        ),
        "alembic/env.py": 'NAME = "fastapi_users_db_sqlalchemy.guid"\nOTHER = "fastapi_users"\n',
        "other.py": 'NAME = "fastapi_users_db_sqlalchemy.guid"\n',
    }
    result = migrate(texts, [5], Options(select=("FUD507",)))
    assert result.texts["alembic/script.py.mako"] == (
        "import sqlalchemy as sa\nimport fastapi_users_db\n"
    )
    [finding] = result.left
    assert (finding.source.path, finding.write) == (
        "alembic/env.py",
        "from fastapi_users_db.alembic import render_item",
    )


def test_login_response_that_the_app_asks_for_is_found() -> None:
    text = """\
from fastapi_users.authentication import JWTAuthentication
from app import other

backend: JWTAuthentication = JWTAuthentication("secret", 3600, token_audience=["x"], name="me")


async def log_in(user, response, manager):
    await other.get_login_response(user, response, manager)
    return await backend.get_login_response(user, response, manager)
"""
    result = migrate({"main.py": text}, [3], Options(select=("FUD310",)))
    assert (
        'backend: AuthenticationBackend = AuthenticationBackend(\n    name="me",'
        in (result.texts["main.py"])
    )
    assert 'lifetime_seconds=3600, token_audience=["x"]' in result.texts["main.py"]
    writes = [each.write for each in found(text, select="FUD310") if each.kind == "manual"]
    assert writes == ["await backend.login(strategy, user)"]


def test_cookie_needs_no_lifetime() -> None:
    text = "import fastapi_users.authentication as a\n\nx = a.CookieAuthentication('secret')\n"
    after = migrate({"main.py": text}, [3], Options()).texts["main.py"]
    assert "transport=CookieTransport()," in after
    assert "JWTStrategy(secret='secret', lifetime_seconds=None)" in after


def test_callback_with_the_parameters_of_today_is_none() -> None:
    text = UNTOUCHED_MANAGER.replace(
        "    pass", "    async def oauth_callback(self, name, token, id, email): ..."
    )
    assert found(text, select="FUD321") == []


def test_client_of_redis_is_imported_from_its_new_home() -> None:
    text = (
        "from aioredis import Redis, from_url as connect\n"
        "import json, os\n"
        "from fastapi_users.authentication import RedisStrategy\n\n"
        "RedisStrategy(connect(Redis))\n"
    )
    after = migrate({"main.py": text}, [3], Options(select=("FUD323",), unsafe=True)).texts[
        "main.py"
    ]
    assert after.startswith("from redis.asyncio import Redis, from_url as connect\n")
    assert "key_prefix" not in after


def test_comment_that_silences_nothing_is_taken_out() -> None:
    text = (
        "from fastapi_users import models  # fud: ignore[FUD301]\n"
        "X = 1  # fud: ignore[FUD302, FUD999]\n"
        'Y = "# fud: ignore[FUD302]"\n\n\n'
        "class User(models.BaseUser):  # fud: ignore[FUD301, FUD302, FUD303]  because\n    pass\n"
    )
    options = Options(id_type="uuid")
    codes = [each.rule.code for each in check({"main.py": text}, STEPS, options).left]
    assert codes == ["FUD005", "FUD005", "FUD005"]
    assert check({"main.py": text}, [3], options).left == []
    result = migrate({"main.py": text}, STEPS, options)
    assert result.texts["main.py"] == (
        "from fastapi_users import models\n"
        "X = 1\n"
        'Y = "# fud: ignore[FUD302]"\n\n\n'
        "class User(models.BaseUser):  # fud: ignore[FUD301, FUD302]  because\n    pass\n"
    )
    assert check(result.texts, STEPS, options).left == []
