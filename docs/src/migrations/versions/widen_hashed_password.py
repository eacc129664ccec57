"""Widen user.hashed_password from VARCHAR(72) to VARCHAR(1024)."""

import sqlalchemy as sa
from alembic import op

revision = "widen_hashed_password"
down_revision = None


def upgrade() -> None:
    # SQLite takes a value of any length: there is nothing to widen.
    if op.get_context().dialect.name != "sqlite":
        op.alter_column(
            "user",
            "hashed_password",
            existing_type=sa.String(72),
            type_=sa.String(1024),
            existing_nullable=False,
        )
