# mypy: disable-error-code="misc, type-arg, valid-type"
# --8<-- [start:app]
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseOAuthAccountTable, SQLAlchemyBaseUserTable
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base


class Model:
    id = Column(Integer, primary_key=True)


Base = declarative_base(cls=Model)


class UserTable(SQLAlchemyBaseUserTable, Base):
    pass


class OAuthAccountTable(SQLAlchemyBaseOAuthAccountTable, Base):
    pass


# --8<-- [end:app]
