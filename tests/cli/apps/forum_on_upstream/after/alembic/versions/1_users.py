"""Users."""

import sqlalchemy as sa
from alembic import op
from fastapi_users_db import GUID

revision = "1"
down_revision = None


def upgrade():
    op.create_table(
        "user",
        sa.Column("id", GUID(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
