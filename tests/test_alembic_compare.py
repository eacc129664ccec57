"""What Alembic makes of the tables outside `env.py`, and that it meets no marks of ours."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from fastapi_users_db.alembic import include_object
from tests.test_alembic import Base, BaseWithIndex, Project, connection, engine

__all__ = ["connection", "engine"]


def include_all_of_the_apps(object_: Any, *arguments: Any) -> bool:
    """What an app writes that has something of its own to leave out."""
    return object_.info.get("mine", True) and include_object(object_, *arguments)


@pytest.mark.parametrize("included", [include_object, include_all_of_the_apps])
def test_tables_match_the_classes_outside_env_py(included: Any, connection: Connection) -> None:
    Base.metadata.create_all(connection)
    context = MigrationContext.configure(connection, opts={"include_object": included})

    assert compare_metadata(context, Base.metadata) == []


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # SQLite's cannot be read back
def test_index_without_case_outside_env_py(connection: Connection) -> None:
    BaseWithIndex.metadata.create_all(connection)
    context = MigrationContext.configure(connection, opts={"include_object": include_object})

    assert compare_metadata(context, BaseWithIndex.metadata) == []


def test_every_index_is_included_where_no_database_is_asked() -> None:
    indexes = Base.metadata.tables["oauth_account"].indexes

    assert all(include_object(index, str(index.name), "index", False, None) for index in indexes)


def test_nothing_of_ours_is_in_a_revision_but_types(tmp_path: Path, connection: Connection) -> None:
    revision = Project(tmp_path, connection, Base).autogenerate()

    for line in revision.splitlines():
        rest = line.replace("import fastapi_users_db.types", "")
        assert "fastapi_users_db" not in rest.replace("fastapi_users_db.types.", "")
        assert "info=" not in line


@pytest.mark.parametrize("base", [Base, BaseWithIndex])
def test_nothing_of_ours_is_in_the_info_of_the_apps_tables(base: Any) -> None:
    for table in base.metadata.tables.values():
        for part in (table, *table.columns, *table.indexes):
            assert part.info == {}
