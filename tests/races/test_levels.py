"""The duels at the levels at which databases undo one of two who meet, with and without retries.

With retries what becomes of both is what becomes of them elsewhere. Without, one may be asked to
repeat, and nothing of what it did is there.
"""

import pytest

from tests.conftest import SOAK
from tests.races.conftest import PAIRS, Duel, Raced
from tests.races.test_two_parties import (  # noqa: F401  they run here, too
    test_a_token_is_created_while_its_user_is_deleted,
    test_a_user_is_linked_twice_at_once,
    test_linking_against_deleting,
    test_one_of_two_changes_to_an_address,
    test_one_of_two_registers_an_address,
    test_rehash_against_password_change,
    test_two_delete_expired_tokens,
)

RETRIES = 10
# MariaDB's own level is REPEATABLE READ: the other duels are fought there.
LEVELS = [
    ("postgresql", "REPEATABLE READ", RETRIES),
    ("postgresql", "REPEATABLE READ", 0),
    ("postgresql", "SERIALIZABLE", RETRIES),
    ("mariadb-aiomysql", "REPEATABLE READ", RETRIES),
    ("mariadb-aiomysql", "SERIALIZABLE", RETRIES),
    ("mariadb-aiomysql", "SERIALIZABLE", 0),
]
SHORT = [LEVELS[2], LEVELS[1], LEVELS[4]]

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.parametrize(
        ("database", "isolation", "retries"),
        LEVELS if SOAK else SHORT,
        indirect=["database"],
        scope="session",
    ),
]


@pytest.fixture(params=PAIRS if SOAK else [("orm", "databases")], ids="-against-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    pair: tuple[str, str] = request.param
    return pair


@pytest.fixture
def duel(
    request: pytest.FixtureRequest,
    pair: tuple[str, str],
    database: dict[bool, Raced],
    isolation: str,
    retries: int,
) -> Duel:
    name = request.node.originalname
    if not retries and name == "test_a_user_is_linked_twice_at_once":
        pytest.skip(
            "PostgreSQL says of a row that no snapshot shows only that it is there already."
        )
    return Duel(pair, database[False], isolation=isolation, retries=retries)


@pytest.fixture
def indexed_duel(duel: Duel, database: dict[bool, Raced]) -> Duel:
    return Duel(duel.pair, database[True], isolation=duel.isolation, retries=duel.retries)
