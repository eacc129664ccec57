"""Let an external account be linked once."""

from alembic import op

revision = "unique_oauth_account_index"
down_revision = "unique_email_index"


def upgrade() -> None:
    name, table, keys = "ix_oauth_account_account", "oauth_account", ["oauth_name", "account_id"]
    with op.get_context().autocommit_block():
        if op.get_context().dialect.name == "postgresql":
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, keys, unique=True, postgresql_concurrently=True)
