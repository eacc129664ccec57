"""The combinations of the conformance suite, under hostile input."""

from tests.conformance.conftest import addresses, backend, open_backend
from tests.conftest import SOAK

__all__ = ["addresses", "backend", "open_backend"]

# Long ones, which `make soak` runs.
LONG = ["test_api.py", "test_constructors.py", "test_fuzz.py"]
collect_ignore = [] if SOAK else LONG
