"""Let no two e-mail addresses differ by case alone."""

import sqlalchemy as sa
from alembic import op

revision = "unique_email_index"
down_revision = "index_user_id"


def upgrade() -> None:
    # The column's own index compares without case on MySQL and MariaDB.
    if op.get_bind().dialect.name not in ("mysql", "mariadb"):
        op.create_index("ix_user_email_lower", "user", [sa.text("lower(email)")], unique=True)
