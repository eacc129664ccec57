"""What happens at the start and the end."""
import logging
from typing import Callable

from fastapi import FastAPI

from app.db import Base, database, engine

logger = logging.getLogger("lendery")


def create_start_app_handler(app: FastAPI) -> Callable:
    async def start_app() -> None:
        Base.metadata.create_all(engine)
        if not database.is_connected:
            await database.connect()
        logger.info("%s is ready", app.title)

    return start_app


def create_stop_app_handler(app: FastAPI) -> Callable:
    async def stop_app() -> None:
        if database.is_connected:
            await database.disconnect()

    return stop_app
