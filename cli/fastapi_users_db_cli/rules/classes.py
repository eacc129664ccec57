"""What several rules share: the bodies of classes."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from fastapi_users_db_cli.rule import Change
from fastapi_users_db_cli.source import Source

__all__ = ["add_lines", "fields", "is_docstring"]


def is_docstring(statement: ast.stmt) -> bool:
    """Tell whether a statement is a string that stands alone."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def add_lines(
    change: Change, source: Source, node: ast.ClassDef, lines: Sequence[str], *, last: bool = False
) -> None:
    """Put lines at the beginning of a class, or at its end; they take the place of `pass`."""
    first = node.body[0]
    start = source.start(first)
    line = source.line_start(start)
    is_on_header = bool(source.data[line:start].strip())
    indent = source.indent(node) + source.step if is_on_header else source.indent(first)
    separator = source.newline + indent
    text = separator.join(lines)
    is_empty = len(node.body) == 1 and (isinstance(first, ast.Pass) or _is_ellipsis(first))
    if is_on_header:
        # `class A(B): pass`, on one line.
        colon = source.data.rindex(b":", 0, start)
        rest = "" if is_empty else separator + source.data[start : source.end(node)].decode()
        change.edits.append(
            source.replace_between(colon + 1, source.end(node), separator + text + rest)
        )
    elif is_empty:
        change.replace(source, first, text)
    elif is_docstring(first) or last:
        change.after(source, node.body[-1] if last else first, separator + text)
    else:
        is_block = isinstance(first, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        gap = source.newline * (2 if is_block else 1)
        change.edits.append(source.insert(line, indent + text + gap))


def _is_ellipsis(statement: ast.stmt) -> bool:
    return is_docstring(statement) and statement.value.value is ...  # type: ignore[attr-defined]


def fields(node: ast.ClassDef) -> dict[str, ast.AnnAssign]:
    """Return the annotated names of a class."""
    return {
        each.target.id: each
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
