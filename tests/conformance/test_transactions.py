"""What is committed when: the adapters inside a transaction of the app's own."""

from typing import Any

import pytest
from fastapi_users.exceptions import UserAlreadyExists
from sqlalchemy import delete, insert, select

from fastapi_users_db import OAuthAccountNotFoundError, UserNotFoundError
from tests.conformance.conftest import Backend, OpenBackend
from tests.conformance.models import OAuthAccount, User
from tests.conftest import Addresses
from tests.people import ACCOUNT, ANNE, BERT


async def emails(backend: Backend) -> list[str]:
    """The addresses that others see, without committing anything."""
    async with backend.engine.connect() as connection:
        return sorted((await connection.execute(select(User.__table__.c.email))).scalars())


async def test_each_write_is_committed_before_it_returns(open_backend: OpenBackend) -> None:
    for adapter in ("orm", "databases"):
        async with open_backend(adapter) as backend:
            user = await backend.users.create(ANNE)
            assert await emails(backend) == ["anne@example.com"]
            await backend.users.update(user, {"email": "new@example.com"})
            assert await emails(backend) == ["new@example.com"]
            await backend.users.delete(user)
            assert await emails(backend) == []


async def test_without_commit_the_app_commits(open_backend: OpenBackend) -> None:
    async with open_backend("orm-no-commit") as backend:
        await backend.users.create(ANNE)
        assert await emails(backend) == []
        await backend.connection.commit()
        assert await emails(backend) == ["anne@example.com"]


async def test_without_commit_the_app_rolls_back(open_backend: OpenBackend) -> None:
    async with open_backend("orm-no-commit") as backend:
        user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        await backend.users.update(user, {"name": "Anne"})
        await backend.connection.rollback()
        assert await emails(backend) == []


async def test_without_commit_an_error_leaves_the_apps_work(open_backend: OpenBackend) -> None:
    async with open_backend("orm-no-commit") as backend:
        await backend.users.create(ANNE)
        bert = await backend.users.create(BERT)
        with pytest.raises(UserAlreadyExists):
            await backend.users.create(ANNE)
        with pytest.raises(UserAlreadyExists):
            await backend.users.update(bert, {"email": ANNE["email"]})
        assert bert.email == "bert@example.com"
        await backend.connection.commit()
        assert await emails(backend) == ["anne@example.com", "bert@example.com"]


async def test_without_commit_tokens_are_the_apps_too(open_backend: OpenBackend) -> None:
    async with open_backend("orm-no-commit") as backend:
        user = await backend.users.create(ANNE)
        await backend.connection.commit()
        await backend.tokens.create({"token": "abc", "user_id": user.id})
        await backend.connection.rollback()
        assert await backend.tokens.get_by_token("abc") is None


async def test_databases_writes_in_the_apps_transaction(open_backend: OpenBackend) -> None:
    async with open_backend("databases") as backend:
        async with backend.connection.transaction(force_rollback=True):
            user = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
            await backend.users.update(user, {"name": "Anne"})
            assert (await backend.users.get(user.id)).name == "Anne"
        assert await emails(backend) == []


async def test_databases_error_leaves_the_apps_transaction(open_backend: OpenBackend) -> None:
    async with open_backend("databases") as backend:
        async with backend.connection.transaction():
            await backend.users.create(ANNE)
            with pytest.raises(UserAlreadyExists):
                await backend.users.create(ANNE)
            bert = await backend.users.create(BERT)
            with pytest.raises(UserAlreadyExists):
                await backend.users.update(bert, {"email": ANNE["email"]})
        assert await emails(backend) == ["anne@example.com", "bert@example.com"]


async def test_adapters_on_one_database_see_each_others_users(open_backend: OpenBackend) -> None:
    async with (
        open_backend("orm") as orm,
        open_backend("databases") as databases,
    ):
        anne = await orm.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
        bert = await databases.users.create(BERT)
        for one, other in ((orm, databases), (databases, orm)):
            user: Any = await one.users.get(bert.id)
            await one.users.update(user, {"name": one.adapter})
            await orm.connection.commit()  # on MariaDB a transaction keeps to its first snapshot
            assert (await other.users.get_by_email(bert.email)).name == one.adapter
            # What an adapter returned, the other takes.
            found = await one.users.get_by_oauth_account("provider", "1")
            await other.users.update(found, {"name": other.adapter})
            assert (await one.users.get_by_oauth_account("provider", "1")).id == anne.id
        with pytest.raises(UserAlreadyExists):
            await databases.users.create(ANNE)
        with pytest.raises(UserAlreadyExists):
            await orm.users.create(BERT)


async def test_a_user_who_is_newer_than_the_apps_transaction_is_a_duplicate(
    addresses: Addresses, open_backend: OpenBackend
) -> None:
    if addresses.name == "sqlite":
        return  # has one writer at a time
    async with open_backend("orm-no-commit") as backend:
        assert await backend.users.get_by_email(ANNE["email"]) is None
        row = {"id": "6f6ca3c5-0b0b-4b0e-8f0a-9a5c6a1d8f11", **ANNE, "changes": 0}
        flags = {"is_active": True, "is_superuser": False, "is_verified": False}
        async with backend.engine.begin() as connection:
            await connection.execute(insert(User.__table__).values(**row, **flags))
        with pytest.raises(UserAlreadyExists):
            await backend.users.create(ANNE)


async def test_a_user_deleted_after_the_apps_transaction_began_is_not_found(
    addresses: Addresses, open_backend: OpenBackend
) -> None:
    if addresses.name == "sqlite":
        return  # has one writer at a time

    async def delete_and_change(backend: Backend, user_id: Any) -> None:
        anne = await backend.users.get(user_id)
        async with backend.engine.begin() as connection:
            await connection.execute(delete(User.__table__))
        with pytest.raises(UserNotFoundError):
            await backend.users.update(anne, {"name": "Anne"})
        with pytest.raises(UserNotFoundError):
            await backend.users.add_oauth_account(anne, ACCOUNT)

    for adapter in ("orm-no-commit", "databases"):
        async with open_backend(adapter) as backend:
            created = await backend.users.create(ANNE)
            await backend.settle()
            if backend.is_orm:
                await delete_and_change(backend, created.id)
            else:
                async with backend.connection.transaction():
                    await delete_and_change(backend, created.id)
            assert await backend.rows(select(OAuthAccount.__table__)) == []


async def test_an_account_unlinked_after_the_apps_transaction_began_is_linked_again(
    addresses: Addresses, open_backend: OpenBackend
) -> None:
    if addresses.name == "sqlite":
        return  # has one writer at a time

    async def unlink_and_link(backend: Backend, user_id: Any) -> None:
        anne = await backend.users.get(user_id)
        async with backend.engine.begin() as connection:
            await connection.execute(delete(OAuthAccount.__table__))
        [account] = anne.oauth_accounts
        newer = {**ACCOUNT, "access_token": "newer"}
        with pytest.raises(OAuthAccountNotFoundError):
            await backend.users.update_oauth_account(anne, account, newer)
        if addresses.name.startswith("mariadb"):  # keeps to its first snapshot
            with pytest.raises(OAuthAccountNotFoundError):
                await backend.users.update(anne, {"oauth_accounts": [newer]})
        await backend.users.add_oauth_account(anne, newer)

    for adapter in ("orm-no-commit", "databases"):
        async with open_backend(adapter) as backend:
            created = await backend.users.create({**ANNE, "oauth_accounts": [ACCOUNT]})
            await backend.settle()
            if backend.is_orm:
                await unlink_and_link(backend, created.id)
            else:
                async with backend.connection.transaction():
                    await unlink_and_link(backend, created.id)
            [row] = await backend.rows(select(OAuthAccount.__table__))
            assert (row.account_id, row.access_token) == (ACCOUNT["account_id"], "newer")
