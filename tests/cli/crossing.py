"""How the tests run the engine on texts, and compare what it makes of them."""

import re
from pathlib import Path
from textwrap import dedent

from fastapi_users_db_cli.engine import STEPS, Options, check, migrate
from fastapi_users_db_cli.rule import Finding, Rule

APPS = Path(__file__).parent / "apps"


def migrated(
    text: str, *, select: str = "", unsafe: bool = True, id_type: str | None = "uuid"
) -> str:
    """Return what one file becomes, by one rule or by all."""
    options = Options(unsafe=unsafe, id_type=id_type, select=(select,) if select else ())
    return migrate({"main.py": text}, STEPS, options).texts["main.py"]


def found(
    text: str, *, select: str = "", id_type: str | None = "uuid", path: str = "main.py"
) -> list[Finding]:
    """Return what is found in one file."""
    options = Options(id_type=id_type, select=(select,) if select else ())
    return check({path: text}, STEPS, options).left


def example(rule: Rule) -> tuple[str, str] | None:
    """Return the two sides of the example in the text of a rule."""
    match = re.search(r"\nBefore:\n\n(.*)\nAfter:\n\n(.*)\Z", rule.text or "", re.DOTALL)
    return (dedent(match[1]).strip() + "\n", dedent(match[2]).strip() + "\n") if match else None


def read(folder: Path) -> dict[str, str]:
    """Return the texts of an app."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }
