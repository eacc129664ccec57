"""Widen user.hashed_password from VARCHAR(72) to VARCHAR(1024)."""

import sqlalchemy as sa
from alembic import op

revision = "widen_hashed_password"
down_revision = None


def upgrade() -> None:
    with op.batch_alter_table("user") as batch:
        batch.alter_column(
            "hashed_password",
            existing_type=sa.String(72),
            type_=sa.String(1024),
            existing_nullable=False,
        )
