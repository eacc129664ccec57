import secrets
import time
import uuid

from sqlalchemy import DDL, ForeignKey, String, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from fastapi_users_db import (
    SQLAlchemyBaseAccessTokenTableUUID,
    SQLAlchemyBaseOAuthAccountTableUUID,
    SQLAlchemyBaseUserTableUUID,
)

DATABASE_URL = "postgresql+asyncpg://app@localhost/app"
engine = create_async_engine(DATABASE_URL)
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


# --8<-- [start:uuid7]
def uuid7() -> uuid.UUID:
    """As `uuid.uuid7` of Python 3.14."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    above = milliseconds << 16 | 7 << 12 | random >> 62
    return uuid.UUID(int=above << 64 | 2 << 62 | random & (1 << 62) - 1)


# --8<-- [end:uuid7]
# --8<-- [start:tables]
class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    __table_args__ = ({"postgresql_partition_by": "HASH (id)"},)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str] = mapped_column(String(320), index=True)
    oauth_accounts: Mapped[list["OAuthAccount"]] = relationship(lazy="joined")


class OAuthAccount(SQLAlchemyBaseOAuthAccountTableUUID, Base):
    __table_args__ = ({"postgresql_partition_by": "HASH (user_id)"},)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("user.id", ondelete="cascade"), primary_key=True
    )


class AccessToken(SQLAlchemyBaseAccessTokenTableUUID, Base):
    __table_args__ = ({"postgresql_partition_by": "HASH (user_id)"},)

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("user.id", ondelete="cascade"), primary_key=True
    )


PARTITIONS = 4
for table in Base.metadata.sorted_tables:
    for number in range(PARTITIONS):
        partition = (
            f'CREATE TABLE {table.name}_{number} PARTITION OF "{table.name}" '
            f"FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        event.listen(table, "after_create", DDL(partition))  # type: ignore[no-untyped-call]


# --8<-- [end:tables]
# --8<-- [start:claims]
CLAIMS = """
CREATE TABLE email_claim (email text PRIMARY KEY);

CREATE FUNCTION claim_email() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM email_claim WHERE email = lower(OLD.email);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO email_claim VALUES (lower(NEW.email));
    END IF;
    RETURN NULL;
EXCEPTION WHEN unique_violation THEN
    RAISE unique_violation USING
        MESSAGE = 'this address is taken', TABLE = 'user', COLUMN = 'email';
END $$;

CREATE TRIGGER claim_email AFTER INSERT OR DELETE OR UPDATE OF email ON "user"
    FOR EACH ROW EXECUTE FUNCTION claim_email();
"""
# --8<-- [end:claims]
