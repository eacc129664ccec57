"""Requirements that are lines of tables: Poetry's, and those of a Pipfile."""

import pytest
from fastapi_users_db_cli.engine import STEPS, Options, migrate

LEGACY = "from fastapi_users import models\n\n\nclass User(models.BaseUser):\n    pass\n"


def after(text: str, step: int, *, path: str = "pyproject.toml", app: str = LEGACY) -> str:
    files = {path: f"[packages]\n{text}", "app.py": app}
    result = migrate(files, [step], Options(id_type="uuid"))
    assert migrate(result.texts, [step], Options(id_type="uuid")).texts == result.texts
    return result.texts[path].removeprefix("[packages]\n")


@pytest.mark.parametrize("path", ["pyproject.toml", "Pipfile"])
@pytest.mark.parametrize(
    ("before", "changed"),
    [
        (
            'fastapi-users = {version = "^9.3", extras = ["sqlalchemy", "oauth"]}  # in\nx = 1\n',
            'fastapi-users = {version = "^9.3", extras = ["oauth"]}  # in\n'
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat", "databases"]}\nx = 1\n',
        ),
        (
            "fastapi_users = { extras = ['sqlalchemy2'], version = '*' }\r\n",
            "fastapi_users = { version = '*' }\r\n"
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat"]}\r\n',
        ),
        (
            'fastapi-users = {version = "^9.3", extras = ["sqlalchemy"]}\nfastapi-users-db = "*"\n',
            'fastapi-users = {version = "^9.3"}\nfastapi-users-db = "*"\n',
        ),
        (
            'fastapi-users-db-sqlalchemy = "^4.0"\n',
            'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat"]}\n',
        ),
        (
            'fastapi-users-db = "*"\nfastapi-users-db-sqlalchemy = "^4.0"\n',
            'fastapi-users-db = "*"\n',
        ),
    ],
)
def test_upstreams_adapter_becomes_ours(path: str, before: str, changed: str) -> None:
    newline = "\r\n" if "\r\n" in before else "\n"
    files = {path: f"[packages]{newline}{before}", "app.py": LEGACY}
    result = migrate(files, [1], Options()).texts
    assert result[path] == f"[packages]{newline}{changed}"
    assert migrate(result, [1], Options()).texts == result


def test_app_that_has_left_databases_gets_no_extra_of_it() -> None:
    text = 'fastapi-users = {version = "^10", extras = ["sqlalchemy"]}\n'
    assert '= ["compat"]}' in after(text, 1, app="import fastapi_users\n")


def test_shim_goes_at_the_end() -> None:
    text = 'fastapi-users-db = {version = ">=1.0,<2", extras = ["compat", "asyncpg"]}\n'
    assert after(text, 5) == text.replace('"compat", ', "")
    assert (
        after(text.replace(', "asyncpg"', ""), 5) == 'fastapi-users-db = {version = ">=1.0,<2"}\n'
    )
    assert after(text, 5, app="from fastapi_users_db_sqlalchemy import x\n") == text


def test_extras_on_several_lines_are_left_to_a_person() -> None:
    text = 'fastapi-users = {version = "^9.3", extras = ["sqlalchemy",\n  "oauth"]}\n'
    [finding] = migrate({"pyproject.toml": text}, STEPS, Options()).left
    assert (finding.rule.code, finding.kind) == ("FUD101", "manual")
    assert finding.write.startswith("fastapi-users-db = {version")
