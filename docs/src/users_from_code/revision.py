"""Create the first superuser."""

import os
import uuid

import sqlalchemy as sa
from alembic import op
from fastapi_users.password import PasswordHelper

from fastapi_users_db import GUID

revision = "first_superuser"
down_revision = None

EMAIL = "admin@example.com"

users = sa.table(
    "user",
    sa.column("id", GUID()),
    sa.column("email", sa.String()),
    sa.column("hashed_password", sa.String()),
    sa.column("is_active", sa.Boolean()),
    sa.column("is_superuser", sa.Boolean()),
    sa.column("is_verified", sa.Boolean()),
)


def upgrade() -> None:
    admin = {
        "id": uuid.uuid4(),
        "email": EMAIL,
        "hashed_password": PasswordHelper().hash(os.environ["ADMIN_PASSWORD"]),
        "is_active": True,
        "is_superuser": True,
        "is_verified": True,
    }
    op.bulk_insert(users, [admin])


def downgrade() -> None:
    op.execute(users.delete().where(users.c.email == EMAIL))
