"""An app whose users count up, and one whose ids are a type of its own."""

from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.models import UserProtocol
from sqlalchemy import ForeignKey, String
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column
from typing_extensions import assert_type

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTable,
    SQLAlchemyBaseAccessTokenTableInt,
    SQLAlchemyBaseOAuthAccountTable,
    SQLAlchemyBaseOAuthAccountTableInt,
    SQLAlchemyBaseUserTable,
    SQLAlchemyBaseUserTableInt,
    SQLAlchemyUserDatabase,
)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableInt, Base):
    pass


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableInt, Base):
    pass


class AccessToken(SQLAlchemyBaseAccessTokenTableInt, Base):
    pass


class Member(SQLAlchemyBaseUserTable[str], Base):
    __tablename__ = "member"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)


class MemberOAuthAccount(SQLAlchemyBaseOAuthAccountTable[str], Base):
    __tablename__ = "member_oauth_account"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("member.id"))


class MemberAccessToken(SQLAlchemyBaseAccessTokenTable[str], Base):
    __tablename__ = "member_access_token"
    user_id: Mapped[str] = mapped_column(ForeignKey("member.id"))


class UserManager(IntegerIDMixin, BaseUserManager[User, int]):
    pass


def create_manager(session: AsyncSession) -> UserManager:
    return UserManager(SQLAlchemyUserDatabase(session, User))


def routers(users: FastAPIUsers[User, int]) -> None:
    users.current_user(active=True)


def ids_are_int(user: User, account: OAuthAccount, token: AccessToken) -> UserProtocol[int]:
    assert_type(User.id, InstrumentedAttribute[int])
    assert_type((user.id, account.id, account.user_id, token.user_id), tuple[int, int, int, int])
    return user


def ids_are_str(
    member: Member, account: MemberOAuthAccount, token: MemberAccessToken
) -> UserProtocol[str]:
    assert_type(Member.id, InstrumentedAttribute[str])
    assert_type((member.id, account.user_id, token.user_id), tuple[str, str, str])
    return member
