# mypy: disable-error-code="misc, type-arg, valid-type"
# --8<-- [start:app]
from fastapi_users_db_sqlalchemy import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base


class Model:
    id = Column(Integer, primary_key=True)


Base = declarative_base(cls=Model)


class UserTable(SQLAlchemyBaseUserTableUUID, Base):
    pass


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


# --8<-- [end:app]
