from typing import Any

from fastapi_users.authentication.strategy import db

from fastapi_users_db.authentication import DatabaseStrategy

LIFETIME_SECONDS = 3600


def before(access_token_db: Any) -> Any:
    # --8<-- [start:before]
    return db.DatabaseStrategy(access_token_db, LIFETIME_SECONDS)
    # --8<-- [end:before]


def step_1(access_token_db: Any) -> Any:
    # --8<-- [start:step-1]
    return DatabaseStrategy(access_token_db, LIFETIME_SECONDS)
    # --8<-- [end:step-1]


def step_2(access_token_db: Any) -> Any:
    # --8<-- [start:step-2]
    return DatabaseStrategy(access_token_db, LIFETIME_SECONDS, hash_tokens=True, accept_clear=True)
    # --8<-- [end:step-2]


def step_3(access_token_db: Any) -> Any:
    # --8<-- [start:step-3]
    return DatabaseStrategy(access_token_db, LIFETIME_SECONDS, hash_tokens=True)
    # --8<-- [end:step-3]
