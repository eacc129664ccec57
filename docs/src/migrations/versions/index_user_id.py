"""Index the foreign keys to the user table."""

from alembic import op

revision = "index_user_id"
down_revision = "widen_oauth_tokens"


def upgrade() -> None:
    # MySQL and MariaDB have indexed them already.
    if op.get_bind().dialect.name not in ("mysql", "mariadb"):
        op.create_index("ix_oauth_account_user_id", "oauth_account", ["user_id"])
        op.create_index("ix_accesstoken_user_id", "accesstoken", ["user_id"])
