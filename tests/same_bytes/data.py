"""What is written, changed and asked for, and `Reference`: what should be there afterwards."""

import uuid
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from typing import Any

Values = dict[str, Any]
Call = tuple[Any, ...]

BCRYPT = "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"
MARIA, CASE, LONG, PLAIN, NEW = (uuid.UUID(int=n << 120, version=4) for n in range(1, 6))
UTC = timezone.utc


def user(id: uuid.UUID, email: str, *accounts: Values, **values: Any) -> Values:
    defaults = {
        "hashed_password": BCRYPT,
        "is_active": True,
        "is_superuser": False,
        "is_verified": False,
        "name": None,
    }
    return {**defaults, "id": id, "email": email, **values, "oauth_accounts": list(accounts)}


def account(number: int, **values: Any) -> Values:
    defaults = {
        "id": uuid.UUID(int=number, version=4),
        "oauth_name": "google",
        "access_token": f"access-{number}",
        "expires_at": None,
        "refresh_token": None,
        "account_id": f"Account-{number}",
        "account_email": f"Account{number}@example.org",
    }
    return {**defaults, **values}


def token(name: str, user_id: uuid.UUID, created_at: datetime) -> Values:
    return {"token": name.ljust(43, "_"), "user_id": user_id, "created_at": created_at}


USERS = [
    user(
        MARIA,
        "maria.muñoz@example.org",
        account(1, expires_at=2147483647, refresh_token="", access_token="𠮷 🔑"),
        account(2, oauth_name="GitHub", expires_at=0, refresh_token="Ünïcode"),
        is_verified=True,
        name="María Muñoz 𠮷 👩‍🚀",
    ),
    user(CASE, "Upper.And.lower@example.org", is_superuser=True, name=""),
    user(
        LONG,
        f"{'l' * 64}@{'d' * 60}.{'d' * 60}.example.org",
        account(3, access_token="t" * 1024, refresh_token="r" * 1024, expires_at=-1),
        hashed_password="h" * 72,
        name="n" * 100,
    ),
    user(PLAIN, "plain+tag@example.org", is_active=False),
]
TOKENS = [
    token("microseconds-AbC-1", MARIA, datetime(2021, 11, 24, 23, 59, 59, 654321, tzinfo=UTC)),
    token("seconds-abc-2", MARIA, datetime(2022, 2, 28, tzinfo=UTC)),
    token("old-3", CASE, datetime(1999, 12, 31, 12, 30, 1, 1, tzinfo=UTC)),
]
WRITES: list[Call] = [
    *(("create_user", user) for user in USERS),
    *(("create_token", token) for token in TOKENS),
]

CHANGES: list[Call] = [
    ("create_user", user(NEW, "𠮷new@example.org", account(5), account(6), name="🆕")),
    ("update_user", CASE, {"email": "lower.and.UPPER@example.org", "name": None}),
    ("update_user", PLAIN, {"is_active": True, "is_superuser": True, "is_verified": True}),
    ("update_user", PLAIN, {"name": "\U0001f600 pläin", "hashed_password": BCRYPT[::-1]}),
    ("update_user", MARIA, {"is_verified": False, "name": ""}),
    ("add_account", PLAIN, account(4, expires_at=1, refresh_token="new")),
    ("update_account", MARIA, account(1)["id"], {"access_token": "🗝", "expires_at": None}),
    ("update_account", MARIA, account(2)["id"], {"refresh_token": None}),
    ("set_accounts", NEW, [account(6, refresh_token="kept"), account(7)]),
    ("delete_user", LONG),
    ("create_token", token("new-4", NEW, datetime(2026, 1, 1, 0, 0, 0, 999999, tzinfo=UTC))),
    ("update_token", TOKENS[0]["token"], {"created_at": datetime(2025, 5, 5, 5, 5, 5, 5, UTC)}),
    ("update_token", TOKENS[2]["token"], {"user_id": NEW}),
    ("delete_token", TOKENS[1]["token"]),
]


class Reference:
    """The calls that all programs answer, on two dicts.

    Parameters:
        microseconds: whether the database keeps them.
        returns_given: whether who writes a token gets back the object that was given, as in the
            old forms, and not what is stored of it.
    """

    def __init__(self, *, microseconds: bool, returns_given: bool) -> None:
        self.microseconds = microseconds
        self.returns_given = returns_given
        self.users: dict[uuid.UUID, Values] = {}
        self.tokens: dict[str, Values] = {}

    def ask(self, calls: Iterable[Call]) -> list[Any]:
        """Make calls, and return what each returns."""
        return [
            deepcopy(getattr(self, method)(*deepcopy(arguments))) for method, *arguments in calls
        ]

    def questions(self) -> list[Call]:
        """Return a call of every public reading method for everything that is there, or not."""
        users, tokens = self.users.values(), self.tokens.values()
        accounts = [account for user in users for account in user["oauth_accounts"]]
        second = timedelta(seconds=1)
        return [
            *(("get", user_id) for user_id in (*self.users, uuid.UUID(int=99, version=4))),
            *(("get_by_email", email) for email in [user["email"] for user in users]),
            *(("get_by_email", user["email"].swapcase()) for user in users if _ascii(user)),
            ("get_by_email", "nobody@example.org"),
            *(("get_by_oauth_account", a["oauth_name"], a["account_id"]) for a in accounts),
            ("get_by_oauth_account", "google", "unknown"),
            *(("get_by_token", token) for token in (*self.tokens, "unknown")),
            *(("get_by_token", t["token"], t["created_at"]) for t in tokens),
            *(("get_by_token", t["token"], t["created_at"] + second) for t in tokens),
        ]

    def get(self, id: uuid.UUID) -> Values | None:
        return self.users.get(id)

    def get_by_email(self, email: str) -> Values | None:
        return self._user(lambda user: user["email"].lower() == email.lower())

    def get_by_oauth_account(self, oauth: str, account_id: str) -> Values | None:
        def is_linked(user: Values) -> bool:
            accounts = user["oauth_accounts"]
            return any((a["oauth_name"], a["account_id"]) == (oauth, account_id) for a in accounts)

        return self._user(is_linked)

    def create_user(self, values: Values) -> Values:
        self.users[values["id"]] = values
        return self._changed(values["id"])

    def update_user(self, id: uuid.UUID, values: Values) -> Values:
        self.users[id].update(values)
        return self._changed(id)

    def delete_user(self, id: uuid.UUID) -> None:
        del self.users[id]

    def set_accounts(self, id: uuid.UUID, accounts: list[Values]) -> Values:
        self.users[id]["oauth_accounts"] = accounts
        return self._changed(id)

    def add_account(self, id: uuid.UUID, account: Values) -> Values:
        self.users[id]["oauth_accounts"].append(account)
        return self._changed(id)

    def update_account(self, id: uuid.UUID, account_id: uuid.UUID, values: Values) -> Values:
        accounts = self.users[id]["oauth_accounts"]
        next(a for a in accounts if a["id"] == account_id).update(values)
        return self._changed(id)

    def get_by_token(self, token: str, max_age: datetime | None = None) -> Values | None:
        found = self.tokens.get(token)
        if found is None or (max_age is not None and found["created_at"] < max_age):
            return None
        return found

    def create_token(self, values: Values) -> Values:
        self.tokens[values["token"]] = {**values}
        return self._changed_token(values["token"], values)

    def update_token(self, token: str, values: Values) -> Values:
        self.tokens[token].update(values)
        return self._changed_token(token, values)

    def delete_token(self, token: str) -> None:
        del self.tokens[token]

    def _user(self, matches: Any) -> Values | None:
        return next(filter(matches, self.users.values()), None)

    def _changed(self, id: uuid.UUID) -> Values:
        self.users[id]["oauth_accounts"].sort(key=lambda account: str(account["id"]))
        return self.users[id]

    def _changed_token(self, token: str, given: Values) -> Values:
        stored = self.tokens[token]
        if not self.microseconds:
            stored["created_at"] = stored["created_at"].replace(microsecond=0)
        return {**stored, **given} if self.returns_given else stored


def _ascii(user: Values) -> bool:
    # What the case of other letters is, is up to the database.
    return str(user["email"]).isascii()


def in_utc(answers: Any) -> Any:
    """Return answers with naive datetimes taken as UTC, which is what upstream means by them."""
    if isinstance(answers, datetime):
        return answers.replace(tzinfo=answers.tzinfo or UTC).astimezone(UTC)
    if isinstance(answers, dict):
        return {key: in_utc(value) for key, value in answers.items()}
    return [in_utc(value) for value in answers] if isinstance(answers, list) else answers
