"""What has to be known of a step when it is deployed: the guide's words, in short."""

from __future__ import annotations

__all__ = ["NOTES"]

GUIDE = "https://fastapi-users-db.readthedocs.io/1.0/migrating/databases"

NOTES = {
    1: (
        "Deploy: as any other version; old and new processes may run side by side.\n"
        "Install: uninstall fastapi-users-db-sqlalchemy before you install the requirements.\n"
        "Roll back: put the old line back. Sessions and passwords are not affected.\n"
        "Next: step 2, wider columns: fastapi-users-db doctor MODULE:OBJECT --revision\n"
        f"See {GUIDE}/#1-replace-the-dependency\n"
    ),
    3: (
        "Require: fastapi-users>=15,<16 and fastapi-users-db[compat], and no pins of pydantic 1\n"
        "and SQLAlchemy 1.\n"
        "Sessions: everybody logs in again, unless the strategy reads both claims; new hashes are\n"
        "argon2, which FastAPI Users 12 and older cannot read, unless bcrypt comes first: with\n"
        "--reversible.\n"
        "Clients: a login with a cookie answers 204. Links in mails that are on their way fail.\n"
        "OAuth: its cookie is Secure, so plain http needs csrf_token_cookie_secure=False.\n"
        "UserDB stays until step 5, and so do calls of it.\n"
        f"See {GUIDE}/#3-upgrade-fastapi-users\n"
    ),
    4: (
        "Require: the driver of SQLAlchemy, such as fastapi-users-db[compat,asyncpg].\n"
        "Deploy: as any other version; old and new processes may run side by side.\n"
        "Roll back: deploy the app of step 3. Sessions and passwords are not affected.\n"
        f"See {GUIDE}/#4-switch-the-backend\n"
    ),
    5: (
        "Wait until you are sure of steps 3 and 4: from here on there is no way back to FastAPI\n"
        "Users 12 and older for users who have logged in.\n"
        "Check: pytest -W error::fastapi_users_db.FastAPIUsersDBDeprecationWarning\n"
        f"See {GUIDE}/#5-leave-the-shim\n"
    ),
}
