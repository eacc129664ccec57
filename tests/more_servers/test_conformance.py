"""What each method promises, through PgBouncer: the suite of all databases, on each driver."""

import pytest

from tests.conformance.test_users import *  # noqa: F403
from tests.conftest import SOAK

if SOAK:
    from tests.conformance.test_access_tokens import *  # noqa: F403
    from tests.conformance.test_oauth_accounts import *  # noqa: F403

# They name databases themselves, which are not behind PgBouncer.
del test_get_by_email_chooses_one_of_several_that_differ_only_by_case  # noqa: F821
del test_get_by_email_finds_a_user_behind_others_who_look_alike  # noqa: F821
del test_get_by_email_finds_a_user_beside_one_who_looks_alike  # noqa: F821
del test_get_by_email_prefers_the_address_as_stored  # noqa: F821

pytestmark = pytest.mark.thorough
