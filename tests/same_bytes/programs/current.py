"""The calls in the current convention: dicts in, mapped objects out (FastAPI Users 10 to 15)."""

from protocol import create_tables, show_token, show_user


class Current:
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
        # Upstream's `create` takes no OAuth accounts.
        accounts = values.pop("oauth_accounts")
        user = await self.users.create(values)
        for account in accounts:
            user = await self.users.add_oauth_account(user, account)
        return await self.get(values["id"])

    async def update_user(self, id, values):
        return show_user(await self.users.update(await self.users.get(id), values))

    async def delete_user(self, id):
        await self.users.delete(await self.users.get(id))

    async def set_accounts(self, id, accounts):
        user = await self.users.get(id)
        return show_user(await self.users.update(user, {"oauth_accounts": accounts}))

    async def add_account(self, id, account):
        user = await self.users.get(id)
        return show_user(await self.users.add_oauth_account(user, account))

    async def update_account(self, id, account_id, values):
        user = await self.users.get(id)
        [account] = [a for a in user.oauth_accounts if a.id == account_id]
        return show_user(await self.users.update_oauth_account(user, account, values))

    async def get_by_token(self, token, max_age=None):
        return show_token(await self.tokens.get_by_token(token, max_age))

    async def create_token(self, values):
        return show_token(await self.tokens.create(values))

    async def update_token(self, token, values):
        access_token = await self.tokens.get_by_token(token)
        return show_token(await self.tokens.update(access_token, values))

    async def delete_token(self, token):
        await self.tokens.delete(await self.tokens.get_by_token(token))
