# type: ignore
# --8<-- [start:app]
from databases import Database
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, models
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTable, SQLAlchemyUserDatabase
from sqlalchemy.ext.declarative import declarative_base

DATABASE_URL = "sqlite:///./app.db"
SECRET = "change me: this signs tokens, so use a long random value"

database = Database(DATABASE_URL)
Base = declarative_base()


class UserTable(Base, SQLAlchemyBaseUserTable):
    pass


class User(models.BaseUser):
    pass


class UserCreate(models.BaseUserCreate):
    pass


class UserUpdate(models.BaseUserUpdate):
    pass


class UserDB(User, models.BaseUserDB):
    def greeting(self):
        return f"Hello, {self.email}!"


async def get_user_db():
    yield SQLAlchemyUserDatabase(UserDB, database, UserTable.__table__)


class UserManager(BaseUserManager[UserCreate, UserDB]):
    user_db_model = UserDB
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(user_db=Depends(get_user_db)):
    yield UserManager(user_db)


def get_jwt_strategy():
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


auth_backend = AuthenticationBackend(
    name="jwt",
    transport=BearerTransport(tokenUrl="auth/login"),
    get_strategy=get_jwt_strategy,
)
fastapi_users = FastAPIUsers(get_user_manager, [auth_backend], User, UserCreate, UserUpdate, UserDB)

app = FastAPI()
app.include_router(fastapi_users.get_auth_router(auth_backend), prefix="/auth")
app.include_router(fastapi_users.get_register_router(), prefix="/auth")
app.include_router(fastapi_users.get_users_router(), prefix="/users")


@app.get("/hello")
async def hello(user: UserDB = Depends(fastapi_users.current_user(active=True))):
    return user.greeting()


@app.on_event("startup")
async def startup():
    await database.connect()


@app.on_event("shutdown")
async def shutdown():
    await database.disconnect()
# --8<-- [end:app]
