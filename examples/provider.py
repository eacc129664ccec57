"""A little OAuth provider, "Acme", in the place of Google or GitHub: whoever asks is believed."""

import secrets
import uuid
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.security import OAuth2AuthorizationCodeBearer

app = FastAPI(title="Acme, an OAuth provider")
bearer = OAuth2AuthorizationCodeBearer(authorizationUrl="authorize", tokenUrl="token")
emails_by_code: dict[str, str] = {}
emails_by_token: dict[str, str] = {}


@app.get("/authorize", response_class=HTMLResponse)
async def ask_who_it_is() -> str:
    return """
        <!doctype html>
        <title>Acme</title>
        <form method="post">
            <h1>Sign in with Acme</h1>
            <input name="email" type="email" value="ada@example.org" aria-label="E-mail">
            <button>Sign in</button>
        </form>
    """


@app.post("/authorize")
async def send_back_with_code(
    redirect_uri: str, state: str, email: Annotated[str, Form()]
) -> RedirectResponse:
    code = secrets.token_urlsafe()
    emails_by_code[code] = email
    query = urlencode({"code": code, "state": state})
    return RedirectResponse(f"{redirect_uri}?{query}", status_code=303)


@app.post("/token")
async def exchange_code(code: Annotated[str, Form()]) -> dict[str, str | int]:
    if code not in emails_by_code:
        raise HTTPException(400, "invalid_grant")
    # Longer than 1024 characters, as some providers' are.
    token = secrets.token_urlsafe(1500)
    emails_by_token[token] = emails_by_code.pop(code)
    return {"access_token": token, "token_type": "bearer", "expires_in": 3600}


@app.get("/userinfo")
async def tell_who_it_is(token: Annotated[str, Depends(bearer)]) -> dict[str, str]:
    if token not in emails_by_token:
        raise HTTPException(401, "invalid_token")
    email = emails_by_token[token]
    return {"sub": str(uuid.uuid5(uuid.NAMESPACE_URL, email)), "email": email}
