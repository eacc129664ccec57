"""What a generation can be told to do, and what is entered in the journal when it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from tests.four_generations.journal import Journal, User

Answer = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    """A request to one generation.

    Attributes:
        name: method of the program's `Worker`.
        arguments: its arguments.
        status: the answer's status if all is well.
        acknowledge: what to do with the answer then.
    """

    name: str
    arguments: dict[str, Any]
    status: int = 200
    acknowledge: Callable[[Answer], None] = lambda answer: None


class Operations:
    """The operations on one journal. Every value that they write is written once only."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._users = count(1)
        self._numbers = count(1)

    def register(self, users: list[User], round: int) -> Operation:
        """Register a new user, who joins `users`."""
        number, pair = next(self._users), next(self._numbers)
        user = User(number, round, f"User-{number}@example.org", f"password-{pair}", pair)
        values = {"email": user.email, "password": user.password, "first": pair, "second": pair}

        def acknowledge(answer: Answer) -> None:
            user.id = answer["id"]
            users.append(user)

        return Operation("register", values, 201, acknowledge)

    def refuse(self, user: User) -> Operation:
        """Try to register a user's address again, in capital letters."""
        values = {"email": user.email.upper(), "password": "password", "first": 0, "second": 0}
        return Operation("register", values, 400)

    def login(self, user: User) -> Operation:
        """Log in with the address in other letters than it is stored in."""
        credentials = {"email": user.email.swapcase(), "password": user.password}

        def acknowledge(answer: Answer) -> None:
            user.tokens.append(answer["access_token"])

        return Operation("login", credentials, acknowledge=acknowledge)

    def logout(self, user: User) -> Operation:
        """End the oldest of a user's access tokens."""
        token = user.tokens[0]

        def acknowledge(answer: Answer) -> None:
            user.tokens.remove(token)

        return Operation("logout", {"token": token}, 204, acknowledge)

    def read(self, user: User) -> Operation:
        """Read a user whom nobody changes meanwhile."""
        check = partial(self.journal.check_user, user=user)
        return Operation("read", {"token": user.tokens[-1]}, acknowledge=check)

    def read_while_changed(self, user: User) -> Operation:
        """Read a user whom another generation changes meanwhile."""
        check = partial(self.journal.check_pair, user=user)
        return Operation("read", {"token": user.tokens[-1]}, acknowledge=check)

    def change_password(self, user: User) -> Operation:
        return self._change(user, password=f"password-{next(self._numbers)}")

    def change_email(self, user: User) -> Operation:
        return self._change(user, email=f"User-{user.number}-{next(self._numbers)}@example.org")

    def _change(self, user: User, **changed: str) -> Operation:
        pair = next(self._numbers)

        def acknowledge(answer: Answer) -> None:
            user.pair = pair
            for name, value in changed.items():
                setattr(user, name, value)
            self.journal.check_user(answer, user)

        values = {"token": user.tokens[-1], "first": pair, "second": pair, **changed}
        return Operation("change", values, acknowledge=acknowledge)

    def contest(self, user: User) -> Operation:
        """Change a user whom all generations change at once."""
        pair = next(self._numbers)
        # It may be read before its own answer has come.
        self.journal.contested_pairs.add(pair)
        values = {"token": user.tokens[-1], "first": pair, "second": pair}
        check = partial(self.journal.check_user, user=user)
        return Operation("change", values, acknowledge=check)

    def link(self, user: User) -> Operation:
        """Link the user's external account, or renew the link."""
        linked = f"access-{next(self._numbers)}"
        values = {"email": user.email, "account_id": user.account_id, "access_token": linked}

        def acknowledge(answer: Answer) -> None:
            user.linked = linked
            self.journal.check_id(answer, user)

        return Operation("link", values, acknowledge=acknowledge)

    def find(self, user: User) -> Operation:
        """Look a user up by its external account."""
        check = partial(self.journal.check_account, user=user)
        return Operation("find", {"account_id": user.account_id}, acknowledge=check)
