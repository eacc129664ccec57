"""The command line `fastapi-users-db`: it leads an app to FastAPI Users 15 and to this package.

What reads and rewrites code (`check`, `migrate`, `rule`) imports nothing but the standard library,
so it runs where the app's packages are missing, broken or of another generation.
"""
