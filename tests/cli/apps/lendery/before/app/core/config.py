"""Settings, from the environment."""
import os
from typing import List


class Settings:
    PROJECT_NAME: str = "Lendery"
    API_V1: str = "/api/v1"
    SECRET: str = os.getenv("LENDERY_SECRET", "lendery lendery lendery lendery lendery")
    OAUTH_STATE_SECRET: str = os.getenv("LENDERY_STATE_SECRET", "states states states states states states")
    DATABASE_URL: str = os.getenv("LENDERY_DATABASE", "sqlite:///./lendery.db")
    CORS_ORIGINS: List[str] = ["http://localhost:3000"]
    TOKEN_LIFETIME: int = 3600
    COOKIE_NAME: str = "lendery"


settings = Settings()
