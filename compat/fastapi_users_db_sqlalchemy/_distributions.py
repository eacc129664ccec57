"""Detect the distribution whose import name this is: only one of the two can be installed."""

import sys
from importlib.metadata import PackageNotFoundError, distribution

__all__ = ["ConflictingDistributionError", "check"]

OURS = "fastapi-users-db-compat"
UPSTREAM = "fastapi-users-db-sqlalchemy"


class ConflictingDistributionError(RuntimeError):
    """Two distributions with the same import package are installed, or one has damaged the other.

    Not an `ImportError`: FastAPI Users would swallow it.
    """


def check() -> None:
    """Raise if the other distribution is installed too, or took files of ours with it.

    Raises:
        ConflictingDistributionError: it is, or did. The message names the command that mends it.
    """
    version = _version(UPSTREAM)
    if version is not None:
        raise ConflictingDistributionError(
            f"{UPSTREAM} {version} and {OURS} are both installed, and each has overwritten files "
            f"of the other in the import package {__package__}. Keep one: pip uninstall "
            f"--yes {UPSTREAM} && {_reinstall()}. Check that nothing asks for "
            f"fastapi-users[sqlalchemy]: write fastapi-users and fastapi-users-db[compat]."
        )
    # What is left without its __init__.py is a namespace package, which has no file.
    if getattr(sys.modules[str(__package__)], "__file__", None) is None:
        raise ConflictingDistributionError(
            f"Files of the import package {__package__} are missing: {UPSTREAM} had files of the "
            f"same names, and took them along when it was removed. Put them back: {_reinstall()}."
        )


def _reinstall() -> str:
    version = _version(OURS)
    # The same version, without what it requires: nothing else moves.
    ours = OURS if version is None else f"{OURS}=={version}"
    return f"pip install --force-reinstall --no-deps {ours}"


def _version(name: str) -> str | None:
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None
