# mypy: disable-error-code="type-arg"
# --8<-- [start:table]
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTable, Base):
    pass


# --8<-- [end:table]
