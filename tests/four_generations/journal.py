"""The journal of acknowledged writes, and its comparison with what is read and what is stored."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text


@dataclass(eq=False)
class User:
    """What has been acknowledged about a user.

    Attributes:
        pair: the value of both `first` and `second`, which are always written together.
        tokens: the access tokens that are valid, oldest first.
        linked: the access token of the user's OAuth account.
    """

    number: int
    round: int
    email: str
    password: str
    pair: int
    id: str = ""
    tokens: list[str] = field(default_factory=list)
    linked: str | None = None

    @property
    def account_id(self) -> str:
        return f"account-{self.number}"


class Journal:
    """What must be there.

    Attributes:
        users: those whom one generation at a time changes.
        contested: those whom all of them change at once; their last write is one of
            `contested_pairs`.
        lost: acknowledged writes that are missing.
        mixed: values that belong to another row or to another write.
    """

    def __init__(self) -> None:
        self.users: list[User] = []
        self.contested: list[User] = []
        self.contested_pairs: set[int] = set()
        self.lost: list[str] = []
        self.mixed: list[str] = []

    def check_id(self, answer: dict[str, Any], user: User) -> None:
        """An answer must be about this user."""
        if answer["id"] != user.id:
            self.mixed.append(f"{user} was answered with {answer}")

    def check_pair(self, answer: dict[str, Any], user: User) -> None:
        """An answer must be about this user, and not show half of a write."""
        self.check_id(answer, user)
        if answer["first"] != answer["second"]:
            self.mixed.append(f"{user} has half of another write: {answer}")

    def check_user(self, answer: dict[str, Any], user: User) -> None:
        """An answer must show what was written last."""
        self.check_pair(answer, user)
        pairs = self.contested_pairs if user in self.contested else {user.pair}
        if answer["email"] != user.email or answer["first"] not in pairs:
            self.lost.append(f"{user} is {answer}")

    def check_account(self, answer: dict[str, Any], user: User) -> None:
        """An answer must show the user with its OAuth account as it was written last."""
        self.check_id(answer, user)
        if answer["access_tokens"] != [user.linked]:
            self.lost.append(f"the account of {user} is {answer}")

    def check_tables(self, connection: Connection) -> None:
        """The tables must hold what was acknowledged, all of it and nothing else."""
        everybody = [*self.users, *self.contested]
        rows = {str(row.id): row for row in connection.execute(text('SELECT * FROM "user"'))}
        for user in everybody:
            if user.id in rows:
                self.check_user({**rows[user.id]._mapping, "id": user.id}, user)
        self._check_equal("user", {user.id for user in everybody}, list(rows))

        tokens = connection.execute(text("SELECT token, user_id FROM accesstoken"))
        self._check_equal(
            "token",
            {(token, user.id) for user in everybody for token in user.tokens},
            [(row.token, str(row.user_id)) for row in tokens],
        )

        accounts = connection.execute(text("SELECT * FROM oauth_account"))
        self._check_equal(
            "account",
            {(user.account_id, user.linked, user.id) for user in self.users if user.linked},
            [(row.account_id, row.access_token, str(row.user_id)) for row in accounts],
        )

    def _check_equal(self, kind: str, acknowledged: set[Any], stored: list[Any]) -> None:
        self.lost.extend(f"{kind} {key} is gone" for key in acknowledged.difference(stored))
        self.mixed.extend(
            f"{kind} {key} was never written" for key in stored if key not in acknowledged
        )
        if len(stored) > len(set(stored)):
            self.mixed.append(f"there is the same {kind} twice")
