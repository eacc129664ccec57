"""`python -m fastapi_users_db`: the command line."""

from fastapi_users_db_cli.command import run

run()
