"""Small changes of a source file, each of which a test should notice.

None is made of what no test is to see: type annotations, docstrings, the messages of errors and
warnings (a text with a space in it is taken for one, unless it begins like SQL), `assert`,
`__all__`, `__version__`, `__repr__`, how much `lru_cache` holds, and what coverage leaves out by
the project's configuration: what is for type checkers or other versions, and the methods of an
interface.
"""

import ast
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coverage import Coverage

__all__ = ["Mutation", "files", "mutations"]

_coverage = Coverage(data_file=None, config_file=str(Path(__file__).parents[2] / "pyproject.toml"))

_OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: ("is", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: (r"\+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: (r"\*", "+"),
    ast.Pow: (r"\*\*", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: (r"\|", "&"),
}
# For these `not (a == b)` is the same as another operator.
_NEGATED = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
# Of a call of these nothing is changed but the call as a whole.
_FOR_READERS = re.compile(r"(.*(Error|Warning)|logger\..*|warnings\..*|TypeVar|cast|lru_cache)$")
_FOR_CHECKERS = {"overload", "abstractmethod", "final", "runtime_checkable"}

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutation:
    """One change of one file.

    Attributes:
        path: the file, from the root of the project.
        line: where the change begins.
        scope: the function, method or class that it is in.
        kind: what is changed.
        start: the first byte that is replaced.
        end: the byte after the last one.
        text: what takes their place.
    """

    path: str
    line: int
    scope: str
    kind: str
    start: int
    end: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"

    def apply(self, source: bytes) -> bytes:
        """Return the source of the mutant."""
        return source[: self.start] + self.text.encode() + source[self.end :]

    def change(self, source: bytes) -> tuple[str, str]:
        """Return the lines that change, as they are and as they become."""
        old, new = (text.decode().splitlines() for text in (source, self.apply(source)))
        lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]
        before, after = (
            "\n".join(line[1:].strip() for line in lines if line.startswith(sign)) for sign in "-+"
        )
        return before, after


def mutations(root: Path, path: str) -> list[Mutation]:
    """Return all mutations of a file, in its order."""
    source = (root / path).read_bytes()
    left_out = _coverage.analysis2(str(root / path))[2]
    finder = _Finder(path, source, frozenset(left_out))
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda m: (m.start, m.end, m.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes, left_out: frozenset[int]) -> None:
        self.found: list[Mutation] = []
        self._path = path
        self._source = source
        self._left_out = left_out
        self._lines = [0]
        for line in source.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))
        self._scope: list[str] = []
        self._rebound: set[str] = set()

    def _start(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        return self._lines[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt | ast.keyword) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> str:
        return self._source[self._start(node) : self._end(node)].decode()

    def _add(self, kind: str, start: int, end: int, text: str) -> None:
        line = self._source.count(b"\n", 0, start) + 1
        scope = ".".join(self._scope)
        self.found.append(Mutation(self._path, line, scope, kind, start, end, text))

    def _replace(self, kind: str, node: ast.expr | ast.stmt, text: str) -> None:
        self._add(kind, self._start(node), self._end(node), text)

    def _operator(self, kind: str, operator: ast.AST, left: ast.expr, right: ast.expr) -> None:
        if type(operator) not in _OPERATORS:
            return
        pattern, other = _OPERATORS[type(operator)]
        start, end = self._end(left), self._start(right)
        # Between the operands there are parentheses and blanks besides.
        found = re.search(pattern.encode(), self._source[start:end])
        assert found is not None
        self._add(kind, start + found.start(), start + found.end(), other)

    def visit(self, node: ast.AST) -> None:
        if not (isinstance(node, ast.stmt) and node.lineno in self._left_out):
            super().visit(node)
        elif isinstance(node, ast.If):
            self._visit_all(node.orelse)

    # Statements.

    def _visit_all(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self.visit(node)

    def _remove(self, node: ast.stmt) -> None:
        self._replace("statement removed", node, "pass")

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if not isinstance(node.value, ast.Yield):
            self._remove(node)
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    def visit_Raise(self, node: ast.Raise) -> None:
        self._remove(node)
        if isinstance(node.exc, ast.Await):
            self.visit(node.exc)

    def visit_Assign(self, node: ast.Assign) -> None:
        names = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        if names & {"__all__", "__version__"}:
            return
        is_name = all(
            isinstance(target, ast.Name | ast.Tuple | ast.List) for target in node.targets
        )
        # Without its only assignment a name is none, which any test finds.
        if self._scope and (not is_name or names & self._rebound):
            self._remove(node)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._remove(node)
        self.visit(node.value)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._remove(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._remove(node)

    def visit_Continue(self, node: ast.Continue) -> None:
        self._remove(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._remove(node)
            return
        # Nobody asks whether it is False or None that is returned.
        if not (isinstance(node.value, ast.Constant) and node.value.value in (None, False, True)):
            self._replace("returned value", node.value, "None")
        self.visit(node.value)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in self._text(node.test):
            self._condition(node.test)
            self.visit(node.test)
        self._visit_all([*node.body, *node.orelse])

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: _Function) -> None:
        if node.name == "__repr__":
            return
        self._scope.append(node.name)
        outer, self._rebound = self._rebound, _rebound(node)
        self._decorators(node)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        self._visit_all(node.body)
        self._rebound = outer
        self._scope.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        self._decorators(node)
        self._visit_all(node.body)
        self._scope.pop()

    def _decorators(self, node: _Function | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            if self._text(decorator) not in _FOR_CHECKERS:
                at = self._source.rindex(b"@", 0, self._start(decorator))
                self._add("decorator removed", at, self._end(decorator), "")
            self.visit(decorator)

    # Expressions.

    def _condition(self, test: ast.expr) -> None:
        is_negated_anyway = (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)) or (
            isinstance(test, ast.Compare)
            and len(test.ops) == 1
            and isinstance(test.ops[0], _NEGATED)
        )
        if not is_negated_anyway:
            self._replace("branches swapped", test, f"not ({self._text(test)})")

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, node.comparators, strict=False):
            self._operator("comparison", operator, left, right)
        for operand in operands:
            if not (isinstance(operand, ast.Constant) and operand.value is None):
                self.visit(operand)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._operator("and, or", node.op, left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self._operator("operator", node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        operator = re.compile(rb"not\s+|not|[-+~]").match(self._source, self._start(node))
        assert operator is not None
        self._add("operator removed", operator.start(), operator.end(), "")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self._text(node.func)
        if _FOR_READERS.match(name):
            return
        if name in ("isinstance", "issubclass"):
            self.visit(node.args[0])
            return
        for keyword in node.keywords:
            if keyword.arg is not None:
                end = self._end(keyword)
                comma = re.compile(rb"\s*,\s*").match(self._source, end)
                end = comma.end() if comma else end
                self._add("argument removed", self._start(keyword), end, "")
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        texts = [part.value for part in node.values if isinstance(part, ast.Constant)]
        if not any(_is_prose(str(text)) for text in texts):
            self._replace("constant", node, "'XX'")

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self._replace("constant", node, str(not value))
        elif value is None:
            self._replace("constant", node, "object()")
        elif isinstance(value, int | float):
            self._replace("constant", node, str(value + 1))
        elif isinstance(value, bytes):
            self._replace("constant", node, repr(b"XX" + value))
        elif isinstance(value, str) and not _is_prose(value):
            self._replace("constant", node, repr(f"XX{value}"))


def _is_prose(text: str) -> bool:
    return " " in text.strip() and not text.split()[0].isupper()


def _rebound(function: _Function) -> set[str]:
    """Return the names that a function binds more than once, its parameters among them."""
    arguments = function.args
    bound = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    bound += [
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return {name for name in bound if bound.count(name) > 1}


def files(root: Path, packages: Iterable[str]) -> list[str]:
    """Return the files below some folders, from the root of the project."""
    found = [file for package in packages for file in (root / package).rglob("*.py")]
    return sorted(file.relative_to(root).as_posix() for file in found)
