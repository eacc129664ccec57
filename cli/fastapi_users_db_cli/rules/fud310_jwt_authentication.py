"""`JWTAuthentication` is a transport and a strategy.

What derives from it, and what calls its `get_login_response`, is written by hand.

Before:

    from fastapi_users.authentication import JWTAuthentication

    jwt = JWTAuthentication(secret="secret", lifetime_seconds=3600, tokenUrl="login")

After:

    from fastapi_users.authentication import BearerTransport, AuthenticationBackend, JWTStrategy

    jwt = AuthenticationBackend(
        name="jwt",
        transport=BearerTransport(tokenUrl="login"),
        get_strategy=lambda: JWTStrategy(secret="secret", lifetime_seconds=3600),
    )
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.authentication import authentication
from fastapi_users_db_cli.source import Source

_PARAMETERS = ("secret", "lifetime_seconds", "tokenUrl", "name", "token_audience")


def find(facts: Facts) -> Iterator[Finding]:
    yield from authentication(facts, "JWTAuthentication", _PARAMETERS, _transport)


def _transport(change: Change, source: Source, given: dict[str, str]) -> str:
    bearer = change.name(source, "fastapi_users.authentication.BearerTransport")
    url = given.get("tokenUrl", '"auth/jwt/login"')
    return f"{bearer}(tokenUrl={url})"


RULE = Rule(
    code="FUD310",
    step=3,
    fix="safe",
    title="`JWTAuthentication` is used",
    why="FastAPI Users 9.0 has no such class: the import fails.",
    find=find,
    text=__doc__,
)
