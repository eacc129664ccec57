"""What apps of a thousand lines have taught: each of these was missed, or broken, before."""

from pathlib import Path

import pytest
from fastapi_users_db_cli.engine import Options, migrate
from fastapi_users_db_cli.files import scan

from tests.cli.test_cases import ADAPTER, MODELS, TABLE, after, left, run

USERS = TABLE + MODELS + ADAPTER
BY_HAND = ("FUD319", "main.py", "")
CREATED = "`create` takes a dictionary, and this is read elsewhere too"


def test_module_behind_a_package_that_hands_it_on_is_read(tmp_path: Path) -> None:
    (tmp_path / "app" / "db").mkdir(parents=True)
    files = {
        "app/__init__.py": "",
        "app/db/__init__.py": "from app.db.session import database\n",
        "app/db/session.py": "from databases import Database\nfrom app.config import URL\n"
        "database = Database(URL)\n",
        "app/config.py": "URL = 'sqlite:///app.db'\n",
        "app/users.py": "import fastapi_users\nfrom app.db import database\n",
        "app/other.py": "print('nothing of it')\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = {name.rpartition("app/")[2] for name in scan([str(tmp_path)]).texts}
    assert found == {"__init__.py", "db/__init__.py", "db/session.py", "config.py", "users.py"}


def test_package_that_is_imported_as_a_whole_is_left_behind() -> None:
    text = "import fastapi_users_db_sqlalchemy\n\nkey = fastapi_users_db_sqlalchemy.GUID()\n"
    assert after(text, 5) == "from fastapi_users_db import GUID\n\nkey = GUID()\n"


def test_notices_of_a_step_are_those_of_the_app_before_it() -> None:
    text = MODELS + (
        "from fastapi_users.authentication import CookieTransport\n\n"
        "transport = CookieTransport()\n"
    )
    assert "FUD905" in {each.rule.code for each in run(text, 3).left}


def test_adapter_of_a_database_that_is_not_found_is_left() -> None:
    text = USERS.replace("SQLAlchemyUserDatabase(UserDB, session, UserTable)", "{}").format(
        "SQLAlchemyUserDatabase(UserDB, session.database, UserTable.__table__)"
    )
    result = run(text)
    assert (
        "SQLAlchemyUserDatabase(UserDB, session.database, UserTable.__table__)"
        in (result.texts["main.py"])
    )
    assert ("FUD505", "main.py", "the adapter works through `databases`: do step 4 first") in left(
        result
    )


MANAGER = (
    "from fastapi_users import BaseUserManager\n\n\n"
    "class UserManager(BaseUserManager[UserCreate, UserDB]):\n"
    "    user_db_model = UserDB\n\n"
    "    async def find(self, name) -> UserDB: ...\n\n"
    "    def unknown(self): ...\n\n"
    "    async def show(self, name):\n        {}\n\n\n"
    "async def route(manager: UserManager, user_db: SQLAlchemyUserDatabase, other):\n    {}\n"
)


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("return (await self.find(name)).dict()", "pass"),
        ("found = await self.get_by_email(name)\n        return found.dict()", "pass"),
        ("pass", "return (await manager.get(other)).json()"),
        ("pass", "found = await manager.find(other)\n    return found.copy()"),
        ("pass", "return (await user_db.get_by_email(other)).dict()"),
    ],
)
def test_answers_of_managers_and_adapters_are_users(method: str, route: str) -> None:
    assert BY_HAND in left(run(USERS + MANAGER.format(method, route)))


def test_answers_of_other_methods_are_none() -> None:
    route = "return (await other.get(1)).dict(), manager.unknown().dict(), route().dict()"
    assert left(run(USERS + MANAGER.format("return self.log().dict()", route))) == []


def test_instance_that_is_only_created_is_a_dictionary() -> None:
    text = USERS + (
        "async def seed(user_db):\n    user = UserDB(\n        email='a',\n    )\n"
        "    await user_db.create(user)\n"
    )
    assert "    user = dict(\n        email='a',\n    )\n" in after(text)


def test_instance_that_is_created_and_read_is_left() -> None:
    text = USERS + (
        "async def seed(user_db):\n    user = UserDB(\n        email='a',\n    )\n"
        "    await user_db.create(user)\n    return user\n"
    )
    result = run(text)
    assert "UserTable(\n        id=uuid.uuid4(),\n        email='a'," in result.texts["main.py"]
    once = migrate({"main.py": text}, [5], Options(unsafe=False, id_type="uuid"))
    assert ("FUD318", "main.py", CREATED) in left(once)


APP = "from fastapi import FastAPI\nimport fastapi_users\n\n\n"


def test_handlers_of_an_app_that_a_function_makes_become_a_lifespan() -> None:
    text = APP + (
        "def started(app):\n    async def start():\n        print(app)\n\n    return start\n\n\n"
        "def make():\n"
        "    app = FastAPI(\n        title='App',\n    )\n"
        "    app.add_event_handler('startup', started(app))\n"
        "    return app\n"
    )
    assert after(text).endswith(
        "def make():\n"
        "    @asynccontextmanager\n"
        "    async def lifespan(app):\n"
        "        await started(app)()\n"
        "        yield\n\n"
        "    app = FastAPI(\n        title='App', lifespan=lifespan,\n    )\n"
        "    return app\n"
    )


@pytest.mark.parametrize(
    "factory",
    ["return print", "return make_it(app)", "async def start(): ...\n    return [start]"],
)
def test_handlers_that_a_function_makes_in_another_way_are_left(factory: str) -> None:
    text = APP + (
        f"def started(app):\n    {factory}\n\n\n"
        "def make(other):\n"
        "    app = FastAPI()\n"
        "    app.add_event_handler('startup', started(app))\n"
        "    return app\n"
    )
    assert after(text) == text


def test_handler_of_a_function_that_is_not_the_apps_is_left() -> None:
    text = APP + "app = FastAPI()\napp.add_event_handler('startup', fastapi_users.make())\n"
    assert after(text) == text


ENV = """\
from alembic import context


def render_item(type_, obj, autogen_context):
    \"\"\"Render our types.\"\"\"
    if type_ == "type" and type(obj).__module__.startswith("fastapi_users_db_sqlalchemy"):
        return f"fastapi_users_db_sqlalchemy.generics.{obj!r}"
    return False


context.configure(render_item=render_item)
"""


def test_own_rendering_of_types_is_ours() -> None:
    result = run({"alembic/env.py": ENV}, 5)
    assert result.texts["alembic/env.py"] == (
        "from alembic import context\n"
        "from fastapi_users_db.alembic import render_item\n\n\n"
        "context.configure(render_item=render_item)\n"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"type" and', '"type" and obj != "other" and'),
        ("    return False\n", "    print(obj)\n    return False\n"),
        ("    if type_", "    assert type_\n    if type_"),
        ("type_, obj, autogen_context", "type_, obj"),
        ("    return False\n", "    else:\n        return 1\n    return False\n"),
        ("def render_item(", "class A:\n  def render_item("),
    ],
)
def test_rendering_that_does_more_is_left(one: str, other: str) -> None:
    text = ENV.replace(one, other)
    if "class" in other:
        text = text.replace("\n    ", "\n      ")
    result = run({"alembic/env.py": text}, 5)
    assert result.texts["alembic/env.py"] == text
    assert {code for code, _, _ in left(result)} == {"FUD507"}


@pytest.mark.parametrize(
    ("imported", "expected"),
    [
        ("from app.core import X\nfrom .near import Y\n", "from app.models import UserTable"),
        ("from .near import Y\n", "from ..models import UserTable"),
        ("from ..core import X\nfrom app.core import Z\n", "from ..models import UserTable"),
    ],
)
def test_relative_imports_go_as_far_as_others(imported: str, expected: str) -> None:
    files = {
        "app/__init__.py": "",
        "app/core.py": "X = Z = 1\n",
        "app/models.py": TABLE,
        "app/users/__init__.py": "",
        "app/users/near.py": "Y = 1\n",
        "app/users/schemas.py": MODELS,
        "app/users/db.py": "from app.models import UserTable\n"
        "from app.users.schemas import UserDB\n"
        "from fastapi_users.db import SQLAlchemyUserDatabase\n\n\n" + ADAPTER,
        "app/users/routes.py": imported
        + "import app.users.schemas as s\n\n\ndef f(user: s.UserDB): ...\n",
    }
    files["app/users/routes.py"] = files["app/users/routes.py"].replace(
        "import app.users.schemas as s", "from . import schemas as s"
    )
    assert expected in run(files).texts["app/users/routes.py"]


def test_file_does_not_begin_with_an_empty_line() -> None:
    text = (
        "from fastapi_users.authentication.strategy.db import BaseAccessToken\n"
        "from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyAccessTokenDatabase\n\n"
        "from app.tables import T\n\n\n"
        "class AccessToken(BaseAccessToken):\n    pass\n\n\n"
        "def adapter(session):\n"
        "    return SQLAlchemyAccessTokenDatabase(AccessToken, session, T)\n"
    )
    table = (
        "from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyBaseAccessTokenTable\n\n\n"
        "class T(SQLAlchemyBaseAccessTokenTable):\n    pass\n"
    )
    result = run({"app/__init__.py": "", "app/tables.py": table, "app/tokens.py": text})
    assert result.texts["app/tokens.py"] == (
        "from fastapi_users_db import SQLAlchemyAccessTokenDatabase\n\n"
        "from app.tables import T\n\n\n"
        "def adapter(session):\n"
        "    return SQLAlchemyAccessTokenDatabase(session, T)\n"
    )


def test_schema_that_is_made_of_all_of_a_user_reads_it() -> None:
    text = USERS + (
        "import pydantic\n\n\nclass Card(pydantic.BaseModel):\n    email: str\n\n\n"
        "def card(user: UserDB):\n    return Card(**user.dict())\n"
    )
    assert "return Card.model_validate(user, from_attributes=True)\n" in after(text)


@pytest.mark.parametrize(
    "code", ["print(**user.dict())", "Card(1, **user.dict())", "Card(**user.dict(exclude={1}))"]
)
def test_what_is_not_made_of_a_user_alone_is_left(code: str) -> None:
    text = USERS + (
        "import pydantic\n\n\nclass Card(pydantic.BaseModel):\n    email: str\n\n\n"
        f"def card(user: UserDB):\n    return {code}\n"
    )
    assert BY_HAND in left(run(text))


OWN = (
    TABLE
    + MODELS
    + """\
class Adapter(SQLAlchemyUserDatabase):
    def __init__(self, model, session, table, tenant):
        super().__init__({})
        self.tenant = tenant


def adapter(session):
    return Adapter({})
"""
)


@pytest.mark.parametrize(
    ("handed", "given", "new_handed", "new_given"),
    [
        (
            "model, session, table",
            "UserDB, session, UserTable, 1",
            "session, table",
            "session, UserTable, 1",
        ),
        (
            "user_db_model=model, session=session, users=table",
            "UserDB, session, UserTable, tenant=1",
            "session=session, users=table",
            "session, UserTable, tenant=1",
        ),
    ],
)
def test_own_adapter_hands_no_model_on(
    handed: str, given: str, new_handed: str, new_given: str
) -> None:
    text = after(OWN.format(handed, given))
    assert "def __init__(self, session, table, tenant)" in text
    assert f"super().__init__({new_handed})" in text
    assert f"return Adapter({new_given})" in text


def test_own_adapter_may_have_more_before_its_constructor() -> None:
    own = OWN.replace("    def __init__", "    kind = 1\n\n    def __init__")
    text = after(own.format("model, session, table", "UserDB, session, UserTable, 1"))
    assert "return Adapter(session, UserTable, 1)" in text


def test_own_adapter_is_given_its_model_by_keyword() -> None:
    text = OWN.replace("model,", "user_db_model,").format(
        "user_db_model, session, table",
        "session=session, table=UserTable, tenant=1, user_db_model=UserDB",
    )
    assert "return Adapter(session=session, table=UserTable, tenant=1)" in after(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("self.tenant = tenant", "self.model = model"),
        ("tenant):", "tenant=None):"),
        ("self, model, session, table, tenant", "self, *arguments"),
        ("super().__init__(model, session, table)", "print(model)"),
    ],
)
def test_own_adapter_that_does_more_with_its_model_is_left(one: str, other: str) -> None:
    text = OWN.format("model, session, table", "UserDB, session, UserTable, 1")
    result = run(text.replace(one, other))
    message = "an adapter of the app's own hands a pydantic model on"
    assert ("FUD505", "main.py", message) in left(result)
    assert "return Adapter(UserDB, session, UserTable, 1)" in result.texts["main.py"]


@pytest.mark.parametrize(
    "line",
    [
        "from fastapi_users.authentication import CookieAuthentication, JWTStrategy\n",
        "from fastapi_users.authentication import JWTAuthentication as Gone, JWTStrategy\n",
    ],
)
def test_import_of_what_is_gone_and_unread_is_taken_out(line: str) -> None:
    text = line + "\n\nJWTStrategy()\n"
    expected = "from fastapi_users.authentication import JWTStrategy\n\n\nJWTStrategy()\n"
    assert after(text, 3) == expected


def test_import_of_the_old_model_that_is_unread_is_taken_out() -> None:
    text = "from fastapi_users.models import BaseUserCreate, BaseUserDB\n\nprint(BaseUserCreate)\n"
    assert after(text, 3) == (
        "from fastapi_users.schemas import BaseUserCreate\n\nprint(BaseUserCreate)\n"
    )


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (
            'fastapi-users = {version = "^9.3", extras = ["sqlalchemy2", "oauth"]}\n',
            'fastapi-users = {version = "^9.3", extras = ["oauth"]}\n'
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat"]}\n',
        ),
        (
            "fastapi-users = {extras = ['oauth', 'sqlalchemy'], version = '*'}\n",
            "fastapi-users = {extras = ['oauth'], version = '*'}\n"
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat", "databases"]}\n',
        ),
        (
            'fastapi-users = {version = "^9.3", extras = ["sqlalchemy"]}\nfastapi-users-db = "*"\n',
            'fastapi-users = {version = "^9.3"}\nfastapi-users-db = "*"\n',
        ),
        (
            'fastapi-users = {extras = ["sqlalchemy2"], version = "^9.3"}\nx = 1\n',
            'fastapi-users = {version = "^9.3"}\n'
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat"]}\nx = 1\n',
        ),
    ],
)
def test_extra_in_a_table_of_poetry(before: str, expected: str) -> None:
    files = {"pyproject.toml": before, "main.py": MODELS}
    assert run(files, 1).texts["pyproject.toml"] == expected


def test_shim_in_a_table_of_poetry_is_not_required_any_more() -> None:
    files = {
        "pyproject.toml": 'fastapi-users-db = {extras = ["compat", "databases"]}\n',
        "other.toml": 'fastapi-users-db = {extras = ["compat"]}\n',
        "main.py": "import fastapi_users_db\n",
    }
    result = run(files, 5)
    assert result.texts == {
        **files,
        "pyproject.toml": 'fastapi-users-db = {extras = ["databases"]}\n',
    }
