"""A harness that does harm to one operation, at each of its requests to the database in turn.

On servers `proxy.py` stands between driver and server; on SQLite `sqlite.py` stands before the
driver's thread. Neither knows what an adapter is.
"""
