from sqlalchemy.orm import DeclarativeBase

import fastapi_users_db


class Base(DeclarativeBase):
    pass


class User(fastapi_users_db.SQLAlchemyBaseUserTableUUID, Base):
    pass
