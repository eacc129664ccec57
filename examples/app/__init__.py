"""The application, twice: `on_databases.py` and `on_orm.py` differ in one line.

Run it with `uvicorn examples.app.on_orm:app`.
"""
