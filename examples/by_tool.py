"""What the demo gives the command line to migrate: the legacy app as a project of its own."""

import ast
import difflib
import shutil
from pathlib import Path

from examples.processes import ROOT

MAIN, MODELS = "app/main.py", "app/models.py"

_APP = ROOT / "examples" / "app"
_FOR_THE_TYPE_CHECKER = "# type: ignore"


def copy_legacy_app(project: Path, database: Path) -> None:
    """Copy the legacy app and its database into a folder of their own.

    Parameters:
        project: the folder, which is made.
        database: the file of the database, of which the copy is `app.db`.
    """
    package = project / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name in ("database.py", "users.py"):
        shutil.copy(_APP / name, package)
    for old, new in (("legacy.py", MAIN), ("legacy_models.py", MODELS)):
        first, _, rest = (_APP / old).read_text().partition("\n")
        assert first.startswith(_FOR_THE_TYPE_CHECKER)
        (project / new).write_text(rest.replace(".legacy_models ", ".models "))
    shutil.copy(database, project / "app.db")


def difference(before: str, after: str) -> list[str]:
    """Return the lines in which two texts differ, whatever the order of their imports."""
    old, new = (_without_order(text) for text in (before, after))
    lines = difflib.unified_diff(old, new, n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def _without_order(text: str) -> list[str]:
    """Return each import as a line of its own, sorted, and then the other lines."""
    lines, imports = text.splitlines(), []
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{'.' * node.level}{node.module}" if isinstance(node, ast.ImportFrom) else ""
            start = f"from {module} " if module else ""
            imports += [f"{start}import {ast.unparse(alias)}" for alias in node.names]
            assert node.end_lineno is not None
            for number in range(node.lineno, node.end_lineno + 1):
                lines[number - 1] = ""
    return [*sorted(imports), *filter(None, lines)]
