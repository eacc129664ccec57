from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi_users.router import ErrorCode

from fastapi_users_db import InvalidValueError, OAuthAccountAlreadyLinkedError


async def already_linked(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": ErrorCode.OAUTH_USER_ALREADY_EXISTS}, status_code=400)


async def invalid_value(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=422)


def add_exception_handlers(app: FastAPI) -> None:
    app.add_exception_handler(OAuthAccountAlreadyLinkedError, already_linked)
    app.add_exception_handler(InvalidValueError, invalid_value)
