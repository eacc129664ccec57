"""The import name of FastAPI Users' first SQL adapter, which two distributions have.

Whichever was installed last is in use, and it may be the one that knows nothing of us.
"""

import sys
from contextlib import suppress
from importlib import import_module

__all__ = ["check"]

OLD_NAME = "fastapi_users_db_sqlalchemy"
CHECK = "_distributions"


def check() -> None:
    """Let the package of the old name say if files of two distributions are mixed in it.

    A look at what is imported already is enough where there is no such package, or where it has
    looked itself: FastAPI Users imports it, if there is one, before us.

    Raises:
        RuntimeError: they are mixed. The message names the command that mends it.
    """
    package = sys.modules.get(OLD_NAME)
    if package is None or hasattr(package, CHECK):
        return
    with suppress(ImportError):  # nothing is left there that could say so
        import_module(f"{OLD_NAME}.{CHECK}").check()
