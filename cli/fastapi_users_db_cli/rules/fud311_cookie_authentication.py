"""`CookieAuthentication` is a transport and a strategy.

What derives from it, and what calls its `get_login_response`, is written by hand.

Before:

    from fastapi_users.authentication import CookieAuthentication

    cookie = CookieAuthentication("secret", 3600, cookie_secure=False)

After:

    from fastapi_users.authentication import AuthenticationBackend, CookieTransport, JWTStrategy

    cookie = AuthenticationBackend(
        name="cookie",
        transport=CookieTransport(cookie_max_age=3600, cookie_secure=False),
        get_strategy=lambda: JWTStrategy(secret="secret", lifetime_seconds=3600),
    )
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Rule
from fastapi_users_db_cli.rules.authentication import authentication
from fastapi_users_db_cli.source import Source

_PARAMETERS = (
    "secret",
    "lifetime_seconds",
    "cookie_name",
    "cookie_path",
    "cookie_domain",
    "cookie_secure",
    "cookie_httponly",
    "cookie_samesite",
    "name",
    "token_audience",
)


def find(facts: Facts) -> Iterator[Finding]:
    yield from authentication(facts, "CookieAuthentication", _PARAMETERS, _transport)


def _transport(change: Change, source: Source, given: dict[str, str]) -> str:
    cookie = change.name(source, "fastapi_users.authentication.CookieTransport")
    options = {"cookie_max_age": given["lifetime_seconds"]} if "lifetime_seconds" in given else {}
    options |= {name: text for name, text in given.items() if name.startswith("cookie_")}
    return f"{cookie}({', '.join(f'{name}={text}' for name, text in options.items())})"


RULE = Rule(
    code="FUD311",
    step=3,
    fix="safe",
    title="`CookieAuthentication` is used",
    why="FastAPI Users 9.0 has no such class: the import fails.",
    find=find,
    text=__doc__,
)
