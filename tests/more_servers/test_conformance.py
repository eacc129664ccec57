"""What each method promises, through PgBouncer: the suite of all databases, on each driver."""

import pytest

from tests.conformance.test_users import *  # noqa: F403
from tests.conftest import SOAK

if SOAK:
    from tests.conformance.test_access_tokens import *  # noqa: F403
    from tests.conformance.test_oauth_accounts import *  # noqa: F403

pytestmark = pytest.mark.thorough
