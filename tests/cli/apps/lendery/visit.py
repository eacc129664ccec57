"""Visit the app in the current folder, before or after its crossing, and print what it answers.

Before, people register, link, lend and reset first; after, nobody does: what is there has to do.
"""

import asyncio
import json
import os
import sys

import httpx

sys.path.insert(0, os.getcwd())

from app.main import app  # noqa: E402
from app.services.mail import outbox  # noqa: E402

IS_OLD = sys.argv[1] == "before"
ADA = {"email": "ada@example.com", "password": "password", "first_name": "Ada"}
BOB = {**ADA, "email": "Bob@example.com", "first_name": "Bob"}


class Visitor:
    def __init__(self, client):
        self.client = client
        self.answers = {}

    async def ask(self, method, path, **options):
        return await self.client.request(method, "/api/v1" + path, **options)

    async def note(self, name, method, path, **options):
        answer = await self.ask(method, path, **options)
        self.answers[name] = [answer.status_code, answer.json()]

    async def log_in(self, email, password):
        form = {"username": email, "password": password}
        answer = await self.ask("POST", "/auth/jwt/login", data=form)
        return {"headers": {"Authorization": "Bearer " + answer.json()["access_token"]}}

    async def link(self, email):
        begun = (await self.ask("GET", "/auth/clubs/authorize")).json()
        query = {"code": email, "state": httpx.URL(begun["authorization_url"]).params["state"]}
        answer = await self.ask("GET", "/auth/clubs/callback", params=query)
        return {"headers": {"Authorization": "Bearer " + answer.json()["access_token"]}}

    async def reset(self, email, password):
        await self.ask("POST", "/auth/forgot-password", json={"email": email})
        body = {"token": outbox[-1].body, "password": password}
        self.answers["reset"] = (await self.ask("POST", "/auth/reset-password", json=body)).status_code

    async def begin(self):
        for person in (ADA, BOB):
            await self.ask("POST", "/auth/register", json=person)
        await self.ask("POST", "/items/", json={"name": "Saw"}, **await self.log_in("ada@example.com", "password"))
        await self.ask("POST", "/loans/1", **await self.log_in("bob@example.com", "password"))

    async def visit(self):
        await self.reset("bob@example.com", "new password")
        ada = await self.log_in("ADA@example.com", "password")
        bob = await self.log_in("bob@example.com", "new password")
        await self.note("linked", "GET", "/users/me", **await self.link("carol@example.com"))
        await self.note("linked too", "GET", "/users/me", **await self.link("bob@example.com"))
        for name, of in {"ada": ada, "bob": bob}.items():
            await self.note(name, "GET", "/users/me", **of)
            await self.note(name + "'s items", "GET", "/items/mine", **of)
            await self.note(name + "'s loans", "GET", "/loans/", **of)
        await self.note("full", "GET", "/me/full", **ada)
        await self.note("nobody", "GET", "/users/me")
        await self.note("members", "GET", "/members", **ada)
        await self.note("member", "GET", "/members/bob@example.com", **ada)
        await self.note("no member", "GET", "/members/eve@example.com", **ada)
        await self.note("greeting", "GET", "/greeting", **ada)
        await self.note("stranger", "GET", "/greeting")
        await self.note("lent", "POST", "/loans/1", **ada)
        await self.note("no keeper", "GET", "/admin/numbers", **ada)
        keeper = await self.log_in("keeper@example.com", "keep it well")
        await self.note("numbers", "GET", "/admin/numbers", **keeper)
        await self.note("again", "POST", "/auth/register", json=ADA)
        await self.note("short", "POST", "/auth/register", json={**ADA, "email": "e@example.com", "password": "x"})
        await self.note("no name", "POST", "/auth/register", json={**ADA, "first_name": "1"})
        self.answers["no name"] = self.answers["no name"][0]
        await self.note("change", "PATCH", "/users/me", json={"last_name": "L"}, **ada)
        refreshed = (await self.ask("POST", "/auth/jwt/refresh", **ada)).json()["access_token"]
        await self.note("refreshed", "GET", "/users/me", headers={"Authorization": "Bearer " + refreshed})
        form = {"username": "ada@example.com", "password": "password"}
        await self.ask("POST", "/auth/cookie/login", data=form)
        await self.note("by cookie", "GET", "/users/me")
        await self.ask("POST", "/auth/cookie/logout")
        self.client.cookies.clear()


async def main():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://lendery.test") as client:
        visitor = Visitor(client)
        if IS_OLD:
            await app.router.startup()
            await visitor.begin()
            await visitor.visit()  # The first time, to link and to change.
            await visitor.visit()
            await app.router.shutdown()
        else:
            async with app.router.lifespan_context(app):
                await visitor.visit()
    print(json.dumps(visitor.answers, indent=1, sort_keys=True))


asyncio.run(main())
