"""The old names, wherever apps have imported them from."""

import importlib
import subprocess
import sys
from typing import Any

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import fastapi_users_db_sqlalchemy
import pytest

from tests.compat.models import FASTAPI_USERS, UPSTREAM, ours

NAMES = [
    "SQLAlchemyUserDatabase",
    "SQLAlchemyBaseUserTable",
    "SQLAlchemyBaseOAuthAccountTable",
]
UUID_NAMES = ["SQLAlchemyBaseUserTableUUID", "SQLAlchemyBaseOAuthAccountTableUUID"]
OF_FASTAPI_USERS = NAMES + UUID_NAMES * (FASTAPI_USERS >= 10)


def name_of(module: str, name: str) -> Any:
    """Import a name, if this release of upstream had it."""
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        if UPSTREAM is None:
            raise
        pytest.skip(f"upstream {UPSTREAM} has no {module}.{name}")


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Execute a program in a fresh interpreter."""
    path = repr([entry for entry in sys.path if entry])
    *options, program = arguments
    return subprocess.run(
        [sys.executable, *options, "-c", f"import sys; sys.path[:] = {path}\n{program}"],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES + UUID_NAMES)
def test_from_the_package(name: str) -> None:
    assert isinstance(name_of("fastapi_users_db_sqlalchemy", name), type)


@pytest.mark.parametrize("name", OF_FASTAPI_USERS)
def test_from_fastapi_users_db(name: str) -> None:
    from fastapi_users import db

    assert getattr(db, name) is name_of("fastapi_users_db_sqlalchemy", name)
    assert name in getattr(db, "__all__", [name])


def test_from_fastapi_users_import_db_as() -> None:
    from fastapi_users import db as fast_db
    from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase

    assert fast_db.SQLAlchemyUserDatabase is SQLAlchemyUserDatabase


@pytest.mark.parametrize(
    "name",
    [
        "SQLAlchemyAccessTokenDatabase",
        "SQLAlchemyBaseAccessTokenTable",
        "SQLAlchemyBaseAccessTokenTableUUID",
    ],
)
def test_from_access_token(name: str) -> None:
    assert isinstance(name_of("fastapi_users_db_sqlalchemy.access_token", name), type)


def test_access_token_as_a_module() -> None:
    from fastapi_users_db_sqlalchemy import access_token

    assert isinstance(access_token.SQLAlchemyAccessTokenDatabase, type)


@pytest.mark.parametrize("name", ["GUID", "TIMESTAMPAware", "now_utc"])
def test_from_generics(name: str) -> None:
    assert callable(name_of("fastapi_users_db_sqlalchemy.generics", name))


def test_guid_from_guid() -> None:
    guid = name_of("fastapi_users_db_sqlalchemy.guid", "GUID")

    assert guid is name_of("fastapi_users_db_sqlalchemy", "GUID")


def test_import_the_package_as() -> None:
    import fastapi_users_db_sqlalchemy as x

    assert isinstance(x.GUID(), x.GUID)


def test_import_of_the_package_alone_brings_its_modules() -> None:
    # Revisions write `import fastapi_users_db_sqlalchemy` and use `.guid.GUID()`.
    modules = ["access_token", "generics", "guid"]
    if UPSTREAM is not None:
        # It has not all of them, and does not import the first.
        modules = [m for m in modules[1:] if hasattr(fastapi_users_db_sqlalchemy, m)]

    result = python(
        "import fastapi_users.db, fastapi_users_db_sqlalchemy as x\n"
        + "\n".join(f"x.{module}" for module in modules)
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "AsyncSession",
        "BaseUserDatabase",
        "Column",
        "GUID",
        "Integer",
        "String",
        "UUID_ID",
        "func",
        "select",
    ],
)
def test_names_that_the_package_happened_to_expose(name: str) -> None:
    assert name_of("fastapi_users_db_sqlalchemy", name) is not None


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("", "NotSetOAuthAccountTableError"),
        ("", "Any"),
        ("", "Boolean"),
        ("", "CHAR"),
        ("", "Dict"),
        ("", "ForeignKey"),
        ("", "Generic"),
        ("", "ID"),
        ("", "List"),
        ("", "Mapped"),
        ("", "Mapping"),
        ("", "OAP"),
        ("", "Optional"),
        ("", "Select"),
        ("", "Table"),
        ("", "Type"),
        ("", "TypeDecorator"),
        ("", "UP"),
        ("", "UUID"),
        ("", "UUID4"),
        ("", "__version__"),
        ("", "declared_attr"),
        ("", "delete"),
        ("", "joinedload"),
        ("", "mapped_column"),
        ("", "update"),
        ("", "uuid"),
        ("access_token", "AccessTokenDatabase"),
        ("access_token", "GUID"),
        ("access_token", "TIMESTAMPAware"),
        ("access_token", "now_utc"),
        ("generics", "CHAR"),
        ("generics", "TIMESTAMP"),
        ("generics", "TypeDecorator"),
        ("generics", "UUID"),
        ("generics", "UUID4"),
        ("generics", "datetime"),
        ("generics", "timezone"),
        ("generics", "uuid"),
        ("guid", "CHAR"),
        ("guid", "TypeDecorator"),
        ("guid", "UUID"),
        ("guid", "UUID4"),
    ],
)
def test_other_names_of_some_release(module: str, name: str) -> None:
    from tests.compat.models import SQLALCHEMY

    if name in ("Mapped", "mapped_column") and SQLALCHEMY < (2, 0):
        pytest.skip("SQLAlchemy has no such name")
    if (module, name) == ("access_token", "AccessTokenDatabase") and FASTAPI_USERS < 9:
        pytest.skip("FastAPI Users has no such name")
    found = name_of("fastapi_users_db_sqlalchemy" + f".{module}" * bool(module), name)

    assert found is not None


@ours
@pytest.mark.parametrize("module", ["", ".access_token", ".generics", ".guid"])
def test_names_of_no_release(module: str) -> None:
    imported = importlib.import_module(f"fastapi_users_db_sqlalchemy{module}")

    with pytest.raises(AttributeError, match=f"{imported.__name__}' has no attribute 'Users'"):
        name_of(imported.__name__, "Users")


def test_subclass_that_takes_the_original_name() -> None:
    from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase as GenericDB

    class SQLAlchemyUserDatabase(GenericDB):
        pass

    assert issubclass(SQLAlchemyUserDatabase, GenericDB)


ORDERS = {
    "fastapi_users.db first": "import fastapi_users.db\nimport fastapi_users_db_sqlalchemy",
    "shim first": "import fastapi_users_db_sqlalchemy\nimport fastapi_users.db",
    "access tokens first": (
        "import fastapi_users_db_sqlalchemy.access_token\nimport fastapi_users.db"
    ),
    "generics first": "import fastapi_users_db_sqlalchemy.generics\nimport fastapi_users.db",
    "our package first": "import fastapi_users_db\nimport fastapi_users_db_sqlalchemy",
}
ANY_ORDER = pytest.mark.parametrize(
    "order",
    [
        pytest.param(order, id=name, marks=() if name.startswith("fastapi_users") else ours)
        for name, order in ORDERS.items()
    ],
)
THE_NAMES = f"from fastapi_users.db import {', '.join(OF_FASTAPI_USERS)}"
# What others warn of is not our affair: FastAPI Users' own imports are made beforehand.
IMPORTS_OF_OTHERS = """
import importlib, warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for module in [
        "databases", "fastapi.security", "httpx", "jwt", "makefun", "passlib.context",
        "passlib.handlers.bcrypt", "passlib.pwd", "pwdlib", "email_validator",
        "sqlalchemy.ext.asyncio",
    ]:
        try:
            importlib.import_module(module)
        except ImportError:
            pass
"""
FORGET = """
for name in [name for name in sys.modules if name.startswith("fastapi_users")]:
    del sys.modules[name]
"""


@ours
def test_any_import_order_under_w_error() -> None:
    # In one interpreter, which is quick; below, each order has a fresh one.
    orders = "".join(f"{FORGET}\n{order}\n{THE_NAMES}\n" for order in ORDERS.values())

    result = python("-W", "error", f"{IMPORTS_OF_OTHERS}{orders}")

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""


@pytest.mark.thorough
@ANY_ORDER
def test_import_order(order: str) -> None:
    result = python(f"{order}\n{THE_NAMES}")

    assert result.returncode == 0, result.stderr


@ours
@pytest.mark.thorough
@ANY_ORDER
def test_import_under_w_error(order: str) -> None:
    result = python("-W", "error", f"{IMPORTS_OF_OTHERS}{order}")

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
