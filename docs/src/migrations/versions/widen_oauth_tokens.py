"""Turn the tokens in oauth_account from VARCHAR(1024) into TEXT."""

import sqlalchemy as sa
from alembic import op

revision = "widen_oauth_tokens"
down_revision = "widen_hashed_password"


def upgrade() -> None:
    # SQLite takes a value of any length: there is nothing to widen.
    if op.get_context().dialect.name != "sqlite":
        for column, is_nullable in (("access_token", False), ("refresh_token", True)):
            op.alter_column(
                "oauth_account",
                column,
                existing_type=sa.String(1024),
                type_=sa.Text(),
                existing_nullable=is_nullable,
            )
