"""Secrets that are planted in the data, and all text in which they must not appear."""

import logging
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MARK = "PLANTED"


def planted(name: str) -> str:
    """Return a password hash or a token that is found wherever it appears."""
    return f"{MARK}-{name.replace(' ', '-')}"


@dataclass
class Texts:
    """The text that was produced: log records, warnings, errors, and what objects look like."""

    texts: list[str] = field(default_factory=list)

    def show(self, value: Any) -> None:
        """Collect what a user, a token or an error looks like."""
        self.texts += [str(value), repr(value)]

    def raised(self, error: BaseException) -> None:
        """Collect all that an error, and whatever led to it, shows of itself."""
        seen: set[int] = set()
        links: list[BaseException | None] = [error]
        while links:
            link = links.pop()
            if link is None or id(link) in seen:
                continue
            seen.add(id(link))
            self.show(link)
            # Not the traceback, which is lines of our own: a secret is in a message or a note.
            self.texts += traceback.format_exception_only(type(link), link)
            links += [link.__cause__, link.__context__, getattr(link, "orig", None)]

    def assert_no_secret(self) -> None:
        """Fail if a secret is in the text."""
        found = [text for text in self.texts if MARK in text]
        assert not found, "a secret is shown: " + "\n---\n".join(found[:3])


class _Handler(logging.Handler):
    def __init__(self, texts: Texts) -> None:
        super().__init__(logging.NOTSET)
        self.texts = texts
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        # Formatted as it would be written: with the traceback, if there is one.
        self.texts.texts.append(self.format(record))


@contextmanager
def collected() -> Iterator[Texts]:
    """Collect the log, ours in full and that of others from INFO on, and the warnings."""
    texts = Texts()
    handler = _Handler(texts)
    root, ours = logging.getLogger(), logging.getLogger("fastapi_users_db")
    levels = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    ours.setLevel(logging.DEBUG)
    show = warnings.showwarning

    def showwarning(message: Any, *args: Any, **kwargs: Any) -> None:
        texts.show(message)
        show(message, *args, **kwargs)

    warnings.showwarning = showwarning
    try:
        yield texts
    finally:
        warnings.showwarning = show
        root.removeHandler(handler)
        root.setLevel(levels[0])
        ours.setLevel(levels[1])
