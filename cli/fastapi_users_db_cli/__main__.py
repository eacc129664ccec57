"""`python -m fastapi_users_db_cli`, which works where SQLAlchemy and FastAPI Users do not."""

from fastapi_users_db_cli.command import run

run()
