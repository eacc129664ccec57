from models import User
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def find_duplicates(session: AsyncSession) -> list[User]:
    lower = func.lower(User.email)
    several = select(lower).group_by(lower).having(func.count() > 1)
    users = await session.scalars(select(User).where(lower.in_(several)).order_by(lower, User.id))
    return list(users.unique())
