"""Four generations of one app at work on one PostgreSQL database, in four processes at once.

Every write that was acknowledged is entered in a journal. One generation at a time changes a
user, so that the journal knows what must be there; another reads that user at the same time.
Besides, all of them change the same few users at once: there nobody knows who is last, but two
columns that are always written together must never differ.
"""

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine, make_url

from tests.four_generations.journal import Journal, User
from tests.four_generations.operations import Operation, Operations
from tests.programs import PACKAGE, SHIM, Program, Side

PROGRAMS = Path(__file__).parent / "programs"
LEGACY = PROGRAMS / "legacy_databases.py"

# The first two are the same program, unchanged.
GENERATIONS = [
    Side("upstream 1.1.0 on FastAPI Users 9.3", LEGACY, "up-1.1.0"),
    Side("the shim on FastAPI Users 9.3", LEGACY, "9.3-databases", SHIM),
    Side("the databases adapter on FastAPI Users 15", PROGRAMS / "our_databases.py", path=PACKAGE),
    Side("the ORM adapter on FastAPI Users 15", PROGRAMS / "our_orm.py", path=PACKAGE),
]
CONTESTED = 3  # users
AGE = 4  # rounds for which a user takes part: each generation changes it once

Batch = list[list[Operation]]
"""For each generation, what it does at once."""


@dataclass
class Figures:
    """What came of it.

    Attributes:
        done: operations by name, for each generation.
        errors: unexpected answers, for each generation.
        lost: acknowledged writes that are missing.
        mixed: values that belong to another row or to another write.
    """

    done: dict[str, Counter[str]] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)


def tell(address: str, rounds: int) -> Figures:
    """Let the generations work on an empty PostgreSQL database, and return the figures."""
    with ExitStack() as stack:
        story = Story([stack.enter_context(side.running(address)) for side in GENERATIONS])
        story.tell(rounds)
    engine = create_engine(make_url(address).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        story.journal.check_tables(connection)
    engine.dispose()
    return story.figures


class Story:
    """Who does what in which round.

    Parameters:
        programs: the generations, running.
    """

    def __init__(self, programs: list[Program]) -> None:
        self.programs = programs
        self.journal = Journal()
        self.operations = Operations(self.journal)
        self.figures = Figures(lost=self.journal.lost, mixed=self.journal.mixed)
        for program in programs:
            self.figures.done[program.side.name] = Counter()
            self.figures.errors[program.side.name] = []

    def tell(self, rounds: int) -> None:
        """Let the generations work for this many rounds; then each logs every user in."""
        users, contested = self.journal.users, self.journal.contested
        self._do([[Operation("create_tables", {})]])
        self._do([[self.operations.register(contested, 0) for _ in range(CONTESTED)]])
        self._do(self._logins(contested, 0))
        for number in range(1, rounds + 1):
            self._do(self._changes(_taking_part(users, number), number))
            self._do(self._logins(_taking_part(users, number), number))
            self._do(self._reads(_taking_part(users, number), number))
        for number in range(len(self.programs)):
            self._do(self._logins(users, number))

    def _changes(self, users: list[User], round: int) -> Batch:
        """Each user is changed by one generation and meanwhile read by another."""
        do = self.operations
        batch = self._batch()
        for user in _logged_in(users):
            age = round - user.round
            change = (do.change_password, do.link, do.change_email)[age % 3]
            batch[self._turn(user, round)].append(change(user))
            batch[self._turn(user, round + 1)].append(do.read_while_changed(user))
        for operations in batch:
            operations.append(do.register(self.journal.users, round))
            operations.extend(do.contest(user) for user in _logged_in(self.journal.contested))
        return batch

    def _logins(self, users: list[User], round: int) -> Batch:
        """Each user is logged in by another generation than last changed it."""
        batch = self._batch()
        for user in users:
            batch[self._turn(user, round + 2)].append(self.operations.login(user))
        return batch

    def _reads(self, users: list[User], round: int) -> Batch:
        """Each user is read, refused a second registration, found and logged out."""
        do = self.operations
        batch = self._batch()
        for user in _logged_in(users):
            batch[self._turn(user, round)].append(do.read(user))
            batch[self._turn(user, round + 1)].append(do.refuse(user))
            if user.linked is not None:
                batch[self._turn(user, round + 2)].append(do.find(user))
            if len(user.tokens) > 2:
                batch[self._turn(user, round + 3)].append(do.logout(user))
        return batch

    def _turn(self, user: User, round: int) -> int:
        return (user.number + round) % len(self.programs)

    def _batch(self) -> Batch:
        return [[] for _ in self.programs]

    def _do(self, batch: Batch) -> None:
        """Let every generation do its operations, all at the same time."""
        for program, operations in zip(self.programs, batch, strict=False):
            program.send(json.dumps([(each.name, each.arguments) for each in operations]))
        for program, operations in zip(self.programs, batch, strict=False):
            name = program.side.name
            for operation, answer in zip(operations, json.loads(program.receive()), strict=True):
                self.figures.done[name][operation.name] += 1
                if answer["status"] == operation.status:
                    operation.acknowledge(answer)
                else:
                    self.figures.errors[name].append(f"{operation}: {answer}")


def _taking_part(users: list[User], round: int) -> list[User]:
    return [user for user in users if round - user.round <= AGE]


def _logged_in(users: list[User]) -> list[User]:
    # All of them are, unless there was an error.
    return [user for user in users if user.tokens]
