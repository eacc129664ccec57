"""The app that is measured end to end: FastAPI Users on upstream's adapter, or on ours."""

import sys
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import fastapi_users_db_sqlalchemy as upstream
import uvicorn
from fastapi import Depends, FastAPI
from fastapi_users import FastAPIUsers, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users_db_sqlalchemy import access_token as upstream_access_token
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

import fastapi_users_db as ours
from benchmarks.orm import SECRET, Side, UserManager


def create_app(name: str, url: str) -> FastAPI:
    """Return the app on one side's adapters, by its name."""
    engine = create_async_engine(url, pool_size=20, max_overflow=0)
    packages = {"upstream": (upstream, upstream_access_token), "ours": (ours, ours)}
    side = Side(*packages[name], engine)

    async def get_session() -> AsyncIterator[AsyncSession]:
        async with side.sessions() as session:
            yield session

    async def get_user_manager(session: Annotated[Any, Depends(get_session)]) -> Any:
        yield UserManager(side.users(session))

    def jwt_strategy() -> Any:
        return JWTStrategy(SECRET, 3600)

    def database_strategy(session: Annotated[Any, Depends(get_session)]) -> Any:
        return side.strategy(session)

    app = FastAPI()
    for kind, strategy in (("jwt", jwt_strategy), ("database", database_strategy)):
        backend: Any = AuthenticationBackend(kind, BearerTransport(f"{kind}/login"), strategy)
        users: Any = FastAPIUsers(get_user_manager, [backend])
        app.include_router(users.get_auth_router(backend), prefix=f"/{kind}")
        app.include_router(
            users.get_users_router(schemas.BaseUser[uuid.UUID], schemas.BaseUserUpdate),
            prefix=f"/{kind}/users",
        )
    return app


if __name__ == "__main__":
    app = create_app(sys.argv[1], sys.argv[2])
    uvicorn.run(app, port=int(sys.argv[3]), log_level="warning", timeout_keep_alive=600)
