"""What several rules share: what FastAPI Users 8 had in place of a transport and a strategy."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator

from fastapi_users_db_cli.facts import FU, Facts
from fastapi_users_db_cli.project import is_of
from fastapi_users_db_cli.rule import Change, Finding
from fastapi_users_db_cli.rules.moving import unread
from fastapi_users_db_cli.rules.places import arguments
from fastapi_users_db_cli.source import Source

__all__ = ["authentication"]

Transport = Callable[[Change, Source, dict[str, str]], str]
_MODULE = "fastapi_users.authentication"
_SUBCLASS = "a class derives from it: write a transport and a strategy of your own"
_LOGIN = "its login answers otherwise now"


def authentication(
    facts: Facts, cls: str, parameters: Collection[str], transport: Transport
) -> Iterator[Finding]:
    """Find what is made of a class, what derives from it, and what names it."""
    for source, node in [
        each
        for name in facts.project.names_of(FU)
        if is_of(name, FU, cls)
        for each in facts.project.references(name)
    ]:
        parent = source.parents[node]
        if isinstance(parent, ast.ClassDef):
            yield Finding(source, node, message=_SUBCLASS, fix="manual")
        elif isinstance(parent, ast.Call) and parent.func is node:
            yield _made(facts, source, parent, parameters, transport)
            yield from _logins(facts, source, parent)
        else:
            change = Change(facts.project)
            change.replace(source, node, change.name(source, f"{_MODULE}.AuthenticationBackend"))
            yield Finding(source, node, change)
    yield from unread(facts, cls)


def _made(
    facts: Facts,
    source: Source,
    call: ast.Call,
    parameters: Collection[str],
    transport: Transport,
) -> Finding:
    given = arguments(call, parameters)
    if given is None or "secret" not in given or "#" in source.code(call):
        write = "AuthenticationBackend(name=..., transport=..., get_strategy=...)"
        return Finding(source, call, fix="manual", write=write)
    texts = {name: source.code(value) for name, value in given.items()}
    change = Change(facts.project)
    backend = change.name(source, f"{_MODULE}.AuthenticationBackend")
    lifetime = texts.get("lifetime_seconds", "None")
    audience = texts.get("token_audience")
    inner = f"secret={texts['secret']}, lifetime_seconds={lifetime}"
    inner += f", token_audience={audience}" if audience else ""
    name = texts.get("name", '"cookie"' if "cookie_name" in parameters else '"jwt"')
    carried = transport(change, source, texts)
    strategy = change.name(source, f"{_MODULE}.JWTStrategy")
    outer = source.newline + source.indent(source.statement(call))
    lines = [f"name={name}", f"transport={carried}", f"get_strategy=lambda: {strategy}({inner})"]
    text = f"{backend}({''.join(f'{outer}{source.step}{line},' for line in lines)}{outer})"
    change.replace(source, call, text)
    return Finding(source, call, change)


def _logins(facts: Facts, source: Source, call: ast.Call) -> Iterator[Finding]:
    """Find where the app calls its `get_login_response` itself."""
    for caller in facts.project:
        for part in caller.all(ast.Attribute):
            if part.attr == "get_login_response":
                name = facts.project.resolve(caller, part.value)
                if facts.project.definition(name) is call:
                    write = f"await {caller.code(part.value)}.login(strategy, user)"
                    yield Finding(caller, part, message=_LOGIN, fix="manual", write=write)
