"""Access tokens as they are stored: hashed, in a form by which a hash is told from a token."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest

__all__ = ["hashed", "is_hash", "is_session", "session_id", "stored_as"]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Of the last of 43 characters 256 bits fill the upper four bits. No encoder sets the others.
_MARKED = dict(zip(_ALPHABET[::4], _ALPHABET[1::4], strict=True))
_UNUSED = "".join(re.escape(c) for c in _ALPHABET if c not in _MARKED)
_HASH = re.compile(rf"[A-Za-z0-9_-]{{42}}[{_UNUSED}]")


def hashed(token: str) -> str:
    """Return what is stored of a token: its SHA-256 in base64url, 43 characters.

    The last character has one of its two spare bits set. Any decoder ignores them, and a token of
    FastAPI Users' has neither: so that a hash never passes for a token, wherever both are stored.
    """
    encoded = urlsafe_b64encode(sha256(token.encode()).digest()).decode()
    return encoded[:42] + _MARKED[encoded[42]]


def is_hash(value: str) -> bool:
    """Tell whether this has the form of a hash, which is no token."""
    return _HASH.fullmatch(value) is not None


def stored_as(token: str, *, clear: bool = True) -> list[str]:
    """Return what may be stored of a token.

    Parameters:
        token: the token, as the client has it.
        clear: whether it may be stored as it is.
    """
    # What has the form of a hash is stored hashed, whatever it is.
    return [token, hashed(token)] if clear and not is_hash(token) else [hashed(token)]


def session_id(stored: str) -> str:
    """Return a name for the session of a token, given what is stored of it: it opens nothing."""
    return sha256(b"session " + stored.encode()).hexdigest()[:32]


def is_session(given: str, stored: str) -> bool:
    """Tell whether this is the name of the session of a token."""
    return compare_digest(given.encode(errors="replace"), session_id(stored).encode())
