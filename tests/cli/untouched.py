"""For each rule texts that look like what it changes, and are something else."""

TABLE = """\
from fastapi_users_db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from app import Base


class UserTable(Base, SQLAlchemyBaseUserTableUUID):
    pass
"""

UNTOUCHED: dict[str, list[str]] = {
    "FUD510": [
        # A helper and a strategy of the app's own.
        """\
from fastapi_users.authentication import JWTStrategy
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher


class Bcrypt(BcryptHasher):
    pass


class BothJWTStrategy(JWTStrategy):
    pass


password_helper = PasswordHelper(PasswordHash((Bcrypt(),)))
""",
        # A name that the app has by chance.
        "class ReversibleBcrypt:\n    pass\n",
        "reversible_password_helper = None\n",
    ],
    "FUD107": [
        # No FastAPI Users 9: here the base's id has counted all along.
        """\
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable
from sqlalchemy import Column, Integer


class Base:
    id = Column(Integer, primary_key=True)


class UserTable(SQLAlchemyBaseUserTable, Base):
    pass
""",
        # The base comes first, and so does its id.
        """\
from fastapi_users import models
from fastapi_users.db import SQLAlchemyBaseUserTable
from sqlalchemy import Column, Integer


class Base:
    id = Column(Integer, primary_key=True)


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


class User(models.BaseUser):
    pass
""",
    ],
    "FUD301": [
        # Models of the app's own, and of Django.
        "from app import models\n\n\nclass User(models.BaseUser):\n    pass  # fastapi_users\n",
        "from django.db import models\n\n\nclass User(models.Model):\n    fastapi_users = 1\n",
        # A local name.
        "from fastapi_users import schemas\n\n\ndef f(models):\n    return models.BaseUser\n",
    ],
    "FUD302": [
        "from fastapi_users import schemas\n\n\nclass User(schemas.BaseUser):\n    pass\n",
        "from app import models\n\n\nclass User(models.BaseUser):\n    pass\n",
    ],
    "FUD303": [
        "from app.models import BaseUserDB\n\n\nclass UserDB(BaseUserDB):\n    fastapi_users = 1\n",
    ],
    "FUD304": [
        """\
from fastapi_users import schemas


class Named:
    name: str


class UserUpdate(Named, schemas.BaseUserUpdate):
    pass
""",
    ],
    "FUD305": [
        """\
import uuid
from fastapi_users import BaseUserManager, UUIDIDMixin
from app import User


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    pass


class Other(BaseUserManager[User, int]):
    def parse_id(self, value):
        return int(value)
""",
    ],
    "FUD306": [
        """\
import uuid
from fastapi_users import FastAPIUsers
from app import User, backend, get_user_manager

fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
""",
    ],
    "FUD307": [
        """\
from fastapi_users import FastAPIUsers
from app import User, UserCreate, backend, get_user_manager

fastapi_users = FastAPIUsers(get_user_manager, [backend])
router = fastapi_users.get_register_router(User, UserCreate)
""",
    ],
    "FUD308": [
        """\
from fastapi_users import FastAPIUsers
from app import backend, client, get_user_manager

fastapi_users = FastAPIUsers(get_user_manager, [backend])
router = fastapi_users.get_oauth_router(client, backend, "secret")
""",
    ],
    "FUD309": [
        "from fastapi_users.manager import BaseUserManager\n\nBaseUserManager()\n",
        "from app.manager import UserNotExists\n\nUserNotExists('fastapi_users')\n",
    ],
    "FUD312": [
        """\
import uuid
from typing import Dict
from fastapi_users import schemas
from fastapi_users.authentication import JWTStrategy
from app import User


def get_strategy() -> JWTStrategy[User, uuid.UUID]:
    found: Dict[str, User] = {}
    return JWTStrategy(found, 3600)
""",
    ],
    "FUD315": [
        """\
from fastapi_users import BaseUserManager


class UserManager(BaseUserManager):
    async def create(self, user_create, safe=False, request=None):
        return await super().create(user_create, safe, request)

    async def invite(self, user):
        return user


class Orders:
    async def create(self, user):
        return user
""",
    ],
    "FUD316": [
        """\
from fastapi_users import BaseUserManager


class UserManager(BaseUserManager):
    async def delete(self, user, request=None):
        await super().delete(user, request)

    async def on_after_login(self, *args):
        pass

    async def on_after_delete(self, user, **others):
        pass


class Orders:
    async def delete(self, user):
        pass
""",
    ],
    "FUD318": [
        TABLE + "\n\nuser = UserTable(email='fastapi_users')\n",
    ],
    "FUD319": [
        TABLE + "\n\ndef dump(user):\n    return user.dict()\n",
    ],
    "FUD322": [
        "from app import BaseAccessToken\n\n\nclass T(BaseAccessToken):\n    fastapi_users = 1\n",
    ],
    "FUD351": [
        # FastAPI Users 10 and later: who writes it means it.
        """\
from typing import Optional
from fastapi_users import schemas


class UserUpdate(schemas.BaseUserUpdate):
    nickname: Optional[str]
""",
        """\
from typing import Optional
from fastapi_users import models


class UserUpdate(models.BaseUserUpdate):
    nickname: Optional[str] = None
    age: int


class Other:
    nickname: Optional[str]
""",
    ],
    "FUD352": [
        """\
from typing import Any, Optional, Union
from fastapi_users import schemas


class User(schemas.BaseUser):
    one: Optional[str] = None
    two: "int | None" = None
    three: Union[str, None] = None
    four: Any = None
    five: None = None
    six: str = ""
""".replace('"int | None"', "int | None"),
    ],
    "FUD353": [
        """\
from fastapi_users import schemas
from pydantic import BaseModel, ConfigDict


class User(schemas.BaseUser):
    model_config = ConfigDict(from_attributes=True)


class Other(BaseModel):
    class Config:
        orm_mode = True
""",
    ],
    "FUD354": [
        """\
from fastapi_users import schemas
from pydantic import field_validator, validator


class User(schemas.BaseUser):
    @field_validator("name")
    @classmethod
    def has_a_letter(cls, value):
        return value


class Other:
    @validator("name")
    def has_a_letter(cls, value):
        return value
""",
    ],
    "FUD355": [
        """\
from fastapi_users import schemas


class User(schemas.BaseUser):
    def create_update_dict(self):
        return self.model_dump()

    def other(self):
        return self.dict()
""",
    ],
    "FUD381": [
        "from app import fastapi_users, app\n\napp.add_event_handler('other', print)\n",
    ],
    "FUD383": [
        "from sqlalchemy.ext.asyncio import AsyncSession  # fastapi_users\n\nAsyncSession()\n",
    ],
    "FUD384": [
        """\
from typing import ClassVar
from fastapi_users_db import GUID
from sqlalchemy.orm import Mapped, relationship
from app import Base


class Band(Base):
    players: Mapped[list["User"]] = relationship("User")
    plain = relationship("User")
    other: int = 1
""",
        # Nothing of FastAPI Users: not our business.
        """\
from sqlalchemy.orm import relationship
from app import Base


class Band(Base):
    players: list["User"] = relationship("User")
""",
    ],
    "FUD385": [
        TABLE + "from sqlalchemy import select\n\nselect(UserTable)\n\nSQLAlchemyUserDatabase(1)\n",
        "from app import select, fastapi_users\n\nselect([1])\n",
    ],
    "FUD401": [
        TABLE
        + "\n\ndef get_user_db(session):\n    yield SQLAlchemyUserDatabase(session, UserTable)\n",
    ],
    "FUD402": [
        TABLE
        + "\n\ndef get_user_db(session):\n    yield SQLAlchemyUserDatabase(session, UserTable)\n",
    ],
    "FUD403": [
        # It is asked.
        """\
from databases import Database
from fastapi_users import FastAPIUsers
from sqlalchemy.ext.asyncio import create_async_engine

database = Database("sqlite:///app.db")
async_engine = create_async_engine("sqlite+aiosqlite:///app.db")


async def count():
    return await database.fetch_val("SELECT 1")
""",
    ],
    "FUD405": [
        TABLE + "\n\nusers = UserTable.__table__\nprint(users)\n",
        "from app import Order, fastapi_users\n\norders = Order.__table__\n",
    ],
    "FUD407": [
        """\
from fastapi_users_db import (
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
    SQLAlchemyUserDatabase,
)
from app import Base, accounts, declared_attr


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    pass


class Linked:
    @declared_attr
    def oauth_accounts(cls):
        return accounts


class User(Linked, SQLAlchemyBaseUserTableUUID, Base):
    pass


def adapter(session):
    return SQLAlchemyUserDatabase(session, User, OAuthAccount)
""",
    ],
    "FUD501": [
        TABLE,
        "from app.fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase\n\n"
        "SQLAlchemyUserDatabase()\n",
    ],
    "FUD502": [
        """\
from app import Base
from fastapi_users_db_sqlalchemy import SQLAlchemyBaseUserTable
from sqlalchemy import Column, Integer


class UserTable(SQLAlchemyBaseUserTable, Base):
    id = Column(Integer, primary_key=True)


class Other(SQLAlchemyBaseUserTable[int], Base):
    id = Column(Integer, primary_key=True)
""",
    ],
    "FUD503": [
        "from app import UUID_ID, fastapi_users_db_sqlalchemy, now_utc\n\nnow_utc(UUID_ID)\n",
    ],
    "FUD505": [
        TABLE
        + "\n\ndef adapter(session):\n    return SQLAlchemyUserDatabase(session, UserTable)\n",
    ],
    "FUD506": [
        TABLE
        + """

class UserDB:
    pass


def greet(user: UserDB):
    return SQLAlchemyUserDatabase(user, UserTable)
""",
    ],
    "FUD512": [
        "import fastapi_users.db\n\nfastapi_users.db.BaseUserDatabase()\n",
        "import fastapi_users.db as db\n",
    ],
    "FUD310": [
        "from app.auth import JWTAuthentication\n\n"
        "fastapi_users = JWTAuthentication(secret='secret')\n",
    ],
    "FUD311": [
        "from app.auth import CookieAuthentication\n\n"
        "fastapi_users = CookieAuthentication(secret='secret')\n",
    ],
    "FUD314": [
        # Two of it, and something else that has a login.
        """\
from fastapi_users.authentication import AuthenticationBackend, BearerTransport
from app import client, make

backend = AuthenticationBackend("jwt", "...", "...")
other = make()


class Transport(BearerTransport):
    name = "bearer"

    async def get_login_response(self, token):
        return None


async def log_in(strategy, user, response):
    await client.login(strategy, user, response)
    await other.login(strategy, user, response)
    await backend.logout(strategy, user, "token")
    return await backend.login(strategy, user)
""",
    ],
    "FUD323": [
        # No FastAPI Users 9 any more: here keys have had the prefix all along.
        """\
from redis import asyncio as aioredis
from fastapi_users.authentication import RedisStrategy

strategy = RedisStrategy(aioredis.from_url("redis://localhost"))
""",
        # Redis for something else.
        "import aioredis\nfrom fastapi_users import models\n\nmodels.BaseUser\n",
    ],
    "FUD324": [
        "from app.password import get_password_hash\n\nfastapi_users = get_password_hash('x')\n",
        "from fastapi_users.password import PasswordHelper\n\n"
        "helper = PasswordHelper('hash')\nother = PasswordHelper(make())\n",
    ],
    "FUD325": [
        """\
from fastapi_users import FastAPIUsers
from app import accounts, get_user_manager

fastapi_users = FastAPIUsers(get_user_manager, [])
current = accounts.get_current_user
register = fastapi_users.get_register_router("...", "...")
reset = fastapi_users.get_reset_password_router
""",
    ],
    "FUD504": [
        "from fastapi_users_db_sqlalchemy import GUID\n\nGUID()\n",
    ],
    "FUD508": [
        # Text, a name that only begins like it, and one that is put together.
        """\
import fastapi_users

about = "fastapi_users_db_sqlalchemy is upstream's adapter"
print("fastapi_users_db_sqlalchemy")
setattr(about, "fastapi_users_db_sqlalchemy_asyncpg", 1)
setattr(about, "fastapi_users" "_db_sqlalchemy", 1)
""",
    ],
}
