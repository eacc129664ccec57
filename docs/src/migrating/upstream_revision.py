import sqlalchemy as sa
from alembic import op

revision = "leave_upstream"
down_revision = None  # your latest one


def upgrade() -> None:
    op.create_index(op.f("ix_accesstoken_user_id"), "accesstoken", ["user_id"], unique=False)
    op.alter_column(
        "oauth_account",
        "access_token",
        existing_type=sa.VARCHAR(length=1024),
        type_=sa.Text(),
        existing_nullable=False,
    )
    op.alter_column(
        "oauth_account",
        "refresh_token",
        existing_type=sa.VARCHAR(length=1024),
        type_=sa.Text(),
        existing_nullable=True,
    )
    op.create_index(op.f("ix_oauth_account_user_id"), "oauth_account", ["user_id"], unique=False)
