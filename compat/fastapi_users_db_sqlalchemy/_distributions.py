"""Detect the distribution whose import name this is: only one of the two can be installed."""

from importlib.metadata import PackageNotFoundError, distribution

__all__ = ["ConflictingDistributionError", "check"]

UPSTREAM = "fastapi-users-db-sqlalchemy"


class ConflictingDistributionError(RuntimeError):
    """Two distributions with the same import package are installed.

    Not an `ImportError`: FastAPI Users would swallow it.
    """


def check() -> None:
    """Raise if the other distribution is installed too.

    Raises:
        ConflictingDistributionError: it is. The message names the command that mends it.
    """
    try:
        version = distribution(UPSTREAM).version
    except PackageNotFoundError:
        return
    raise ConflictingDistributionError(
        f"{UPSTREAM} {version} and fastapi-users-db-compat are both installed, and both are the "
        f"import package fastapi_users_db_sqlalchemy: which files of which are in use is chance. "
        f"Keep one: pip uninstall --yes {UPSTREAM} && pip install --force-reinstall --no-deps "
        f"fastapi-users-db-compat. Check that nothing asks for fastapi-users[sqlalchemy]: write "
        f"fastapi-users and fastapi-users-db[compat]."
    )
