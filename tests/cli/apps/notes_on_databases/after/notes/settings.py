import os


class Settings:
    database_url: str = os.environ.get("NOTES_DATABASE", "sqlite:///./notes.db")
    secret: str = "a secret that is long enough for the tests"


settings = Settings()
