from alembic import context
from sqlalchemy import engine_from_config, pool

from app.models import Base

config = context.config
target_metadata = Base.metadata


def render_item(type_, obj, autogen_context):
    if type_ == "type" and type(obj).__module__ == "fastapi_users_db_sqlalchemy.guid":
        autogen_context.imports.add("import fastapi_users_db_sqlalchemy.guid")
        return f"fastapi_users_db_sqlalchemy.guid.{obj!r}"
    return False


def run_migrations_online():
    connectable = engine_from_config(
        config.get_section(config.config_ini_section), prefix="sqlalchemy.", poolclass=pool.NullPool
    )
    with connectable.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target_metadata, render_item=render_item
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations_online()
