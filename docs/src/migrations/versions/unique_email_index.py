"""Let no two e-mail addresses differ by case alone."""

import sqlalchemy as sa
from alembic import op

revision = "unique_email_index"
down_revision = "index_user_id"


def upgrade() -> None:
    if op.get_context().dialect.name in ("mysql", "mariadb"):
        return  # The column's own index compares without case there.
    name, keys = "ix_user_email_lower", [sa.text("lower(email)")]
    with op.get_context().autocommit_block():
        op.drop_index(name, "user", if_exists=True, postgresql_concurrently=True)
        op.create_index(name, "user", keys, unique=True, postgresql_concurrently=True)
