"""Those whom most tests are about, as dicts to create them from."""

ANNE = {"email": "anne@example.com", "hashed_password": "hash"}
BERT = {"email": "bert@example.com", "hashed_password": "hash"}
ACCOUNT = {
    "oauth_name": "provider",
    "access_token": "token",
    "account_id": "1",
    "account_email": "anne@provider.example",
}
"""An OAuth account of Anne's."""
