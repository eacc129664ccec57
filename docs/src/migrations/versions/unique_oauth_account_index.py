"""Let an external account be linked once."""

from alembic import op

revision = "unique_oauth_account_index"
down_revision = "unique_email_index"


def upgrade() -> None:
    op.create_index(
        "ix_oauth_account_account", "oauth_account", ["oauth_name", "account_id"], unique=True
    )
