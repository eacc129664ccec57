"""The calls in the legacy convention: pydantic models in and out (FastAPI Users 8 and 9)."""

from typing import Optional

from fastapi_users import models
from fastapi_users.authentication.strategy.db import BaseAccessToken
from protocol import create_tables, show_token, show_user


class User(models.BaseUser, models.BaseOAuthAccountMixin):
    name: Optional[str]  # noqa: UP045


class UserDB(User, models.BaseUserDB):
    pass


class AccessToken(BaseAccessToken):
    pass


class Legacy:
    def __init__(self, addresses, metadata, users, tokens):
        self.addresses = addresses
        self.metadata = metadata
        self.users = users
        self.tokens = tokens

    async def create_tables(self):
        await create_tables(self.addresses["orm"], self.metadata)

    async def get(self, id):
        return show_user(await self.users.get(id))

    async def get_by_email(self, email):
        return show_user(await self.users.get_by_email(email))

    async def get_by_oauth_account(self, oauth, account_id):
        return show_user(await self.users.get_by_oauth_account(oauth, account_id))

    async def create_user(self, values):
        return show_user(await self.users.create(UserDB(**values)))

    async def update_user(self, id, values):
        user = await self.users.get(id)
        for name, value in values.items():
            setattr(user, name, value)
        return show_user(await self.users.update(user))

    async def delete_user(self, id):
        await self.users.delete(await self.users.get(id))

    async def set_accounts(self, id, accounts):
        user = await self.users.get(id)
        user.oauth_accounts = [models.BaseOAuthAccount(**account) for account in accounts]
        return show_user(await self.users.update(user))

    async def add_account(self, id, account):
        user = await self.users.get(id)
        user.oauth_accounts.append(models.BaseOAuthAccount(**account))
        return show_user(await self.users.update(user))

    async def update_account(self, id, account_id, values):
        user = await self.users.get(id)
        [account] = [a for a in user.oauth_accounts if a.id == account_id]
        for name, value in values.items():
            setattr(account, name, value)
        return show_user(await self.users.update(user))

    async def get_by_token(self, token, max_age=None):
        return show_token(await self.tokens.get_by_token(token, max_age))

    async def create_token(self, values):
        return show_token(await self.tokens.create(AccessToken(**values)))

    async def update_token(self, token, values):
        access_token = await self.tokens.get_by_token(token)
        for name, value in values.items():
            setattr(access_token, name, value)
        return show_token(await self.tokens.update(access_token))

    async def delete_token(self, token):
        await self.tokens.delete(await self.tokens.get_by_token(token))
