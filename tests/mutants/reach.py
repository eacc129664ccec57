"""Which tests reach a line: of the lines of functions, only these can kill a mutant."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from coverage import CoverageData

__all__ = ["Reach", "measure"]

Reach = Mapping[tuple[str, int], set[str]]
"""The functions of tests, as pytest names them, by file and line."""

CONFIGURATION = """
[tool.coverage.run]
concurrency = ["greenlet"]
patch = ["subprocess"]
parallel = true
disable_warnings = ["no-data-collected"]
dynamic_context = "test_function"
data_file = {data}
source_dirs = {folders}
"""


def measure(
    root: Path, folders: Iterable[str], tests: Iterable[str], run: Callable[..., object]
) -> Reach:
    """Run tests, and return which reach which line, but for what an import or a fixture runs.

    Parameters:
        root: the folder of the project.
        folders: what is measured.
        tests: what pytest is to run.
        run: starts Python in `root`, with these arguments.
    """
    reach: dict[tuple[str, int], set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory(prefix="reach-") as name:
        data, configuration = Path(name, "data"), Path(name, "coverage.toml")
        configuration.write_text(
            CONFIGURATION.format(data=json.dumps(str(data)), folders=json.dumps([*folders]))
        )
        measuring = ("-m", "coverage", "run", f"--rcfile={configuration}", "-m", "pytest")
        quick = ("-q", "-m", "not thorough", "-p", "no:cacheprovider", "--numprocesses", "auto")
        run(*measuring, *quick, "--dist", "worksteal", *tests)
        for file in Path(name).glob("data.*"):
            found = CoverageData(str(file))
            found.read()
            for measured in found.measured_files():
                path = Path(measured).resolve().relative_to(root.resolve()).as_posix()
                for line, contexts in found.contexts_by_lineno(measured).items():
                    names = (_name(root, context) for context in contexts)
                    reach[path, line].update(filter(None, names))
    return reach


@cache
def _name(root: Path, context: str) -> str | None:
    module, _, function = context.rpartition(".")
    file = root / f"{module.replace('.', '/')}.py"
    # A method, or a function that another file has taken over, has another name for pytest.
    is_there = module and file.is_file() and f"def {function}(" in file.read_text()
    return f"{file.relative_to(root).as_posix()}::{function}" if is_there else None
