"""The mutants that nobody can tell from the original, each with a reason.

They are known by what changes, not by the line's number. Where a line here changes in the package,
`test_mutants.py` says so: then the mutant is to be looked at again.
"""

from dataclasses import dataclass

__all__ = ["EQUIVALENT", "Equivalent"]


@dataclass(frozen=True)
class Equivalent:
    """A mutant that no test can kill.

    Attributes:
        path: the file.
        scope: the function, method or class.
        before: the lines that change.
        after: what they become.
        reason: why that makes no difference.
    """

    path: str
    scope: str
    before: str
    after: str
    reason: str


EQUIVALENT = [
    Equivalent(
        "compat/fastapi_users_db_sqlalchemy/user_database.py",
        "SQLAlchemyUserDatabase.__class_getitem__",
        "padded = (*given, *[Any] * (wanted - len(given)))[:wanted] if wanted else given",
        "padded = (*given, *[Any] * (wanted + len(given)))[:wanted] if wanted else given",
        "it is cut to the number that is wanted",
    ),
]
