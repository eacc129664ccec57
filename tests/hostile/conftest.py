"""The combinations of the conformance suite, under hostile input."""

from tests.conformance.conftest import addresses, backend

__all__ = ["addresses", "backend"]
