"""Turn the tokens in oauth_account from VARCHAR(1024) into TEXT."""

import sqlalchemy as sa
from alembic import op

revision = "widen_oauth_tokens"
down_revision = "widen_hashed_password"


def upgrade() -> None:
    with op.batch_alter_table("oauth_account") as batch:
        batch.alter_column(
            "access_token",
            existing_type=sa.String(1024),
            type_=sa.Text(),
            existing_nullable=False,
        )
        batch.alter_column(
            "refresh_token",
            existing_type=sa.String(1024),
            type_=sa.Text(),
            existing_nullable=True,
        )
