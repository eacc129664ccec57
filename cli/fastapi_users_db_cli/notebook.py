"""A notebook, read as one file: its code cells one after another, without what is no Python."""

from __future__ import annotations

import json
from bisect import bisect_right

from fastapi_users_db_cli.source import Source

__all__ = ["Notebook"]


class Notebook(Source):
    """The code of a notebook. It is read, never written.

    Parameters:
        path: its path, relative to the project and with `/`.
        text: the notebook itself, which is JSON.

    Raises:
        SyntaxError: the code cannot be parsed.
        ValueError: it is no notebook.
    """

    def __init__(self, path: str, text: str) -> None:
        self.cells: list[tuple[int, int]] = []
        """Of each code cell its number, from 1 on and with the others, and its first line."""
        lines: list[str] = []
        for number, code in _code_cells(text):
            self.cells.append((number, len(lines) + 1))
            lines += code
        super().__init__(path, "".join(line + "\n" for line in lines))
        self.text = text

    def shown(self, offset: int) -> tuple[str, int, int]:
        """Return the path with the number of the cell, and the line and column in it."""
        line, column = self.place(offset)
        index = bisect_right([first for _, first in self.cells], line) - 1
        number, first = self.cells[index]
        return f"{self.path}:cell {number}", line - first + 1, column


def _code_cells(text: str) -> list[tuple[int, list[str]]]:
    try:
        cells = json.loads(text)["cells"]
        found = [
            (number, "".join(cell["source"]).splitlines())
            for number, cell in enumerate(cells, 1)
            if cell["cell_type"] == "code"
        ]
    except (KeyError, TypeError) as error:
        raise ValueError("it is no notebook of format 4") from error
    return [(number, _python(lines)) for number, lines in found]


def _python(lines: list[str]) -> list[str]:
    """Blank what IPython reads and Python does not: magics, commands of the shell, questions."""
    if lines and lines[0].lstrip().startswith("%%"):
        return [""] * len(lines)
    return ["" if _is_magic(line.strip()) else line for line in lines]


def _is_magic(line: str) -> bool:
    return line.startswith(("%", "!", "?")) or line.endswith("?")
