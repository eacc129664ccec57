"""Index the foreign keys to the user table."""

from alembic import op

revision = "index_user_id"
down_revision = "widen_oauth_tokens"


def upgrade() -> None:
    if op.get_context().dialect.name in ("mysql", "mariadb"):
        return  # They have indexed every foreign key already.
    with op.get_context().autocommit_block():
        for table in ("oauth_account", "accesstoken"):
            name = f"ix_{table}_user_id"
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            op.create_index(name, table, ["user_id"], postgresql_concurrently=True)
