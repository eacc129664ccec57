"""Our own adapters for `databases` are left at step 4, as upstream's are."""

from fastapi_users_db_cli.engine import Options, migrate

HEAD = """\
from databases import Database
from fastapi_users_db import DatabasesUserDatabase

from tables import Account, User

database = Database("postgresql://localhost/app")


"""
TABLES = "class User:\n    pass\n\n\nclass Account:\n    pass\n"


def after(text: str) -> str:
    files = {"main.py": HEAD + text, "tables.py": TABLES}
    result = migrate(files, [4], Options())
    assert migrate(result.texts, [4], Options()).texts == result.texts
    return result.texts["main.py"]


def test_arguments_and_type_arguments_stay() -> None:
    text = after(
        "async def get():\n"
        "    yield DatabasesUserDatabase[User, int](database, User, Account, retries=2)\n"
    )
    assert "yield SQLAlchemyUserDatabase[User, int](session, User, Account, retries=2)\n" in text
    assert "DatabasesUserDatabase" not in text


def test_each_call_is_one_of_its_own() -> None:
    text = after(
        "async def one() -> DatabasesUserDatabase:\n"
        "    return DatabasesUserDatabase(database, User)\n\n\n"
        "async def other():\n    yield DatabasesUserDatabase[User, int](given, User)\n"
    )
    assert "        yield SQLAlchemyUserDatabase(session, User)\n" in text
    assert "    yield DatabasesUserDatabase[User, int](given, User)\n" in text


def test_adapter_that_builds_models_is_left() -> None:
    call = "DatabasesUserDatabase(database, User.__table__, user_model=U)"
    text = f"async def get():\n    yield {call}\n"
    assert after(text) == HEAD + text
