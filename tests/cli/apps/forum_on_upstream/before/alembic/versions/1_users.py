"""Users."""

import fastapi_users_db_sqlalchemy.generics
import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade():
    op.create_table(
        "user",
        sa.Column("id", fastapi_users_db_sqlalchemy.generics.GUID(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
