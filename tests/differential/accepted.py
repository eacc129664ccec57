"""In what the shim answers otherwise than upstream's releases, and why.

Each entry names the forms, the methods, the kind, and both outcomes: nothing else is accepted. The
page docs/migrating/legacy.md shows the list, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["ACCEPTED", "FORMS", "METHODS", "Accepted", "Call", "outcomes", "table"]

FORMS = {"databases": "`databases`", "legacy-orm": "legacy ORM", "current": "current"}
# What the programs call, and the method of the adapters that it tries.
METHODS = {
    "create": "create",
    "create_constructed": "create",
    "create_any": "create",
    "create_without": "create",
    "get": "get",
    "get_again": "get",
    "get_first": "the hook",
    "get_made": "the hook",
    "get_by_email": "get_by_email",
    "get_by_oauth_account": "get_by_oauth_account",
    "update": "update",
    "update_part": "update",
    "update_constructed": "update",
    "update_any": "update",
    "update_without": "update",
    "update_mock": "update",
    "get_alias": "the constructor",
    "link": "update",
    "delete": "delete",
    "delete_any": "delete",
    "create_token": "create (token)",
    "get_token": "get_by_token",
    "update_token": "update (token)",
    "delete_token": "delete (token)",
    "rows": "the rows afterwards",
}


@dataclass(frozen=True)
class Call:
    """One call of a program, with both answers."""

    form: str
    method: str
    arguments: list[Any]
    upstream: dict[str, Any]
    ours: dict[str, Any]


def outcomes(upstream: dict[str, Any], ours: dict[str, Any]) -> tuple[str, str] | None:
    """Return in what two answers differ, or `None`: the errors, or the parts of what is returned.

    An error of ours that is upstream's too is the same.
    """
    if "error" in upstream and "error" in ours:
        is_same = upstream["error"][0] in ours["error"]
        return None if is_same else (upstream["error"][0], ours["error"][0])
    if "error" in upstream or "error" in ours:
        return tuple(answer.get("error", ["an answer"])[0] for answer in (upstream, ours))  # type: ignore[return-value]
    if upstream == ours:
        return None
    fields = [answer.get("fields") or {} for answer in (upstream, ours)]
    parts = sorted(
        {"is_given", "type", "private", "accounts"}
        & {k for k in {*upstream, *ours} if upstream.get(k) != ours.get(k)}
    )
    names = sorted({*fields[0], *fields[1]})
    parts += [name for name in names if fields[0].get(name) != fields[1].get(name)]
    return "an answer", "another: " + ", ".join(parts)


@dataclass(frozen=True)
class Accepted:
    """A difference that is on purpose.

    Attributes:
        kind: what the page calls it.
        reason: why it is better so.
        forms: the forms.
        methods: what the programs call.
        upstream: what upstream raises, `an answer` if it does not.
        ours: the same of ours, or several with ` or `; or `another: ` and the parts in which it
            may differ, `another` if in all.
    """

    kind: str
    reason: str
    forms: tuple[str, ...]
    methods: tuple[str, ...]
    upstream: tuple[str, ...]
    ours: str

    def is_one(self, call: Call) -> bool:
        """Tell whether a call differs in this."""
        found = outcomes(call.upstream, call.ours)
        if found is None or call.form not in self.forms or call.method not in self.methods:
            return False
        theirs, ours = found
        if self.ours == "another" and ours.startswith("another: "):
            return theirs in self.upstream
        if self.ours.startswith("another: ") and ours.startswith("another: "):
            parts, may = ours[9:].split(", "), self.ours[9:].split(", ")
            return theirs in self.upstream and {*parts} <= {*may}
        return theirs in self.upstream and ours in self.ours.split(" or ")

    @property
    def row(self) -> str:
        """The row of the page's table."""
        methods = dict.fromkeys(METHODS[method] for method in self.methods)
        cells = [
            self.kind,
            ", ".join(FORMS[form] for form in self.forms),
            ", ".join(f"`{method}`" for method in methods),
            _names(self.upstream),
            self.ours if self.ours.startswith("another") else _names(self.ours.split(" or ")),
            self.reason,
        ]
        return f"| {' | '.join(cells)} |"


def _names(outcomes: Iterable[str]) -> str:
    return " or ".join(f"`{name}`" if name != "an answer" else name for name in outcomes)


LEGACY = ("databases", "legacy-orm")
ALL = (*LEGACY, "current")
UPDATES = ("update", "update_part", "update_constructed", "update_any", "update_without", "link")
CREATES = ("create", "create_constructed")
READS = ("get", "get_again", "get_by_email", "get_by_oauth_account", "get_token")
ANSWER = "an answer"

ACCEPTED = [
    Accepted(
        "what is no user, or no token",
        "ours says what to call",
        ALL,
        ("create_any", *UPDATES, "delete", "delete_any", "update_token", "delete_token"),
        ("AttributeError", "UnmappedInstanceError"),
        "TypeError",
    ),
    Accepted(
        "a user that is gone",
        "upstream writes nothing and reports a success, or fails obscurely",
        ALL,
        UPDATES,
        (
            *(ANSWER, "AttributeError", "InvalidRequestError", "IntegrityError", "TypeError"),
            *("ForeignKeyViolationError", "ForeignKeyViolation", "DataError", "StaleDataError"),
            *("ObjectDeletedError", "UniqueViolationError", "UniqueViolation"),
        ),
        "UserNotFoundError",
    ),
    Accepted(
        "a mock of `Database`, with columns whose values the database may change",
        "ours asks for them, and the mock has none",
        ("databases",),
        ("update_mock",),
        (ANSWER,),
        "UserNotFoundError",
    ),
    Accepted(
        "a token that is gone",
        "upstream writes nothing and reports a success",
        ALL,
        ("update_token",),
        (ANSWER, "InvalidRequestError", "StaleDataError", "ObjectDeletedError"),
        "AccessTokenNotFoundError",
    ),
    Accepted(
        "a token of nobody, on SQLite",
        "where foreign keys are not enforced it would outlive its user",
        ALL,
        ("create_token",),
        (ANSWER,),
        "UserNotFoundError",
    ),
    Accepted(
        "`None` or a number, on PostgreSQL",
        "it finds nobody, or whose number it is, on every database",
        ALL,
        READS,
        ("DataError", "ProgrammingError", "DBAPIError", "UndefinedFunction"),
        ANSWER,
    ),
    Accepted(
        "OAuth accounts without a table",
        "a login that finds nobody would register somebody anew; what is given is not dropped",
        ("legacy-orm",),
        ("create_without", "update_without", "get_by_oauth_account"),
        (ANSWER, "IntegrityError", "AttributeError"),
        "NotSetOAuthAccountTableError",
    ),
    Accepted(
        "a new user with OAuth accounts, without a table",
        "the error is upstream's, who has written the user when it comes",
        ("databases",),
        ("create_without",),
        (ANSWER,),
        "another: is_there",
    ),
    Accepted(
        "a user with OAuth accounts who is there already, without a table",
        "ours has not asked the database",
        ("databases",),
        ("create_without",),
        ("IntegrityError", "UniqueViolationError", "UniqueViolation"),
        "NotSetOAuthAccountTableError",
    ),
    Accepted(
        "an alias of a table",
        "it cannot be written: ours says so at once",
        ("databases",),
        ("get_alias",),
        (ANSWER, "ValidationError", "ProgrammingError", "DataError", "UndefinedFunction"),
        "TypeError",
    ),
    Accepted(
        "an object after an error",
        "it stays readable",
        ("current",),
        ("get_again",),
        ("MissingGreenlet", "StatementError"),
        ANSWER,
    ),
    Accepted(
        "an object after a rollback of the app's own",
        "neither reads it: upstream's is in the session, in the way of another of its id",
        ("current",),
        ("get_again",),
        ("MissingGreenlet",),
        "DetachedInstanceError",
    ),
    Accepted(
        "text for an id that is a number",
        "it is no id, on every database",
        ("current",),
        ("get",),
        (ANSWER, "ProgrammingError", "DBAPIError"),
        "InvalidIDError",
    ),
    Accepted(
        "text for an id that is a number",
        "neither takes it",
        ("legacy-orm",),
        ("get",),
        ("ProgrammingError",),
        "DBAPIError",
    ),
    Accepted(
        "defaults of Python's in the table",
        "`databases` does not know them: ours applies them",
        ("databases",),
        (*CREATES, "create_without", *UPDATES),
        ("IntegrityError", "NotNullViolationError", "NotNullViolation", "AttributeError"),
        ANSWER,
    ),
    Accepted(
        "defaults of Python's in the table, and a text that is too long",
        "the same: ours comes as far as the text",
        ("databases",),
        (*CREATES, *UPDATES),
        ("IntegrityError", "NotNullViolationError", "NotNullViolation"),
        "DataError or StringDataRightTruncationError or StringDataRightTruncation",
    ),
    Accepted(
        "addresses that differ only by case",
        "upstream locks all of them out",
        ("current",),
        ("get_by_email",),
        ("MultipleResultsFound",),
        ANSWER,
    ),
    Accepted(
        "addresses that differ only by case",
        "of these upstream returns any; the one that is asked for comes first",
        LEGACY,
        ("get_by_email",),
        (ANSWER,),
        "another",
    ),
    Accepted(
        "`NULL` in `TIMESTAMPAware`",
        "upstream 3 cannot read it",
        ("legacy-orm",),
        (*CREATES, *UPDATES, *READS),
        ("AttributeError",),
        ANSWER,
    ),
    Accepted(
        "a naive time for an aware column, on PostgreSQL",
        "it is taken for UTC, as on the others",
        ("legacy-orm", "current"),
        (*CREATES, *UPDATES, "create_token", "update_token"),
        ("DBAPIError",),
        ANSWER,
    ),
    Accepted(
        "the time of an access token, on SQLite and MariaDB",
        "it is aware, as on PostgreSQL, and as upstream has it since 2",
        ("databases",),
        ("get_token",),
        (ANSWER,),
        "another: created_at",
    ),
    Accepted(
        "a moment in another zone, on SQLite and MariaDB",
        "upstream stores and compares the hour and not the moment",
        ALL,
        ("create_token", "get_token", "rows"),
        (ANSWER,),
        "another: accesstoken, accounts, created_at, is_given, oauth_account, private, token, "
        "type, user_id",
    ),
    Accepted(
        "one external account twice",
        "two rows lock their users out: the link is updated, another user's is refused",
        ("databases",),
        ("link", *CREATES),
        (ANSWER, "IntegrityError", "UniqueViolationError", "UniqueViolation"),
        "OAuthAccountAlreadyLinkedError",
    ),
    Accepted(
        "one external account twice",
        "the link is updated",
        ("current",),
        ("link",),
        ("IntegrityError",),
        ANSWER,
    ),
    Accepted(
        "an OAuth account twice in one list",
        "upstream has deleted all when it fails",
        ("databases",),
        ("link",),
        ("IntegrityError", "UniqueViolationError", "UniqueViolation"),
        "InvalidValueError",
    ),
    Accepted(
        "OAuth accounts in `update(user)`",
        "upstream drops new ones without a word",
        ("legacy-orm",),
        UPDATES,
        (ANSWER,),
        "another: accounts",
    ),
    Accepted(
        "an OAuth account of another user's",
        "upstream moves it, or drops it, without a word",
        ("legacy-orm", "current"),
        UPDATES,
        (ANSWER, "IntegrityError"),
        "OAuthAccountAlreadyLinkedError",
    ),
    Accepted(
        "values that the database converts",
        "they are as they are stored: upstream returns what was given until the session ends",
        ("legacy-orm", "current"),
        (*CREATES, *UPDATES, *READS),
        (ANSWER,),
        "another: accounts, address, aware, bare, big, color, credit, flag, other, ratio, role, "
        "seen, text_id, touched",
    ),
    Accepted(
        "a text that is too long",
        "ours names the column",
        ALL,
        (*CREATES, *UPDATES),
        ("IntegrityError", "DataError", "DBAPIError", "StringDataRightTruncationError"),
        "ColumnTooNarrowError",
    ),
    Accepted(
        "a model that refuses its own row",
        "nothing is written that could not be read again",
        ("legacy-orm",),
        (*CREATES, *UPDATES),
        (ANSWER, "AttributeError"),
        "ValidationError",
    ),
    Accepted(
        "a user whom its model has refused",
        "upstream has written whom it cannot read",
        ("legacy-orm",),
        (*READS, *CREATES),
        ("ValidationError", "IntegrityError"),
        ANSWER,
    ),
    Accepted(
        "OAuth accounts of who was deleted, on SQLite",
        "they would log in to nothing; the legacy ORM form also writes new ones",
        ALL,
        ("rows",),
        (ANSWER,),
        "another: oauth_account",
    ),
    Accepted(
        "`onupdate` of a column where nothing else changed",
        "flags are always written: another may have changed them",
        ("legacy-orm", "current"),
        ("rows",),
        (ANSWER,),
        "another: oauth_account, user",
    ),
]


def table() -> str:
    """Return the table of the page."""
    head = "| What | Form | Method | Upstream | Ours | Why |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(accepted.row for accepted in ACCEPTED)])
