from sqlalchemy.orm import DeclarativeBase

from fastapi_users_db import SQLAlchemyBaseUserTableUUID


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass
