"""What `--reversible` brings into an app at step 3, and step 5 takes out again.

It is what the guide shows: a password helper whose hashes FastAPI Users 12 and older can read, and
a strategy whose tokens they can read. It works on its own, so it is the same text in every app.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from fastapi_users_db_cli.facts import FU, SHIM, Facts
from fastapi_users_db_cli.rule import Change
from fastapi_users_db_cli.rules.upstream import is_upstream
from fastapi_users_db_cli.source import FUNCTIONS, Edit, Source

__all__ = [
    "BCRYPT",
    "HELPER",
    "MARK",
    "PASSWORDS",
    "SESSIONS",
    "STRATEGY",
    "has",
    "helper_calls",
    "insert",
    "is_wanted",
    "taken_out",
]

MARK = "# The way back from step 3: fastapi-users-db migrate --step 5 takes it out."
BCRYPT, HELPER = "ReversibleBcrypt", "reversible_password_helper"
STRATEGY = "ReversibleJWTStrategy"
PASSWORDS = '''\
class ReversibleBcrypt({BcryptHasher}):
    """bcrypt as FastAPI Users 12 and older use it: it ignores what follows the 72nd byte."""

    def hash(self, password, *, salt=None):
        return super().hash(self.first_72_bytes(password), salt=salt)

    def verify(self, password, hash):
        return super().verify(self.first_72_bytes(password), hash)

    def first_72_bytes(self, password):
        return (password.encode() if isinstance(password, str) else password)[:72]


# The first one hashes; both verify. What is not the first one's is hashed again at login.
reversible_password_helper = {PasswordHelper}(
    {PasswordHash}((ReversibleBcrypt(), {Argon2Hasher}()))
)
'''
SESSIONS = '''\
class ReversibleJWTStrategy({JWTStrategy}[{UP}, {ID}]):
    """Write the user's id as FastAPI Users 9 and as 15 expect it, and read either."""

    async def read_token(self, token, user_manager):
        audience, algorithms = self.token_audience, [self.algorithm]
        try:
            data = {decode_jwt}(token or "", self.decode_key, audience, algorithms=algorithms)
            user_id = user_manager.parse_id(data.get("sub") or data["user_id"])
            return await user_manager.get(user_id)
        except ({PyJWTError}, KeyError, {InvalidID}, {UserNotExists}):
            return None

    async def write_token(self, user):
        user_id = str(user.id)
        data = {{"sub": user_id, "user_id": user_id, "aud": self.token_audience}}
        return {generate_jwt}(data, self.encode_key, self.lifetime_seconds, self.algorithm)
'''
_NAMES = {
    PASSWORDS: (
        "fastapi_users.password.PasswordHelper",
        "pwdlib.PasswordHash",
        "pwdlib.hashers.argon2.Argon2Hasher",
        "pwdlib.hashers.bcrypt.BcryptHasher",
    ),
    SESSIONS: (
        "fastapi_users.exceptions.InvalidID",
        "fastapi_users.exceptions.UserNotExists",
        "fastapi_users.jwt.decode_jwt",
        "fastapi_users.jwt.generate_jwt",
        "fastapi_users.models.ID",
        "fastapi_users.models.UP",
        "jwt.PyJWTError",
    ),
}


def is_wanted(facts: Facts) -> bool:
    """Tell whether a way back is asked for, and the app has not gone the way yet."""
    if not facts.project.is_reversible:
        return False
    is_begun = any(has(source, BCRYPT) or has(source, STRATEGY) for source in facts.project)
    names = facts.project.names_of(FU | SHIM)
    return facts.is_legacy or is_begun or any(map(is_upstream, names))


def has(source: Source, name: str) -> bool:
    """Tell whether a file has what was brought into it."""
    return isinstance(source.module_scope.names.get(name), ast.ClassDef)


def insert(
    change: Change, source: Source, uses: list[ast.AST], block: str, given: Mapping[str, str]
) -> None:
    """Bring a block into a file, before the first statement that has one of some uses in it."""
    names = {name.rpartition(".")[2]: change.name(source, name) for name in _NAMES[block]}
    text = f"{MARK}\n{block.format(**names, **given)}\n\n"
    first = min(source.start(_outermost(source, use)) for use in uses)
    line = source.line_start(first)
    while line and source.data[source.line_start(line - 1) : line].startswith(b"#"):
        line = source.line_start(line - 1)
    change.edits.append(source.insert(line, text.replace("\n", source.newline)))


def _outermost(source: Source, node: ast.AST) -> ast.AST:
    while source.parents[node] is not source.tree:
        node = source.parents[node]
    return node


def taken_out(source: Source, name: str, last: ast.stmt) -> Edit:
    """Return the edit that takes a block out, from its mark to the next statement."""
    node = source.module_scope.names[name]
    assert isinstance(node, ast.ClassDef)
    start = source.line_start(source.start(node))
    above = source.line_start(start - 1)
    if source.data[above:start].strip() == MARK.encode():
        start = above
    end = source.line_end(source.end(last) - 1)
    while end < len(source.data) and not source.data[end : source.line_end(end)].strip():
        end = source.line_end(end)
    return source.replace_between(start, end, "")


def helper_calls(facts: Facts) -> Iterator[tuple[Source, ast.ClassDef, list[ast.Call]]]:
    """Go through the managers of the app, with the calls that give each its password helper."""
    calls: dict[str, list[tuple[Source, ast.Call]]] = {}
    for source in facts.project:
        for call in source.all(ast.Call):
            name = facts.project.resolve(source, call.func)
            if name:
                calls.setdefault(name, []).append((source, call))
    for source, node, name in facts.managers:
        makers = [
            each for each in facts.project.ancestors(name) if facts.project.method(each, "__init__")
        ]
        if not makers:
            made = calls.get(name, [])
            by_source: dict[str, list[ast.Call]] = {}
            for place, call in made:
                by_source.setdefault(place.path, []).append(call)
            for path, here in by_source.items():
                yield facts.project.sources[path], node, here
            if not made:
                yield source, node, []
        elif makers[0] == name:
            init = facts.project.method(name, "__init__")
            supers = [call for call in source.all(ast.Call) if _is_super_init(call)]
            yield (
                source,
                node,
                [each for each in supers if source.enclosing(each, *FUNCTIONS) is init],
            )


def _is_super_init(call: ast.Call) -> bool:
    func = call.func
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "__init__"
        and isinstance(func.value, ast.Call)
        and isinstance(func.value.func, ast.Name)
        and func.value.func.id == "super"
    )
