"""A person at a browser: what the demo asks of the application, and what comes back."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

from examples.processes import Server


@dataclass(frozen=True)
class Answer:
    """The requests that were made, and what the last one brought."""

    requests: list[str]
    status: int
    body: dict[str, Any]


class Client:
    """Speaks to one application; a context manager.

    Parameters:
        server: the application that runs.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._http = httpx.Client(base_url=server.url, trust_env=False, timeout=30)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        type_: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def register(self, email: str, password: str) -> Answer:
        """Create an account."""
        credentials = {"email": email, "password": password}
        return _answer([self._http.post("/auth/register", json=credentials)])

    def log_in(self, email: str, password: str) -> Answer:
        """Exchange e-mail and password for a token, and read the account with it."""
        credentials = {"username": email, "password": password}
        return self._with_account([self._http.post("/auth/login", data=credentials)])

    def log_in_with_acme(self, email: str) -> Answer:
        """Sign in at the provider, come back for a token, and read the account with it."""
        return self._with_account(self._visit_acme("/auth/acme/authorize", email, {}))

    def link_acme(self, token: str, email: str) -> Answer:
        """Sign in at the provider, and come back with that account linked to one's own."""
        return _answer(self._visit_acme("/link/acme/authorize", email, _bearer(token)))

    def read_account(self, token: str) -> Answer:
        """Read one's own account."""
        return _answer([self._http.get("/users/me", headers=_bearer(token))])

    def change_account(self, token: str, **changes: str) -> Answer:
        """Change one's own account."""
        return _answer([self._http.patch("/users/me", headers=_bearer(token), json=changes)])

    def _visit_acme(self, path: str, email: str, headers: dict[str, str]) -> list[httpx.Response]:
        start = self._http.get(path, headers=headers)
        if start.is_error:
            return [start]
        page = self._http.get(start.json()["authorization_url"])
        # The form on the page is sent to the page's own address.
        consent = self._http.post(page.url, data={"email": email})
        if not consent.has_redirect_location:
            return [start, page, consent]
        back = self._http.get(consent.headers["location"], headers=headers)
        return [start, page, consent, back]

    def _with_account(self, login: list[httpx.Response]) -> Answer:
        answer = _answer(login)
        if answer.status != 200:
            return answer
        account = self.read_account(answer.body["access_token"])
        return Answer(
            answer.requests + account.requests, account.status, {**answer.body, **account.body}
        )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _answer(responses: list[httpx.Response]) -> Answer:
    application = responses[0].url.netloc
    requests = [
        f"{response.request.method} {'' if response.url.netloc == application else 'Acme '}"
        f"{response.url.path}"
        for response in responses
    ]
    last = responses[-1]
    try:
        body = last.json()
    except ValueError:
        body = {"detail": last.text}
    return Answer(requests, last.status_code, body)
