"""The application, twice: `on_databases.py` and `on_orm.py` differ in how they reach the database.

`legacy.py` is the same with the database layer that it had on FastAPI Users 8, through the shim;
`with_tokens.py` has its access tokens in a table, hashed.

Run it with `uvicorn examples.app.on_orm:app`.
"""
