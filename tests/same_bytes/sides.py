"""The programs, each on a stack of its own: upstream's generations, ours, the shim's."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import Addresses
from tests.programs import PACKAGE, SHIM, Program, Side
from tests.same_bytes.programs import protocol

PROGRAMS = Path(__file__).parent / "programs"
LEGACY_DATABASES = PROGRAMS / "legacy_databases.py"
LEGACY_ORM = PROGRAMS / "legacy_orm.py"
CURRENT_ORM = PROGRAMS / "current_orm.py"

UPSTREAM = [
    Side("upstream-1.1.0", LEGACY_DATABASES, "up-1.1.0"),
    Side("upstream-3.0.2", LEGACY_ORM, "up-3.0.2"),
    Side("upstream-4.0.5", CURRENT_ORM, "up-4.0.5"),
    Side("upstream-7.0.0", CURRENT_ORM, "up-7.0.0"),
]
"""Upstream's generations."""

OTHERS = [
    Side("our-orm", PROGRAMS / "our_orm.py", path=PACKAGE),
    Side("our-databases", PROGRAMS / "our_databases.py", path=PACKAGE),
]
"""What reads and writes the rows of upstream's generations."""

if SHIM[-1].is_dir():
    # The same programs as upstream's, unchanged.
    OTHERS += [
        Side("shim-on-9.3-databases", LEGACY_DATABASES, "9.3-databases", SHIM),
        Side("shim-on-9.3-orm", LEGACY_ORM, "9.3-orm", SHIM),
        Side("shim-on-10.4-sa14", CURRENT_ORM, "10.4-sa14", SHIM),
        Side("shim-on-15", CURRENT_ORM, "15", SHIM),
    ]


def ask(program: Program, addresses: Addresses, *calls: tuple[Any, ...]) -> list[Any]:
    """Make calls, on one connection, and return what each returned."""
    database = {"orm": addresses.orm, "databases": addresses.databases}
    program.send(protocol.dumps({"addresses": database, "calls": calls}))
    answer = protocol.loads(program.receive())
    assert "error" not in answer, f"{program.side.name}: {answer['error']}"
    answers: list[Any] = answer["answers"]
    return answers


def as_text(answers: Any) -> str:
    """Return values with their types as text that is easy to compare."""
    return json.dumps(json.loads(protocol.dumps(answers)), indent=1, ensure_ascii=False)
