"""What rules find that have no example: what is done by hand, and what is to be known."""

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
MANAGER = (
    MODELS
    + """\
from fastapi_users import BaseUserManager


class UserManager(BaseUserManager):
    user_db_model = UserDB
"""
)
UNTOUCHED_MANAGER = """\
from fastapi_users import BaseUserManager


class UserManager(BaseUserManager):
    pass
"""
FOUND = {
    "FUD002": [
        (
            "from fastapi_users_db import SQLAlchemyUserDatabase\n"
            + MODELS
            + "SQLAlchemyUserDatabase(UserTable, session)\n",
            "SQLAlchemyUserDatabase(session, UserTable)",
        ),
        (
            MODELS + "SQLAlchemyUserDatabase(session, UserTable, UserDB)\n",
            "SQLAlchemyUserDatabase(UserDB, session, UserTable)",
        ),
        (
            MODELS + "FastAPIUsers[User, User, User, UserDB](adapter, [])\n",
            "FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])",
        ),
    ],
    "FUD106": [
        (
            "from fastapi_users.db.base import BaseUserDatabase\n\n\n"
            "class SQLAlchemyUserDatabase(BaseUserDatabase):\n    pass\n",
            "from fastapi_users_db import SQLAlchemyUserDatabase",
        ),
    ],
    "FUD310": [
        (
            "from fastapi_users.authentication import JWTAuthentication\n\n\n"
            "class Mine(JWTAuthentication):\n    pass\n",
            "",
        ),
        (
            "from fastapi_users.authentication import JWTAuthentication\n\n"
            "JWTAuthentication(*given)\n",
            "AuthenticationBackend(name=..., transport=..., get_strategy=...)",
        ),
        (
            "from fastapi_users.authentication import JWTAuthentication\n\n"
            "JWTAuthentication(secret='x', strange=1)\n",
            "AuthenticationBackend(name=..., transport=..., get_strategy=...)",
        ),
    ],
    "FUD313": [
        (
            "from fastapi_users.jwt import decode_jwt\n\n\ndef f(token):\n"
            "    data = decode_jwt(token, 'x', [])\n    return data['user_id']\n",
            'user_manager.parse_id(data["sub"])',
        ),
        (
            "from fastapi_users.jwt import decode_jwt\n\n\ndef f(token, other):\n"
            "    other['user_id']\n    get('user_id')\n    other.get('name')\n    other.get()\n"
            "    return decode_jwt(token, 'x', []).get('user_id')\n",
            "user_manager.parse_id(decode_jwt(token, 'x', [])[\"sub\"])",
        ),
    ],
    "FUD314": [
        (
            "from fastapi_users.authentication import BearerTransport\n\n\n"
            "class Mine(BearerTransport):\n"
            "    async def get_login_response(self, token, response):\n        return 1\n",
            "async def get_login_response(self, token), which returns a response",
        ),
        (
            "from fastapi_users.authentication import CookieTransport\n\n\n"
            "class Mine(CookieTransport):\n"
            "    async def get_logout_response(self, response):\n        return 1\n",
            "async def get_logout_response(self), which returns a response",
        ),
    ],
    "FUD317": [
        (
            MANAGER + "\n    async def f(self, user):\n        await self.user_db.update(user)\n"
            "        await self.user_db.update(user, {})\n        self.other.update(user)\n",
            'self.user_db.update(user, {"name": value})',
        ),
        (
            MODELS + "def f(user_db: SQLAlchemyUserDatabase, user, x: UserDB):\n"
            "    user_db.update(user)\n    x.update(user)\n",
            'user_db.update(user, {"name": value})',
        ),
    ],
    "FUD320": [(MODELS + "def f(user: UserDB, other: UserDB):\n    pass\n", "")],
    "FUD321": [
        (
            UNTOUCHED_MANAGER.replace(
                "    pass\n",
                "    async def oauth_callback(self, account, request=None):\n        pass\n",
            ),
            "the parameters of FastAPI Users 15",
        ),
        (
            MODELS + "def f(user: UserDB, other):\n    user.oauth_accounts.append(1)\n"
            "    other.append(1)\n    other.oauth_accounts.append(1)\n    append(1)\n",
            "await user_db.add_oauth_account(user, {...})",
        ),
    ],
    "FUD324": [
        (
            "from fastapi_users.password import PasswordHelper\n"
            "from passlib.context import CryptContext\n\ncontext = CryptContext()\n"
            "PasswordHelper(context)\n",
            "PasswordHelper(PasswordHash((...)), with hashers of pwdlib)",
        ),
    ],
    "FUD325": [
        (
            MODELS + "fastapi_users = FastAPIUsers[User](adapter, [])\n"
            "fastapi_users.get_register_router(after_register=f)\n",
            "a hook of the manager",
        ),
        (
            MODELS + "fastapi_users = FastAPIUsers(adapter, [])\nfastapi_users.create_user(1)\n",
            "user_manager.create",
        ),
    ],
    "FUD326": [
        (
            UNTOUCHED_MANAGER.replace("    pass", "    async def on_after_verified(self): ..."),
            "perhaps on_after_verify",
        ),
        (
            UNTOUCHED_MANAGER.replace(
                "    pass", "    async def after_zzzzzzzzzzzzzzzzzzzzzzz(self): ..."
            ),
            "",
        ),
    ],
    "FUD382": [
        (
            "from fastapi import FastAPI\n" + MODELS + "app = FastAPI()\n\n\n"
            "@app.on_event('startup')\ndef f(): ...\n\n\nother.on_event('x')\n",
            "",
        ),
    ],
    "FUD385": [
        (
            "from sqlalchemy import select\n" + MODELS + "select([1], UserTable.id == 1)\n",
            "select(...).where(...)",
        ),
    ],
    "FUD408": [
        (
            "from sqlalchemy.orm import Session\n" + MODELS + "def f(session: Session):\n"
            "    return SQLAlchemyUserDatabase(UserDB, session, UserTable)\n",
            "sqlalchemy.ext.asyncio.AsyncSession",
        ),
        (
            "from sqlalchemy.ext.asyncio import create_async_engine\n"
            + MODELS
            + "create_async_engine('postgresql://x')\ncreate_async_engine('sqlite+aiosqlite://')\n"
            "create_async_engine()\n",
            "postgresql+asyncpg://...",
        ),
    ],
    "FUD507": [],
    "FUD509": [
        (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n\n"
            "isinstance(x, SQLAlchemyUserDatabase)\nisinstance(x, (int, str))\n",
            "",
        ),
        (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n\n"
            "SQLAlchemyUserDatabase.get = 1\nx.get = 1\n",
            "",
        ),
    ],
    "FUD901": [
        (
            MODELS + "from fastapi_users.authentication import JWTStrategy\n\n"
            "JWTStrategy[UserDB](secret='x')\n",
            "",
        ),
    ],
    "FUD902": [(MANAGER, "")],
    "FUD903": [(MODELS + "users.get_oauth_router(client, associate_by_email=True)\n", "")],
    "FUD904": [(MODELS + "users.get_oauth_router(client)\n", "")],
    "FUD905": [
        (
            MODELS + "from fastapi_users.authentication import CookieTransport\n\n"
            "CookieTransport()\n",
            "",
        ),
    ],
    "FUD906": [
        (
            MANAGER
            + "    reset_password_token_secret = 'x'\n    verification_token_secret = 'x'\n",
            "",
        ),
    ],
    "FUD907": [
        (
            "from sqlalchemy.orm import relationship\n"
            + MODELS.replace(
                "SQLAlchemyBaseUserTable):\n    pass",
                "SQLAlchemyBaseUserTable):\n"
                "    notes = relationship('Note')\n    fast = relationship('X', lazy='selectin')\n"
                "    other = f()\n    oauth_accounts = relationship('Y')",
            )
            + "def f(user: UserDB, other):\n    return user.notes, user.fast, other.notes\n",
            "",
        ),
    ],
    "FUD908": [
        (
            MODELS + "from fastapi_users.authentication import CookieTransport\n\n"
            "CookieTransport()\n\n\ndef test(client):\n"
            "    assert client.post('/auth/login').status_code == 200\n\n\n"
            "def other(client):\n    assert client.get('/me').status_code == 200\n"
            "    assert 1 == 1\n",
            "client.post('/auth/login').status_code == 204",
        ),
    ],
}
CASES = [(code, text, write) for code, cases in FOUND.items() for text, write in cases]


@pytest.mark.parametrize(("code", "text", "write"), CASES, ids=[code for code, _, _ in CASES])
def test_place_is_found_once_with_what_to_write(code: str, text: str, write: str) -> None:
    [finding] = found(text, select=code)
    assert finding.rule.code == code
    assert finding.kind in ("manual", "none")
    assert finding.write == write
    after = UNTOUCHED_MANAGER.replace("BaseUserManager(", "Other(") + "fastapi_users = 1\n"
    assert not found(after, select=code)


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
