"""What rules do in cases that their examples do not show, and across several files."""

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, Result, check, migrate

ID = "uuid"
TABLE = """\
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from app import Base


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


"""
MODELS = """\
from fastapi_users import models


class User(models.BaseUser):
    pass


class UserCreate(models.BaseUserCreate):
    pass


class UserUpdate(models.BaseUserUpdate):
    pass


class UserDB(User, models.BaseUserDB):
    pass


"""
ADAPTER = """\
def adapter(session):
    return SQLAlchemyUserDatabase(UserDB, session, UserTable)


"""


def run(
    files: dict[str, str] | str,
    *steps: int,
    unsafe: bool = True,
    id_type: str | None = ID,
    driver: str | None = None,
    select: tuple[str, ...] = (),
) -> Result:
    """Migrate some files; a text alone is `main.py`."""
    texts = {"main.py": files} if isinstance(files, str) else files
    options = Options(unsafe=unsafe, id_type=id_type, driver=driver, select=select)
    return migrate(texts, steps or STEPS, options)


def after(files: str, *steps: int, **options: bool | str | tuple[str, ...] | None) -> str:
    """Return what one file becomes."""
    return run(files, *steps, **options).texts["main.py"]  # type: ignore[arg-type]


def left(result: Result) -> list[tuple[str, str, str]]:
    """Return what is left by hand: code, file and message."""
    return [
        (each.rule.code, each.source.path, each.message)
        for each in result.left
        if each.kind != "none"
    ]


# Names.


def test_names_are_found_through_star_imports_and_packages() -> None:
    result = run(
        {
            "app/__init__.py": "",
            "app/schemas/__init__.py": "from .other import *\nfrom .user import *\n",
            "app/schemas/user.py": MODELS,
            "app/schemas/other.py": "OTHER = 1\n",
            "app/tables.py": TABLE,
            "app/users.py": (
                "from fastapi_users.db import SQLAlchemyUserDatabase\n"
                "import app.schemas as schemas\n"
                "from app import tables\n\n\n"
                "def adapter(session, user: schemas.UserDB):\n"
                "    return SQLAlchemyUserDatabase(schemas.UserDB, session, tables.UserTable)\n"
            ),
        }
    )
    assert result.texts["app/users.py"] == (
        "from fastapi_users_db import SQLAlchemyUserDatabase\n"
        "from app import tables\n\n\n"
        "def adapter(session, user: tables.UserTable):\n"
        "    return SQLAlchemyUserDatabase(session, tables.UserTable)\n"
    )
    assert "UserDB" not in result.texts["app/schemas/user.py"]


def test_imports_that_lead_nowhere_are_no_names() -> None:
    text = "from ....far import UserDB\nfrom . import gone\nfrom fastapi_users import models\n"
    assert run({"app/main.py": text}).texts["app/main.py"] == text


def test_two_files_of_one_name_are_told_apart_by_nearness() -> None:
    models = {
        f"{side}/app/{name}": text
        for side in ("one", "two")
        for name, text in {"models.py": MODELS, "main.py": "from models import UserDB\n"}.items()
    }
    assert all("schemas" in text for path, text in run(models).texts.items() if "models" in path)


def test_table_of_the_same_name_gets_another_one() -> None:
    result = run(
        {
            "app/__init__.py": "",
            "app/tables.py": TABLE.replace("class UserTable(", "class User("),
            "app/models.py": MODELS,
            "app/users.py": (
                "from fastapi_users.db import SQLAlchemyUserDatabase\n"
                "from .models import User, UserDB\n"
                "from . import tables as t\n\n\n"
                "def adapter(session):\n"
                "    return SQLAlchemyUserDatabase(UserDB, session, t.User)\n"
            ),
            "app/routes.py": (
                "from .models import User, UserDB\n\n\n"
                "def show(user: UserDB) -> User:\n    return user\n"
            ),
        }
    )
    assert result.texts["app/routes.py"] == (
        "from .models import User\nfrom .tables import User as UserTable\n\n\n"
        "def show(user: UserTable) -> User:\n    return user\n"
    )


def test_change_that_closes_a_cycle_of_imports_is_left() -> None:
    files = {
        "app/__init__.py": "",
        "app/models.py": MODELS + "def greet(user: UserDB):\n    return user\n",
        "app/tables.py": "from .models import User\n" + TABLE + "print(User)\n",
        "app/users.py": (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "from .models import UserDB\nfrom .tables import UserTable\n\n\n" + ADAPTER
        ),
    }
    result = run(files)
    assert ("FUD004", "app/models.py", "") in left(result)
    assert "def greet(user: UserDB)" in result.texts["app/models.py"]
    assert "SQLAlchemyUserDatabase(session, UserTable)" in result.texts["app/users.py"]


def test_import_inside_a_function_closes_no_cycle() -> None:
    files = {
        "app/__init__.py": "",
        "app/models.py": MODELS + "def greet(user: UserDB):\n    return user\n",
        "app/tables.py": (
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from .models import User\n"
            + TABLE
            + "def f():\n    from .models import User\n    return User\n"
        ),
        "app/users.py": (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "from .models import UserDB\nfrom .tables import UserTable\n\n\n" + ADAPTER
        ),
    }
    result = run(files)
    assert left(result) == []
    assert "def greet(user: UserTable)" in result.texts["app/models.py"]


def test_file_without_imports_gets_its_first_one() -> None:
    result = run(
        {
            "tables.py": TABLE + MODELS + ADAPTER + "import routes\n",
            "routes.py": '"""Doc."""\n\nimport tables\n\n\nx = tables.UserDB\n',
            "bare.py": "def f(u):\n    from tables import UserDB\n    x: UserDB = u\n    return x\n",  # noqa: E501
        }
    )
    assert "x = tables.UserTable" in result.texts["routes.py"]
    assert result.texts["bare.py"].startswith("from tables import UserTable\ndef f(u):\n")


def test_what_the_package_itself_has_is_none_of_the_apps() -> None:
    files = {"lib/fastapi_users/db/__init__.py": TABLE}
    assert run(files).texts == files


# Ids.


@pytest.mark.parametrize(
    ("declared", "mixin"),
    [
        ("id = Column(Integer, primary_key=True)", "IntegerIDMixin"),
        ("id: Mapped[int] = mapped_column(primary_key=True)", "IntegerIDMixin"),
        ("id = Column(GUID, primary_key=True)", "UUIDIDMixin"),
    ],
)
def test_type_of_the_id_is_that_of_the_table(declared: str, mixin: str) -> None:
    table = TABLE.replace("    pass", f"    {declared}")
    manager = (
        "from fastapi_users import BaseUserManager\n\n\n"
        "class UserManager(BaseUserManager[UserCreate, UserDB]):\n    user_db_model = UserDB\n"
    )
    text = after(table + MODELS + manager, 3, id_type=None)
    assert f"class UserManager({mixin}, BaseUserManager[UserDB, " in text


def test_id_of_a_table_with_a_type_argument_is_its_own() -> None:
    table = TABLE.replace("Base, SQLAlchemyBaseUserTable", "SQLAlchemyBaseUserTable[int], Base")
    text = table.replace("    pass", "    id: int = 1")
    assert "schemas.BaseUser[int]" in after(text + MODELS, 3, id_type=None)
    assert after(table + MODELS, 3, id_type=None) == table + MODELS  # it has none


def test_two_tables_with_other_ids_have_no_common_type() -> None:
    other = "class Other(SQLAlchemyBaseUserTable[int], Base):\n    id: int = 1\n\n\n"
    result = run(TABLE + other + MODELS, 3, id_type=None)
    assert [code for code, _, _ in left(result)][:1] == ["FUD003"]


def test_manager_of_ids_of_another_type_is_left() -> None:
    manager = (
        "from fastapi_users import BaseUserManager\n\n\n"
        "class UserManager(BaseUserManager[UserCreate, UserDB]):\n    pass\n"
    )
    result = run(MODELS + manager, 3, id_type="str")
    message = "`parse_id` has to be written for ids of type str"
    assert ("FUD305", "main.py", message) in left(result)
    assert "schemas.BaseUser[str]" in result.texts["main.py"]


def test_own_type_of_the_id_is_imported() -> None:
    text = after(MODELS, 3, id_type="app.ids.Ulid")
    assert "from app.ids import Ulid\n" in text
    assert "schemas.BaseUser[Ulid]" in text


# Step 1.


@pytest.mark.parametrize(
    ("path", "before", "expected"),
    [
        (
            "requirements.txt",
            "fastapi_users[sqlalchemy2]==9.3.0 ; python_version > '3'",
            "fastapi_users==9.3.0 ; python_version > '3'\nfastapi-users-db[compat]>=1.0,<2",
        ),
        (
            "requirements/base.in",
            "a\nfastapi-users[oauth]\nfastapi-users-db-sqlalchemy==4.0.3  # why\nb\n",
            "a\nfastapi-users[oauth]\nfastapi-users-db[compat]>=1.0,<2  # why\nb\n",
        ),
        (
            "requirements.txt",
            "fastapi-users-db\nfastapi-users-db-sqlalchemy==4.0.3\n",
            "fastapi-users-db\n",
        ),
        (
            "pyproject.toml",
            'dependencies = ["fastapi-users[sqlalchemy]==9.3.2", "a"]\n',
            'dependencies = ["fastapi-users==9.3.2", "fastapi-users-db[compat,databases]>=1.0,<2", '
            '"a"]\n',
        ),
        (
            "pyproject.toml",
            'dependencies = [\n    "fastapi-users[sqlalchemy]"\n]\n',
            'dependencies = [\n    "fastapi-users",\n'
            '    "fastapi-users-db[compat,databases]>=1.0,<2"\n]\n',
        ),
        (
            "pyproject.toml",
            'dependencies = [\n    "fastapi-users-db",\n    "fastapi-users-db-sqlalchemy",\n]\n',
            'dependencies = [\n    "fastapi-users-db",\n]\n',
        ),
        (
            "pyproject.toml",
            'dependencies = ["fastapi-users-db", "fastapi-users-db-sqlalchemy>=4"]\n',
            'dependencies = ["fastapi-users-db"]\n',
        ),
        (
            "environment.yml",
            "dependencies:\n  - pip:\n    - fastapi-users[sqlalchemy]==9.3.2\n",
            "dependencies:\n  - pip:\n    - fastapi-users==9.3.2\n"
            "    - fastapi-users-db[compat,databases]>=1.0,<2\n",
        ),
        (
            "pyproject.toml",
            'dependencies = [\n    "fastapi-users[sqlalchemy]>=9,<10",  # users\n    "a",\n]\n',
            'dependencies = [\n    "fastapi-users>=9,<10",  # users\n'
            '    "fastapi-users-db[compat,databases]>=1.0,<2",\n    "a",\n]\n',
        ),
        (
            "pyproject.toml",
            "dependencies = [\"fastapi-users[sqlalchemy]>=9, <10; python_version < '4'\"]\n",
            "dependencies = [\"fastapi-users>=9, <10; python_version < '4'\", "
            '"fastapi-users-db[compat,databases]>=1.0,<2"]\n',
        ),
        (
            "pyproject.toml",
            "dependencies = [\n"
            "  'fastapi-users-db-sqlalchemy>=3,<4 ; python_version < \"4\"',\n]\n",
            "dependencies = [\n  'fastapi-users-db[compat]>=1.0,<2 ; python_version < \"4\"',\n]\n",
        ),
        (
            "pyproject.toml",
            'dependencies = ["fastapi-users-db-sqlalchemy>=3,<4", "fastapi-users-db", "a"]\n',
            'dependencies = ["fastapi-users-db", "a"]\n',
        ),
        (
            "setup.py",
            "setup(install_requires=('a', 'fastapi-users[sqlalchemy]>=9,<10'))\n",
            "setup(install_requires=('a', 'fastapi-users>=9,<10', "
            "'fastapi-users-db[compat,databases]>=1.0,<2'))\n",
        ),
        (
            "requirements.txt",
            "fastapi-users-db-sqlalchemy>=3,<4 \\\n    --hash=sha256:0\n",
            "fastapi-users-db[compat]>=1.0,<2 \\\n    --hash=sha256:0\n",
        ),
        ("README.txt", "fastapi-users[sqlalchemy]\n", "fastapi-users[sqlalchemy]\n"),
        (
            "requirements.txt",
            "fastapi-users-extra[sqlalchemy]\n",
            "fastapi-users-extra[sqlalchemy]\n",
        ),
    ],
)
def test_requirements(path: str, before: str, expected: str) -> None:
    assert run({path: before, "models.py": MODELS}, 1).texts[path] == expected


def test_extra_of_fastapi_users_10_brings_no_databases() -> None:
    result = run({"requirements.txt": "fastapi-users[sqlalchemy]>=10\n"}, 1)
    expected = "fastapi-users>=10\nfastapi-users-db[compat]>=1.0,<2\n"
    assert result.texts["requirements.txt"] == expected


def test_shim_is_required_as_long_as_it_is_imported() -> None:
    files = {"requirements.txt": "fastapi-users-db[compat,asyncpg]\n", "main.py": TABLE}
    assert "FUD511" not in {each.rule.code for each in check(files, [5], Options()).left}
    assert run(files, 5).texts["requirements.txt"] == "fastapi-users-db[asyncpg]\n"


# Step 3.


def test_names_behind_modules_move_too() -> None:
    text = (
        "import fastapi_users\nimport fastapi_users.models\n\n\n"
        "class User(fastapi_users.models.BaseUserCreate):\n    pass\n"
    )
    assert "class User(schemas.BaseUserCreate):" in after(text, 3)


def test_models_that_are_split_over_modules_are_moved_where_they_are() -> None:
    text = (
        "def f():\n    from fastapi_users.manager import BaseUserManager, UserNotExists as Gone\n"
        "    return BaseUserManager, Gone\n"
    )
    assert after(text, 3) == (
        "def f():\n    from fastapi_users.manager import BaseUserManager\n"
        "    from fastapi_users.exceptions import UserNotExists as Gone\n"
        "    return BaseUserManager, Gone\n"
    )


def test_model_without_another_base_is_a_schema_of_its_own() -> None:
    text = "from fastapi_users import models\n\n\nclass UserDB(models.BaseUserDB):\n    hashed_password: str\n"  # noqa: E501
    assert after(text, 3).endswith(
        "class UserDB(schemas.BaseUser[uuid.UUID]):\n    hashed_password: str\n"
    )


def test_class_on_one_line_is_opened() -> None:
    text = MODELS.replace(
        "class UserDB(User, models.BaseUserDB):\n    pass",
        "class UserDB(User, models.BaseUserDB): x: int = 1",
    )
    assert (
        after(text, 3)
        .rstrip()
        .endswith("class UserDB(User):\n    hashed_password: str\n    x: int = 1")
    )


def test_methods_keep_their_distance() -> None:
    text = MODELS.replace(
        "models.BaseUserDB):\n    pass", "models.BaseUserDB):\n    def f(self):\n        pass"
    )
    assert "    hashed_password: str\n\n    def f(self):" in after(text, 3)


def test_fields_of_an_update_are_its_own_and_optional() -> None:
    text = (
        "from fastapi_users import models\n\n\nclass User(models.BaseUser):\n"
        "    a: int\n    b: 'int | None'\n    c: str\n\n\n"
        "class UserUpdate(User, models.BaseUserUpdate):\n    c: str = ''\n\n\n"
        "class Empty(models.BaseUser):\n    pass\n\n\n"
        "class EmptyUpdate(Empty, models.BaseUserUpdate):\n    pass\n"
    ).replace("'int | None'", "int | None")
    result = after(text, 3)
    assert (
        "class UserUpdate(schemas.BaseUserUpdate):\n"
        "    a: Optional[int] = None\n    b: int | None = None\n    c: str = ''\n"
    ) in result
    assert result.endswith("class EmptyUpdate(schemas.BaseUserUpdate):\n    pass\n")


def test_manager_without_type_arguments_and_with_an_annotated_model() -> None:
    text = MODELS + (
        "from fastapi_users import BaseUserManager, UUIDIDMixin\n\n\n"
        "class UserManager(UUIDIDMixin, BaseUserManager):\n    user_db_model: type = UserDB\n"
    )
    expected = "class UserManager(UUIDIDMixin, BaseUserManager[UserDB, uuid.UUID]):\n    pass\n"
    assert after(text, 3).endswith(expected)


ROUTERS = MODELS + (
    "from fastapi_users import FastAPIUsers\nfrom app import b, m\n\n"
    "one = FastAPIUsers(m, [b], User, UserCreate, UserUpdate, UserDB)\n"
)


def test_routers_of_the_only_one_are_known_wherever_it_comes_from() -> None:
    text = (
        ROUTERS + "def add(users):\n    users.get_verify_router()\n    users.get_users_router()\n"
    )
    result = after(text, 3)
    assert "users.get_verify_router(User)\n    users.get_users_router(User, UserUpdate)" in result


def test_routers_of_one_of_several_are_left() -> None:
    text = ROUTERS + (
        "two = FastAPIUsers(m, [b], User, UserCreate, UserUpdate, UserDB)\n"
        "two.get_verify_router()\n"
        "def add(users):\n    users.get_register_router()\n"
        "    users.get_register_router(user_schema=User)\n"
    )
    result = run(text, 3)
    assert "two.get_verify_router(User)" in result.texts["main.py"]
    calls = check({"main.py": text}, [3], Options(id_type=ID, select=("FUD307",))).left
    assert [each.kind for each in calls] == ["safe", "manual"]


def test_schema_that_is_a_librarys_is_imported() -> None:
    files = {
        "users.py": (
            "from fastapi_users import FastAPIUsers, models\nfrom app import b, m\n\n"
            "users = FastAPIUsers(m, [b], models.BaseUser, *[], models.BaseUserUpdate, m.UserDB)\n"
            "one = FastAPIUsers(m, [b], m.Read, m.Create, models.BaseUserUpdate, m.UserDB)\n"
        ),
        "main.py": "from users import one\n\none.get_register_router()\n",
    }
    text = run(files, 3).texts["main.py"]
    assert "get_register_router(Read, Create)" in text
    assert "from app.m import Create, Read\n" in text


def test_keyword_of_create_is_renamed_where_a_manager_is_called() -> None:
    text = (
        "from typing import Annotated, Optional\n"
        "from fastapi_users import BaseUserManager\n\n\n"
        "class UserManager(BaseUserManager):\n"
        "    async def create(self, user, safe=False):\n"
        "        return await super().create(user=user, safe=safe)\n\n\n"
        "async def add(a: UserManager, b: Annotated[UserManager, 1], c: 'UserManager',\n"
        "              d: Optional[BaseUserManager], e, f: UserManager[int]):\n"
        "    g = UserManager()\n"
        "    h: UserManager = e\n"
        "    for each in (1, 2):\n"
        "        each.create(user=1)\n"
        "    [x.create(user=1) for x in (a.create(user=1), b.create(user=1), c.create(user=1))]\n"
        "    d.create(user=1), e.create(user=1), f.create(user=1), g.create(user=1)\n"
        "    h.create(user=1), unknown.create(user=1), a.other(user=1), create(user=1)\n"
    )
    result = after(text, 3)
    assert "async def create(self, user_create, safe=False)" in result
    assert "super().create(user_create=user_create, safe=safe)" in result
    for name in "abcdfgh":
        assert f"{name}.create(user_create=1)" in result
    for name in ("e", "x", "each", "unknown"):
        assert f"{name}.create(user=1)" in result
    assert "a.other(user=1), create(user=1)" in result


def test_hook_gets_what_it_lacks() -> None:
    text = (
        "from fastapi_users import BaseUserManager\n\n\nclass M(BaseUserManager):\n"
        "    async def on_after_login(self, user, request=None):\n        print(1)\n"
    )
    result = after(text, 3)
    assert "(self, user, request=None, response: Optional[Response] = None)" in result


def test_configuration() -> None:
    text = (
        "from fastapi_users import models\nfrom pydantic import Extra\n\n\n"
        "class A(models.BaseUser):\n    class Config:\n        pass\n"
        "        extra = Extra.forbid\n        orm_mode = True\n\n\n"
        "class B(models.BaseUser, orm_mode=True):\n    pass\n\n\n"
        "class C(models.BaseUser):\n    class Config:\n        fields = {}\n"
    )
    result = run(text, 3)
    assert (
        '    model_config = ConfigDict(extra="forbid", from_attributes=True)\n'
        in result.texts["main.py"]
    )
    assert "class B(schemas.BaseUser[uuid.UUID], from_attributes=True)" in result.texts["main.py"]
    assert left(result) == [("FUD353", "main.py", "`Config` has what pydantic 2 does not know")]


def test_validators() -> None:
    head = "from fastapi_users import schemas\nfrom pydantic import root_validator, validator\n\n\n"
    text = head + (
        "class A(schemas.BaseUser):\n"
        "    @validator('a', pre=True, allow_reuse=True)\n"
        "    def a(cls, v): ...\n\n"
        "    @validator('b', pre=False)\n"
        "    @classmethod\n"
        "    def b(cls, v): ...\n\n"
        "    @validator('c', always=True)\n"
        "    def c(cls, v, values): ...\n\n"
        "    @root_validator\n"
        "    def d(cls, values): ...\n"
    )
    result = run(text, 3)
    assert (
        "    @field_validator('a', mode=\"before\")\n    @classmethod\n    def a"
        in result.texts["main.py"]
    )
    assert (
        "    @field_validator('b', mode=\"after\")\n    @classmethod\n    def b"
        in result.texts["main.py"]
    )
    assert [code for code, _, _ in left(result)] == ["FUD354", "FUD354"]


def test_other_models_of_the_app_are_named() -> None:
    text = (
        "from fastapi_users import models\nfrom pydantic import BaseModel\n\n\n"
        "class A(BaseModel):\n    class Config:\n        orm_mode = True\n\n\n"
        "class B(BaseModel):\n    class Config:\n        title = 'B'\n"
    )
    findings = run(text, 3).left
    assert [(each.rule.code, each.write) for each in findings] == [
        ("FUD359", "model_config = ConfigDict(from_attributes=True)")
    ]


@pytest.mark.parametrize(
    "lines",
    [
        "app.add_event_handler('startup', unknown)\n",
        "app.add_event_handler('startup', f)\n\n\n@app.on_event('shutdown')\ndef g(): ...\n",
        "other.add_event_handler('startup', f)\n",
        "if app:\n    app.add_event_handler('startup', f)\n",
    ],
)
def test_handlers_that_are_not_understood_are_left(lines: str) -> None:
    text = (
        "from app import other, fastapi_users\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\ndef f(): ...\n\n\n"  # noqa: E501
        + lines
    )
    result = run(text, 3)
    assert result.texts["main.py"] == text
    assert {code for code, _, _ in left(result)} == {"FUD381"}


def test_app_that_has_a_lifespan_keeps_it() -> None:
    text = "from fastapi import FastAPI\nimport fastapi_users\n\napp = FastAPI(lifespan=x)\n\n\ndef f(): ...\n\n\napp.add_event_handler('startup', f)\n"  # noqa: E501
    assert after(text, 3) == text


def test_handlers_become_a_lifespan_behind_other_arguments() -> None:
    text = "from fastapi import FastAPI\nimport fastapi_users\nfrom databases import Database\nd = Database('sqlite://')\napp = FastAPI(title='x')\napp.add_event_handler('startup', d.connect)\n"  # noqa: E501
    result = after(text, 3)
    assert "app = FastAPI(title='x', lifespan=lifespan)\n" in result
    assert (
        "\n\n\n@asynccontextmanager\nasync def lifespan(app):\n    await d.connect()\n    yield\n\n\napp"  # noqa: E501
        in result
    )


# Step 4.

DATABASE = "from databases import Database\nimport fastapi_users\n\ndatabase = Database({})\n\n\n"
GET = "{}def get_user_db():\n    {} SQLAlchemyUserDatabase(UserDB, database, {})\n"


def on_databases(url: str = "'sqlite:///a.db'", *, table: str = "UserTable.__table__") -> str:
    """Return an app on `databases`."""
    get = GET.format("", "return", table)
    return DATABASE.format(url) + TABLE + MODELS + get


def test_dependency_that_returns_becomes_one_that_yields() -> None:
    result = after(on_databases(), 4)
    assert (
        "async def get_user_db():\n    async with async_session_maker() as session:\n"
        "        yield SQLAlchemyUserDatabase(UserDB, session, UserTable)\n"
    ) in result


def test_options_of_the_url_are_dropped_and_those_of_the_database_need_a_look() -> None:
    assert 'drivername="sqlite+aiosqlite", query={})' in after(on_databases("'sqlite:///a?b=1'"), 4)
    text = on_databases("'sqlite:///a.db', min_size=2")
    assert after(text, 4, unsafe=False) == text
    assert "async_engine" in after(text, 4)


@pytest.mark.parametrize(
    ("requirement", "driver", "expected"),
    [
        ("asyncpg", None, "postgresql+asyncpg"),
        ("databases[mysql]", None, "mysql+aiomysql"),
        ("", "mysql+asyncmy", "mysql+asyncmy"),
        ("asyncpg\naiosqlite", None, None),
    ],
)
def test_driver_follows_from_what_is_required(
    requirement: str, driver: str | None, expected: str | None
) -> None:
    files = {"main.py": on_databases("URL"), "requirements.txt": requirement}
    result = run(files, 4, driver=driver)
    if expected:
        assert f'drivername="{expected}"' in result.texts["main.py"]
    else:
        [(code, _, message)] = left(result)
        assert (code, message.startswith("which driver is it?")) == ("FUD401", True)


def test_url_is_found_in_other_files() -> None:
    files = {
        "core.py": "class Settings:\n    url = 'postgres://h/d'\n\n\nsettings = Settings()\nALIAS = settings.url\n",  # noqa: E501
        "main.py": "from core import ALIAS\n" + on_databases("str(ALIAS)"),
    }
    assert 'drivername="postgresql+asyncpg"' in run(files, 4).texts["main.py"]


def test_table_without_a_class_is_left() -> None:
    result = run(on_databases(table="users"), 4)
    assert [(code, message) for code, _, message in left(result)] == [
        ("FUD401", "the adapter needs a mapped class, and the app has none for this table")
    ]


def test_adapter_that_is_no_dependency_is_left_alone() -> None:
    text = (
        on_databases() + "def f():\n    x = SQLAlchemyUserDatabase(UserDB, database, UserTable)\n"
    )
    assert "    x = SQLAlchemyUserDatabase(UserDB, database, UserTable)" in after(text, 4)


def test_adapter_of_a_module_that_others_use_is_left() -> None:
    head = on_databases().partition("def get_user_db")[0]
    one = head + "user_db = SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)\n"
    for text in (one, one + "\n\nasync def f():\n    return await user_db.get(1)\n"):
        result = run(text, 4)
        assert result.texts["main.py"] == text
        assert {code for code, _, _ in left(result)} == {"FUD402"}


def test_context_of_a_database_becomes_that_of_an_engine() -> None:
    text = on_databases() + (
        "\n\nasync def lifespan(app):\n    async with database:\n        yield\n"
        "\n\nasync def stop():\n    print(1)\n    await database.disconnect()\n"
        "\n\nasync def start():\n    print(1)\n    await database.connect()\n"
        "\n\nasync def both():\n    await database.connect()\n"
        "\n\nrun(both, database.disconnect)\n"
    )
    result = after(text, 4)
    assert "Database(" not in result.replace("UserDatabase(", "")
    assert "    try:\n        yield\n    finally:\n        await async_engine.dispose()\n" in result
    assert "async def stop():\n    print(1)\n    await async_engine.dispose()\n" in result
    assert "async def start():\n    print(1)\n\n\nasync def both():\n    pass\n" in result
    assert result.endswith("run(both, async_engine.dispose)\n")


def test_table_that_others_import_goes_with_the_imports() -> None:
    files = {
        "main.py": on_databases(table="users").replace(
            "def get", "users = UserTable.__table__\n\n\ndef get"
        ),
        "other.py": "from main import database, users  # fastapi_users\n",
    }
    result = run(files, 4)
    assert "users = " not in result.texts["main.py"]
    assert "users" not in result.texts["other.py"].partition("#")[0]


def test_adapter_of_the_apps_own_is_left() -> None:
    text = (
        "from fastapi_users.db import SQLAlchemyUserDatabase\n\n\n"
        "class Adapter(SQLAlchemyUserDatabase):\n"
        "    async def by_name(self, name):\n        return self.users.c.name == name\n\n"
        "    async def _make_user(self, user):\n        return user.x\n"
    )
    codes = [(code, message) for code, _, message in left(run(text, 4))]
    assert len(codes) == 2
    assert codes[1][1] == "`_make_user` is not called with a session: override `_get_user`"


# Step 5.

LEGACY = TABLE + MODELS + ADAPTER


def test_adapter_on_databases_has_to_wait() -> None:
    result = run(on_databases(), 5)
    assert ("FUD505", "main.py", "the adapter works through `databases`: do step 4 first") in left(
        result
    )


def test_model_of_another_table_is_left() -> None:
    text = LEGACY.replace("session, UserTable", "session, other.UserTable")
    assert "SQLAlchemyUserDatabase(UserDB, session, other.UserTable)" in after(text, 5)


def test_what_only_the_model_has_is_named() -> None:
    text = LEGACY.replace(
        "models.BaseUserDB):\n    pass",
        "models.BaseUserDB):\n    age: int\n\n    @validator('age')\n    def old(cls, v): ...\n",
    )
    result = run(text, 5)
    assert (
        "FUD506",
        "main.py",
        "`UserTable` has no `age`: add it there, and delete this class",
    ) in left(result)
    assert "class UserDB(" in result.texts["main.py"]


def test_class_that_derives_from_the_model_is_left() -> None:
    text = LEGACY + "class Admin(UserDB):\n    pass\n\n\n@app.get('/')\ndef f() -> UserDB: ...\n"
    messages = [message for code, _, message in left(run(text, 5)) if code == "FUD506"]
    assert [message.partition(":")[0] for message in messages] == [
        "a class derives from it",
        "a mapped class cannot be what a route answers with",
    ]


def test_users_that_are_made_by_calling_the_model() -> None:
    text = (
        "from uuid import UUID\nprint(UUID)\n"
        + LEGACY
        + "a = UserDB(id=1)\nb = UserDB(**x)\nc = UserDB(email=1)\nd = UserDB()\n"
    )
    result = after(text, 5)
    assert "a = UserTable(id=1)\nb = UserTable(**x)\nc = UserTable(id=uuid4(), email=1)\n" in result
    assert "d = UserTable()\n" in result
    assert after(text, 5, unsafe=False).count("UserDB(") == 5


def test_methods_of_pydantic_on_users() -> None:
    text = LEGACY + (
        "def f(user: UserDB, row):\n"
        "    user.json(), user.dict(exclude={'x'}), user.copy(), user.dict(include=NAMES)\n"
        "    UserDB.from_orm(row), UserDB.parse_obj(row)\n"
        "    user.dict(include={'id', 1})\n"
        "    return user.dict(include=['id'])\n"
    )
    result = run(text, 5)
    main = result.texts["main.py"]
    assert 'return {"id": user.id}' in main
    assert "    row, UserDB.parse_obj(row)\n" in main
    writes = [each.write for each in result.left if each.rule.code == "FUD319"]
    assert writes[0] == (
        "UserRead.model_validate(user).model_dump_json(), with the schema that is read"
    )
    assert "an instance of the mapped class" in writes
    assert len(writes) == 6


def test_database_that_a_package_hands_on_goes_out_of_all_too() -> None:
    files = {
        "app/__init__.py": (
            "from .database import database as db\nfrom .tables import UserTable\n\n"
            '__all__ = ["db", "UserTable"]\n'
        ),
        "app/database.py": 'import databases\n\ndatabase = databases.Database("sqlite:///a.db")\n',
        "app/models.py": MODELS,
        "app/tables.py": TABLE,
        "app/users.py": (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "from app import UserTable, db\nfrom app.models import UserDB\n\n\n"
            "def get_user_db():\n"
            "    yield SQLAlchemyUserDatabase(UserDB, db, UserTable.__table__)\n"
        ),
    }
    result = migrate(files, STEPS, Options(unsafe=True))
    expected = 'from .tables import UserTable\n\n__all__ = ["UserTable"]\n'
    assert result.texts["app/__init__.py"] == expected


def test_comment_beside_an_imported_name_stays_with_it() -> None:
    text = (
        "from fastapi_users import (\n    BaseUserManager,  # ours\n)\n"
        "from app import UserCreate, UserDB\n\n\n"
        "class Manager(BaseUserManager[UserCreate, UserDB]):\n    user_db_model = UserDB\n"
    )
    imported = "from fastapi_users import (\n    BaseUserManager,  # ours\n    UUIDIDMixin,\n)\n"
    assert imported in after(text, 3)


def test_model_in_all_and_in_packages_goes_too() -> None:
    files = {
        "app/__init__.py": 'from .models import User, UserDB as Model\n\n__all__ = ["User"]\n',
        "app/models.py": MODELS + '__all__ = [\n    "User",\n    "UserDB",\n]\n',
        "app/tables.py": TABLE,
        "app/users.py": (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "from app.models import UserDB\nfrom app.tables import UserTable\n\n\n" + ADAPTER
        ),
    }
    texts = run(files).texts
    assert texts["app/__init__.py"] == 'from .models import User\n\n__all__ = ["User"]\n'
    assert texts["app/models.py"].endswith('__all__ = [\n    "User",\n]\n')


def test_tables_behind_a_module_get_their_new_name() -> None:
    text = (
        "import fastapi_users_db_sqlalchemy as a\nfrom fastapi_users import db\nfrom app import Base\n\n\n"  # noqa: E501
        "class T(a.SQLAlchemyBaseUserTable, Base):\n    pass\n\n\n"
        "class O(db.SQLAlchemyBaseOAuthAccountTable, Base):\n    pass\n"
    )
    result = after(text, 5)
    assert "import fastapi_users_db as a\n" in result
    assert "class T(a.SQLAlchemyBaseUserTableUUID, Base)" in result
    assert "class O(SQLAlchemyBaseOAuthAccountTableUUID, Base)" in result


def test_guard_among_other_imports_goes_alone() -> None:
    text = "import os, fastapi_users.db, sys\n\nprint(os, sys)\n"
    assert after(text, 5) == "import os, sys\n\nprint(os, sys)\n"


# Sources.


def test_names_of_all_kinds_are_bound() -> None:
    text = (
        "from fastapi_users import models\n\n\n"
        "def f(*a, **k):\n"
        "    global models\n"
        "    try:\n        pass\n    except OSError as models_error:\n        print(models_error)\n"
        "    except ValueError:\n        pass\n"
        "    return lambda x: [y for y in x], {**k}, 'x: y'\n\n\n"
        "def g(x: 'not python (', y: 'a\\x62c'): ...\n"
    )
    assert after(text, 3) == text


def test_settings_without_a_url_name_no_driver() -> None:
    files = {
        "core.py": "class Settings:\n    name = 'x'\n    url: str\n\n\nsettings = Settings()\n",
        "main.py": "from core import settings\n" + on_databases("settings.url"),
    }
    assert [code for code, _, _ in left(run(files, 4))] == ["FUD401"]


def test_two_adapters_share_an_engine() -> None:
    second = "\n\nasync def get_other_db():\n    yield SQLAlchemyUserDatabase(UserDB, database, UserTable)\n"  # noqa: E501
    result = after(on_databases() + second, 4)
    assert result.count("create_async_engine(") == 1
    assert result.count("async with async_session_maker() as session:") == 2


def test_adapter_of_a_later_run_uses_the_engine_that_is_there() -> None:
    text = (
        on_databases() + "\n\nasync def count():\n    return await database.fetch_val('SELECT 1')\n"
    )
    once = after(text, 4)
    more = (
        once
        + "\n\nasync def other():\n    yield SQLAlchemyUserDatabase(UserDB, database, UserTable)\n"
    )
    assert after(more, 4).count("create_async_engine(") == 1


def test_handler_of_an_event_by_name_is_replaced() -> None:
    text = on_databases() + "\n\nevents = {'stop': database.disconnect}\n"
    assert "events = {'stop': async_engine.dispose}" in after(text, 4)


def test_names_that_only_look_like_it_are_left() -> None:
    text = (
        "import fastapi_users\nfrom nowhere import *\nfrom . import *\n"
        "a, b = UserDB, 1\nfastapi_users.x: int = 1\n\n\n"
        "class A(B, A.C):\n    id: str\n"
    )
    assert after(text) == text


def test_int_ids_have_no_uuid_mixin_for_accounts() -> None:
    text = (
        "from fastapi_users_db_sqlalchemy import SQLAlchemyBaseOAuthAccountTable\nfrom app import Base\n\n\n"  # noqa: E501
        "class Account(SQLAlchemyBaseOAuthAccountTable, Base):\n    id: int\n"
    )
    assert "SQLAlchemyBaseOAuthAccountTable, Base" in after(text, 5, id_type="int")


def test_super_may_be_called_with_the_request_already() -> None:
    text = (
        "from fastapi_users import BaseUserManager\n\n\nclass M(BaseUserManager):\n"
        "    async def delete(self, user):\n        await super().delete(user, None)\n"
    )
    assert "super().delete(user, None)" in after(text, 3)


def test_stars_and_futures_stay_first() -> None:
    text = (
        '"""Doc."""\nfrom __future__ import annotations\n\n\n'
        "def f():\n    from fastapi_users.models import *\n    from fastapi_users import models\n"
        "    class U(models.BaseUser): ...\n"
    )
    result = after(text, 3)
    assert result.startswith('"""Doc."""\nfrom __future__ import annotations\n')
    assert "import uuid\n" in result


def test_extra_beside_ours_only_goes() -> None:
    text = "fastapi-users[sqlalchemy]\nfastapi-users-db[compat]\n"
    result = run({"requirements.txt": text}, 1)
    assert result.texts["requirements.txt"] == "fastapi-users\nfastapi-users-db[compat]\n"


def test_guards_of_a_connection_go_with_it() -> None:
    text = on_databases() + (
        "\n\n@app.on_event('shutdown')\nasync def stop():\n    if database.is_connected:\n"
        "        await database.disconnect()\n"
    )
    assert after(text, 4).endswith("async def stop():\n    await async_engine.dispose()\n")


def test_file_that_is_too_deep_is_named() -> None:
    result = run({"main.py": "x = " + "-" * 20_000 + "1  # fastapi_users\n"})
    assert result.failures[0].message.startswith("cannot be parsed: ")


def test_names_that_lead_out_of_the_project_are_none() -> None:
    text = "from ... import gone\nfrom fastapi_users import schemas\n\nx: gone.UserDB\n"
    assert run({"main.py": text}).texts["main.py"] == text


def test_classes_of_several_bases_are_looked_at_once() -> None:
    text = (
        "from typing import Generic\n"
        + TABLE.replace("(Base, SQL", "(One, Two, Generic[T], SQL")
        + "class Root:\n    pass\n\n\nclass One(Root):\n    pass\n\n\nclass Two(Root):\n    pass\n"
    )
    assert "SQLAlchemyBaseUserTableUUID)" in after(text, 5, id_type=None)


def test_annotation_without_a_value_is_the_type() -> None:
    text = (
        "from fastapi_users import BaseUserManager\n\n\n"
        "def f():\n    manager: BaseUserManager\n    manager.create(user=1)\n"
    )
    assert "manager.create(user_create=1)" in after(text, 3)


def test_module_that_is_all_new_is_imported_below_the_text() -> None:
    files = {
        "a/b/models.py": MODELS,
        "tables.py": TABLE,
        "a/b/users.py": (
            '"""Doc."""\n'
            "def f():\n    from .models import UserDB\n    from tables import UserTable\n"
            "    from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "    return SQLAlchemyUserDatabase(UserDB, 1, UserTable)\n"
        ),
        "a/b/routes.py": "from .models import UserDB\nfrom .x import *\n\nx: UserDB\n",
    }
    result = run(files)
    assert "from tables import UserTable\n" in result.texts["a/b/routes.py"]
    assert result.texts["a/b/routes.py"].endswith("x: UserTable\n")


def test_new_name_takes_the_place_of_the_last_one() -> None:
    text = (
        "import fastapi_users as fu\nfrom fastapi_users import models\nfrom app import User, UserDB\n\n\n"  # noqa: E501
        "class Model(User, models.BaseUserDB):\n    pass\n\n\n"
        "class M(fu.BaseUserManager):\n    user_db_model = UserDB\n"
    )
    assert "from fastapi_users import UUIDIDMixin\n" in after(text, 3)


def test_what_a_package_defines_is_imported_from_it() -> None:
    files = {
        "app/__init__.py": "",
        "app/tables/__init__.py": TABLE,
        "app/models.py": MODELS,
        "app/users.py": (
            "from fastapi_users.db import SQLAlchemyUserDatabase\n"
            "from app.models import UserDB\nfrom app.tables import UserTable\n\n\n" + ADAPTER
        ),
        "app/api/routes.py": "from ..models import UserDB\n\n\ndef f(user: UserDB): ...\n",
    }
    assert "from ..tables import UserTable\n" in run(files).texts["app/api/routes.py"]


def test_other_type_arguments_are_not_those_of_the_mixin() -> None:
    base = "class Base:\n    id: int = 1\n"
    table = TABLE.replace("from app import Base\n", base)
    text = table.replace("Base, SQL", "Generic[T], SQL").replace("Table):", "Table[int], Base):")
    assert "schemas.BaseUser[int]" in after(text + MODELS, 3, id_type=None)


def test_call_in_an_f_string_is_left() -> None:
    text = LEGACY + "def f(user: UserDB):\n    return f\"{user.dict(include={'id'})} {UserDB!r}\"\n"
    result = run(text, 5)
    assert "f\"{user.dict(include={'id'})} {UserTable!r}\"" in result.texts["main.py"]
    assert [each.rule.code for each in result.left] == ["FUD319"]


FACTORY = """\
from databases import Database
from fastapi_users import BaseUserManager, models
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from app import Base


def create_app():
    class UserTable(Base, SQLAlchemyBaseUserTable):
        pass

    class UserCreate(models.BaseUserCreate):
        pass

    class UserDB(models.BaseUserDB):
        pass

    database = Database("sqlite:///app.db")

    async def get_user_db():
        yield SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)

    class UserManager(BaseUserManager[UserCreate, UserDB]):
        user_db_model = UserDB
"""


def test_what_a_function_has_for_itself_is_crossed() -> None:
    text = after(FACTORY, id_type=None)
    assert "    class UserManager(UUIDIDMixin, BaseUserManager[UserTable, uuid.UUID]):\n" in text
    assert "            yield SQLAlchemyUserDatabase(session, UserTable)\n" in text
    assert "    async_engine = create_async_engine(" in text
    assert "UserDB" not in text.replace("get_user_db", "").replace("SQLAlchemyUserDatabase", "")
    assert "Database(" not in text.replace("SQLAlchemyUserDatabase(", "")


def test_two_functions_of_one_name_are_crossed() -> None:
    head, function = FACTORY.split("\n\n\n")
    result = run(f"{head}\n\n\n{function}\n\n{function}", id_type=None)
    text = result.texts["main.py"]
    assert (
        text.count("    class UserManager(UUIDIDMixin, BaseUserManager[UserTable, uuid.UUID])") == 2
    )
    assert not left(result)


def test_class_for_stored_users_goes_also_where_it_is_under_a_condition() -> None:
    text = after(FACTORY.replace("def create_app():", "if True:"), id_type=None)
    assert "class UserTable" in text
    assert "class UserDB" not in text


def test_import_under_a_try_is_edited_in_place() -> None:
    text = (
        "try:\n    from fastapi_users import models\nexcept ImportError:\n    models = None\n\n\n"
        "class UserCreate(models.BaseUserCreate):\n    pass\n"
    )
    assert after(text) == text.replace("import models", "import schemas").replace(
        "(models.", "(schemas."
    )


ONE_LINE = FACTORY.replace("get_user_db():\n        yield", "get_user_db(): yield")


def test_body_on_the_line_of_its_function_gets_lines_of_its_own() -> None:
    assert "get_user_db(): yield" in ONE_LINE
    text = after(ONE_LINE, id_type=None)
    assert "\n        async with async_session_maker() as session:\n            yield SQL" in text
    beside = ONE_LINE.replace("(): yield", "(): x = 1; yield")
    codes = {each[0] for each in left(run(beside, id_type=None))}
    assert "FUD401" in codes


def test_what_is_written_is_indented_with_tabs_where_the_file_is() -> None:
    text = (
        "from fastapi_users.authentication import JWTAuthentication\n\n\n"
        'def f():\n\treturn JWTAuthentication("x", 1)\n'
    )
    assert '\treturn AuthenticationBackend(\n\t\tname="jwt",\n' in after(text)


def test_what_one_function_knows_is_not_written_outside_of_it() -> None:
    model = "    class UserDB(models.BaseUserDB):\n        pass\n\n"
    assert model in FACTORY
    outside = "class UserDB(models.BaseUserDB):\n    pass\n\n\n"
    text = FACTORY.replace(model, "").replace("def create_app", outside + "def create_app")
    result = run(text + "\n\ndef f(user: UserDB): ...\n", id_type=None)
    assert "def f(user: UserDB)" in result.texts["main.py"]
    assert any("`UserTable` is not known here" in each[2] for each in left(result))


def test_adapter_whose_table_only_the_running_app_knows_is_told_of() -> None:
    text = MODELS + ADAPTER.replace("(session)", "(session, UserTable)")
    text = "from fastapi_users.db import SQLAlchemyUserDatabase\n" + text
    assert "FUD505" in {each[0] for each in left(run(text))}
