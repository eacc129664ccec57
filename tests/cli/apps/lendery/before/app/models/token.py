from fastapi_users_db_sqlalchemy.access_token import SQLAlchemyBaseAccessTokenTable

from app.db.base import Base


class AccessTokenTable(SQLAlchemyBaseAccessTokenTable, Base):
    pass


access_tokens = AccessTokenTable.__table__
