"""items

Revision ID: 0002
"""
import fastapi_users_db_sqlalchemy
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("state", sa.Enum("NEW", "GOOD", "WORN", name="state"), nullable=False),
        sa.Column("owner_id", fastapi_users_db_sqlalchemy.GUID(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade():
    op.drop_table("items")
