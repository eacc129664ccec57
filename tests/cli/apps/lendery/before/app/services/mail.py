"""Mails; here they are kept, so that they can be looked at."""
from typing import List, NamedTuple


class Mail(NamedTuple):
    to: str
    subject: str
    body: str


outbox: List[Mail] = []


async def send(to: str, subject: str, body: str) -> None:
    outbox.append(Mail(to, subject, body))
