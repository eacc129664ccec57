"""Serve the application on the ORM, to try by hand: `make serve`, or `PORT=8080 make serve`."""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from rich.console import Console

from examples.processes import ServerFailedError, end_on_sigterm, running

TO_TRY = """\
The application: http://127.0.0.1:{port}/docs (Ctrl-C stops it)
Its database:    {file}

1. POST /auth/register creates a user.
2. "Authorize" logs it in: the username is its e-mail address.
3. GET /users/me is that user.
4. GET /auth/acme/authorize begins a login through an OAuth provider, which runs too: open the
   authorization_url that comes back.
"""


def create_app() -> FastAPI:
    """Return the application with a `/docs` that loads nothing from another host."""
    from examples.app.on_orm import app

    offline: FastAPI = FastAPIOffline(title=app.title, lifespan=app.router.lifespan_context)
    offline.include_router(app.router)
    return offline


def main() -> int:
    """Serve until Ctrl-C.

    Returns:
        The exit status.
    """
    end_on_sigterm()
    console = Console(highlight=False)
    file = Path(os.environ.setdefault("DATABASE_FILE", "app.db")).resolve()
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal():
        console.print(f"PORT must be a number, not {port!r}.")
        return 1
    try:
        with (
            TemporaryDirectory(prefix="fastapi-users-db-") as logs,
            running("examples.provider:app", directory=Path(logs)) as [provider],
        ):
            os.environ["PROVIDER_URL"] = provider.url
            console.print(TO_TRY.format(port=port, file=file), soft_wrap=True)
            uvicorn.run("examples.serve:create_app", factory=True, port=int(port))
    except KeyboardInterrupt:
        pass
    except ServerFailedError as error:
        console.print(str(error), markup=False)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
