"""What every program has in common: it does what it is told to over HTTP, all at once.

A line of JSON holds a list of operations, each the name of a method of `Worker` and its
arguments; the answer holds the outcome of each. It runs on every version of FastAPI Users.
"""

import asyncio
import json
import sys
import traceback

import httpx

CONCURRENCY = 6


class Worker:
    """The operations.

    Parameters:
        app: the FastAPI application.
        accounts: an object with `link` and `find`: OAuth without a provider.
    """

    def __init__(self, app, accounts):
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://app")
        self._accounts = accounts

    async def register(self, **values):
        return _outcome(await self._client.post("/register", json=values))

    async def login(self, email, password):
        form = {"username": email, "password": password}
        return _outcome(await self._client.post("/login", data=form))

    async def logout(self, token):
        response = await self._client.post("/logout", headers=_bearer(token))
        # FastAPI Users 9 answers 200, with nothing.
        return {"status": 204 if response.status_code == 200 else response.status_code}

    async def read(self, token):
        return _outcome(await self._client.get("/users/me", headers=_bearer(token)))

    async def change(self, token, **values):
        response = await self._client.patch("/users/me", json=values, headers=_bearer(token))
        return _outcome(response)

    async def link(self, email, account_id, access_token):
        user = await self._accounts.link(email, account_id, access_token)
        return {"status": 200, "id": str(user.id)}

    async def find(self, account_id):
        user = await self._accounts.find(account_id)
        tokens = [a.access_token for a in user.oauth_accounts if a.account_id == account_id]
        return {"status": 200, "id": str(user.id), "access_tokens": tokens}


def _outcome(response):
    return {"status": response.status_code, **response.json()}


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


async def serve(worker):
    """Do what each line says until the input ends."""
    limit = asyncio.Semaphore(CONCURRENCY)
    for line in sys.stdin:
        operations = [
            _perform(getattr(worker, name), arguments, limit)
            for name, arguments in json.loads(line)
        ]
        print(json.dumps(await asyncio.gather(*operations)), flush=True)  # noqa: T201


async def _perform(operation, arguments, limit):
    async with limit:
        try:
            return await operation(**arguments)
        except Exception:
            return {"status": 500, "detail": traceback.format_exc()}
