"""The kinds of tables that apps have: on any stack, with upstream's mixins or with ours.

The models of the old forms take whatever a column takes: their fields are made of `FIELDS`.
"""

import enum
from types import SimpleNamespace
from typing import Any

import fastapi_users.db  # noqa: F401  # upstream depends on this order
import fastapi_users_db_sqlalchemy as package
import sqlalchemy as sa
from fastapi_users_db_sqlalchemy import access_token
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import declarative_base, relationship

__all__ = ["FIELDS", "Color", "declare"]


try:
    from fastapi_users_db_sqlalchemy.generics import TIMESTAMPAware
except ImportError:  # upstream 1 has none yet
    TIMESTAMPAware = sa.DateTime


class Color(enum.Enum):
    red = 1
    blue = 2


class Role(str, enum.Enum):
    admin = "admin"
    guest = "guest"


TYPED = {
    "settings": sa.JSON,
    "credit": sa.Numeric(8, 2),
    "ratio": sa.Float,
    "seen": sa.DateTime,
    "born": sa.Date,
    "rises": sa.Time,
    "lasting": sa.Interval,
    "color": sa.Enum(Color),
    "role": sa.Enum(Role),
    "level": sa.Enum("low", "high", name="level"),
    "photo": sa.LargeBinary,
    "big": sa.BigInteger,
    "flag": sa.Boolean,
    "note": sa.Text,
    "other": package.GUID,
}
POSTGRESQL = {
    "tags": postgresql.ARRAY(sa.String),
    "numbers": postgresql.ARRAY(sa.Integer),
    "pairs": postgresql.HSTORE,
    "binary": postgresql.JSONB,
    "plain": postgresql.JSON,
    "text_id": postgresql.UUID,
    "address": postgresql.INET,
}
TIMES = {
    "seen": sa.DateTime,
    "aware": TIMESTAMPAware(timezone=True),
    "bare": TIMESTAMPAware,
}
DEFAULTS = {
    "plan": lambda: sa.Column(sa.String(9), server_default="free", nullable=False),
    "made": lambda: sa.Column(sa.Integer, default=lambda: 7, nullable=False),
    "touched": lambda: sa.Column(sa.String(9), onupdate="again"),
    "doubled": lambda: sa.Column(sa.Integer, sa.Computed("made * 2")),
}
FIELDS = {
    "typed": [*TYPED],
    "postgresql": [*POSTGRESQL],
    "times": [*TIMES],
    "defaults": [],
    "keyed": ["alias", "renamed"],
    "reflected": [],
    "schema": [],
    "text": [],
    "numbers": [],
}
"""The kinds, and the fields that the models have besides `nick`."""


def _columns(kind: str, form: str) -> dict[str, Any]:
    made = {"typed": TYPED, "postgresql": POSTGRESQL, "times": TIMES}.get(kind, {})
    if kind == "times" and form == "databases":
        made = {**TIMES, "aware": sa.DateTime(timezone=True), "bare": sa.DateTime}
    columns = {name: sa.Column(type_) for name, type_ in made.items()}
    if kind == "defaults":
        columns = {name: make() for name, make in DEFAULTS.items()}
    if kind == "keyed":
        columns = {
            "alias": sa.Column("alias_name", sa.String(20), key="alias"),
            "renamed": sa.Column("renamed", sa.String(20)),
        }
    return {"nick": sa.Column(sa.String(20)), **columns}


def declare(kind: str, form: str) -> SimpleNamespace:
    """Declare the tables of one kind."""
    suffix = "UUID" if form == "current" else ""
    ids = {"text": sa.String(36), "numbers": sa.Integer}.get(kind)
    if ids is not None and form == "current":
        suffix = ""
    base: Any = declarative_base()
    user, account, token = (
        getattr(module, name + suffix)
        for module, name in (
            (package, "SQLAlchemyBaseUserTable"),
            (package, "SQLAlchemyBaseOAuthAccountTable"),
            (access_token, "SQLAlchemyBaseAccessTokenTable"),
        )
    )

    def own(key: bool, target: str = "user.id") -> dict[str, Any]:
        """Return the columns that the app declares itself."""
        found: dict[str, Any] = {}
        if kind == "schema":
            found["__table_args__"] = {"schema": "app"}
            target = "app." + target
        if ids is not None and key:
            found["id"] = sa.Column(ids, primary_key=True)
        if ids is not None or kind == "schema":
            type_ = package.GUID if ids is None else ids
            found["user_id"] = sa.Column(
                type_, sa.ForeignKey(target, ondelete="cascade"), nullable=False
            )
        return found

    of_user = {key: value for key, value in own(True).items() if key != "user_id"}
    accounts = relationship("OAuthAccount", lazy="joined", cascade="all, delete-orphan")
    times = {"created_at": sa.Column(sa.DateTime, nullable=False)} if kind == "times" else {}
    return SimpleNamespace(
        metadata=base.metadata,
        User=type(
            "User", (user, base), {**of_user, **_columns(kind, form), "oauth_accounts": accounts}
        ),
        OAuthAccount=type("OAuthAccount", (account, base), own(True)),
        Token=type("Token", (token, base), {**own(False), **times}),
    )
