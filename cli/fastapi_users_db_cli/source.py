"""A file of Python: its text as it is, its syntax tree, and what each name in it is bound to.

Positions are offsets into the UTF-8 bytes of the text, as in the tree. Nothing is ever printed
from the tree: what is not edited stays as it is, to the byte.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

__all__ = ["Binding", "Edit", "Imported", "Scope", "Source", "Text", "apply"]

Node = TypeVar("Node", bound=ast.AST)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_WITHOUT_PLACE = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


@dataclass(frozen=True)
class Edit:
    """Text that takes the place of what is between two offsets of a file."""

    path: str
    start: int
    end: int
    text: str


def apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    """Apply edits that do not overlap."""
    pieces, position = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        pieces += [data[position : edit.start], edit.text.encode()]
        position = edit.end
    return b"".join([*pieces, data[position:]])


@dataclass(frozen=True)
class Imported:
    """What an import binds a name to."""

    statement: ast.Import | ast.ImportFrom
    alias: ast.alias
    module: str
    """The module that is imported, or imported from; with its leading dots."""
    name: str | None
    """The name in that module, `*` for all; `None` for the module itself."""


Binding = Imported | ast.AST
"""An import; or the class, function, assigned value, parameter or statement that binds a name."""


@dataclass
class Scope:
    """The names of a module, class or function."""

    node: ast.AST
    parent: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict)

    def find(self, name: str) -> tuple[Binding, Scope] | None:
        """Return what a name is bound to where it is read in this scope, and in which scope."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names and (scope is self or not isinstance(scope.node, ast.ClassDef)):
                return scope.names[name], scope
            scope = scope.parent
        return None


class Text:
    """A file as it is.

    Parameters:
        path: its path, relative to the project and with `/`.
        text: its text, without a byte order mark.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.data = text.encode()
        # Not str.splitlines(), which splits at form feeds too.
        self._lines = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", self.data))]
        newline = re.search(r"\r\n|\r|\n", text)
        self.newline = newline[0] if newline else "\n"

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1 on and in characters."""
        line = bisect_right(self._lines, offset)
        begin = self._lines[line - 1]
        return line, len(self.data[begin:offset].decode(errors="replace")) + 1

    def shown(self, offset: int) -> tuple[str, int, int]:
        """Return what to call the file of an offset, and its line and column there."""
        return (self.path, *self.place(offset))

    def line(self, number: int) -> str:
        """Return a line without its end."""
        end = self._lines[number] if number < len(self._lines) else len(self.data)
        return self.data[self._lines[number - 1] : end].decode().rstrip("\r\n")

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset begins."""
        return self._lines[bisect_right(self._lines, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Return where the line after that of an offset begins."""
        line = bisect_right(self._lines, offset)
        return self._lines[line] if line < len(self._lines) else len(self.data)

    def replace_between(self, start: int, end: int, text: str) -> Edit:
        """Put a text in the place of what is between two offsets."""
        return Edit(self.path, start, end, text)

    def insert(self, offset: int, text: str) -> Edit:
        """Put a text at an offset."""
        return Edit(self.path, offset, offset, text)


class Source(Text):
    """A file of Python.

    Parameters:
        path: its path, relative to the project and with `/`.
        text: its text, without a byte order mark.

    Raises:
        SyntaxError: it cannot be parsed.
        ValueError: it holds a null byte.
    """

    def __init__(self, path: str, text: str) -> None:
        super().__init__(path, text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning, of the app's own strings
            self.tree = ast.parse(text)
        self.module_scope = Scope(self.tree)
        self.parents: dict[ast.AST, ast.AST] = {}
        self.scopes: dict[ast.AST, Scope] = {}
        """The scope in which each name is read or bound, and that of each function's body."""
        self._by_type: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        _Binder(self).read()

    def all(self, *types: type[Node]) -> Iterator[Node]:
        """Go through all nodes of some types."""
        for type_ in types:
            yield from self._by_type[type_]  # type: ignore[misc]

    def add(self, node: ast.AST, parent: ast.AST) -> None:
        """Note a node."""
        self.parents[node] = parent
        self._by_type[type(node)].append(node)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place, as the tree writes it."""
        return self._lines[line - 1] + column

    def start(self, node: ast.AST) -> int:
        """Return where a node begins; a class or function with its first decorator."""
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            return self.data.rindex(b"@", 0, self.start(decorators[0]))
        return self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Return where a node ends."""
        return self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def code(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return self.data[self.start(node) : self.end(node)].decode()

    def indent(self, node: ast.AST) -> str:
        """Return the space with which the line of a statement begins."""
        start = self.start(node)
        before = self.data[self.line_start(start) : start].decode()
        return before[: len(before) - len(before.lstrip())]

    @cached_property
    def step(self) -> str:
        """What a block is indented by: a tab where most lines have one, or four spaces."""
        lines = [line[:1] for line in self.text.splitlines()]
        return "\t" if lines.count("\t") > lines.count(" ") else "    "

    def shares_line(self, statement: ast.stmt) -> bool:
        """Tell whether something stands before a statement on its line."""
        start = self.start(statement)
        return bool(self.data[self.line_start(start) : start].strip())

    def statement(self, node: ast.AST) -> ast.stmt:
        """Return the statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return the statements among which a statement stands."""
        parent = self.parents[statement]
        blocks = [value for _, value in ast.iter_fields(parent) if isinstance(value, list)]
        return next(block for block in blocks if any(each is statement for each in block))

    def enclosing(self, node: ast.AST, *types: type[Node]) -> Node | None:
        """Return the nearest node of some types that a node is part of."""
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, types):
            parent = self.parents.get(parent)
        return parent

    def is_deferred(self, statement: ast.stmt) -> bool:
        """Tell whether a statement is not run when the file is imported."""
        if self.enclosing(statement, *FUNCTIONS):
            return True
        condition = self.enclosing(statement, ast.If)
        return condition is not None and "TYPE_CHECKING" in self.code(condition.test)

    def binding(self, name: ast.Name) -> tuple[Binding, Scope] | None:
        """Return what a name is bound to, and in which scope."""
        return self.scopes[name].find(name.id)

    @cached_property
    def functions(self) -> dict[ast.AST, str]:
        """What the functions are called: their names with those around them, each given once."""
        found: dict[ast.AST, str] = {}
        taken: set[str] = set()
        nodes: list[FunctionNode] = [*self.all(ast.FunctionDef)]
        nodes += self.all(ast.AsyncFunctionDef)
        for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
            outer = self.enclosing(node, *FUNCTIONS, ast.ClassDef)
            around = found.get(outer, getattr(outer, "name", "")) if outer else ""
            name = stem = f"{around}/{node.name}" if around else node.name
            number = 1
            while name in taken:
                number += 1
                name = f"{stem}/{number}"
            found[node] = name
            taken.add(name)
        return found

    @cached_property
    def local_scopes(self) -> dict[str, Scope]:
        """The scopes of the functions, by what these are called."""
        return {name: self.scopes[node] for node, name in self.functions.items()}

    @cached_property
    def stores(self) -> Counter[tuple[ast.AST, str]]:
        """How often each name is given a value in a scope."""
        names = [each for each in self.all(ast.Name) if not isinstance(each.ctx, ast.Load)]
        return Counter((self.scopes[each].node, each.id) for each in names)

    @cached_property
    def imports(self) -> list[Imported]:
        """All that is imported, in whichever scope."""
        found = []
        for statement in self.all(ast.Import):
            for alias in statement.names:
                found.append(Imported(statement, alias, alias.name, None))
        for from_ in self.all(ast.ImportFrom):
            module = "." * from_.level + (from_.module or "")
            found += [Imported(from_, alias, module, alias.name) for alias in from_.names]
        return found

    @cached_property
    def exported(self) -> dict[str, ast.Constant]:
        """The names in `__all__`."""
        value = self.module_scope.names.get("__all__")
        elements = value.elts if isinstance(value, ast.List | ast.Tuple) else []
        return {
            element.value: element
            for element in elements
            if isinstance(element, ast.Constant) and isinstance(element.value, str)
        }

    # What edits are made of. Each returns edits that a `Change` collects.

    def replace(self, node: ast.AST, text: str) -> Edit:
        """Put a text in the place of a node."""
        return Edit(self.path, self.start(node), self.end(node), text)

    def remove_items(self, items: Sequence[ast.AST], removed: Sequence[ast.AST]) -> list[Edit]:
        """Take items out of a list with commas: arguments, bases, imported names."""
        edits, index = [], 0
        while index < len(items):
            last = index
            while last < len(items) and items[last] in removed:
                last += 1
            if last > index:
                edits += self._remove_run(items, index, last - 1)
            index = last + 1
        return edits

    def unexport(self, *names: str) -> list[Edit]:
        """Take names out of `__all__`."""
        value = self.module_scope.names.get("__all__")
        elements = value.elts if isinstance(value, ast.List | ast.Tuple) else []
        removed = [self.exported[name] for name in names if name in self.exported]
        return self.remove_items(elements, removed)

    def _remove_run(self, items: Sequence[ast.AST], first: int, last: int) -> list[Edit]:
        start, end = self.start(items[first]), self.end(items[last])
        comma = self._comma(end)
        if comma is not None:
            end = comma + 1
        elif first > 0:
            # Behind an item in parentheses of its own, there is more than space and comments.
            match = re.compile(rb"(?:[^,#]|#[^\r\n]*)*,").match(
                self.data, self.end(items[first - 1]), start
            )
            assert match is not None
            before = match.end() - 1
            between = self.data[before + 1 : start]
            if b"#" in between:
                return [Edit(self.path, before, before + 1, ""), Edit(self.path, start, end, "")]
            return [Edit(self.path, before, end, "")]
        line, rest = self.line_start(start), self.line_end(end - 1)
        after = self.data[end:rest].strip()
        if not self.data[line:start].strip() and (not after or after.startswith(b"#")):
            return [Edit(self.path, line, rest, "")]
        blank = re.compile(rb"[ \t]*").match(self.data, end)
        return [Edit(self.path, start, blank.end() if blank and after else end, "")]

    def _comma(self, offset: int) -> int | None:
        """Return where the comma is that follows, behind space and comments alone."""
        match = re.compile(rb"(?:[\s\\]|#[^\r\n]*)*,").match(self.data, offset)
        return match.end() - 1 if match else None

    def remove_statements(self, removed: Sequence[ast.stmt]) -> list[Edit]:
        """Take statements out, with their lines and the blank lines that only they needed."""
        edits, runs = [], list[list[ast.stmt]]()
        for statement in sorted(removed, key=self.start):
            block = self.block(statement)
            before = block[block.index(statement) - 1] if statement is not block[0] else None
            if runs and runs[-1][-1] is before:
                runs[-1].append(statement)
            else:
                runs.append([statement])
        for run in runs:
            edits.append(self._without(run[0], run[-1]))
        return edits

    def _without(self, statement: ast.stmt, last: ast.stmt) -> Edit:
        block = self.block(statement)
        start, end = self.start(statement), self.end(last)
        line, rest = self.line_start(start), self.line_end(max(end - 1, 0))
        shares = self.data[line:start].strip() or re.match(rb"[ \t]*;", self.data[end:rest])
        is_all = statement is block[0] and last is block[-1] and statement not in self.tree.body
        if shares or is_all:
            return Edit(self.path, start, end, "pass")
        blank = re.compile(rb"[ \t\f]*(?:\r\n|\r|\n)")
        after = rest
        while match := blank.match(self.data, after):
            after = match.end()
        before = line
        while before and not self.data[self.line_start(before - 1) : before].strip():
            before = self.line_start(before - 1)
        if not line:
            return Edit(self.path, 0, after, "")
        is_followed_by_blank = after > rest or after == len(self.data) or last is block[-1]
        if statement is block[0] and statement not in self.tree.body[:1]:
            return Edit(self.path, line, after, "")
        if before < line and is_followed_by_blank:
            return Edit(self.path, before, rest, "")
        return Edit(self.path, line, rest, "")


class _Binder(ast.NodeVisitor):
    """Finds parents and scopes, and what each name is bound to."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.scope = source.module_scope
        self.globals: set[str] = set()

    def read(self) -> None:
        self.generic_visit(self.source.tree)

    def bind(self, name: str, binding: Binding) -> None:
        scope = self.source.module_scope if name in self.globals else self.scope
        scope.names.setdefault(name, binding)

    def generic_visit(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, _WITHOUT_PLACE):
                self.child(node, child)

    def child(self, parent: ast.AST, child: ast.AST | None) -> None:
        if child is not None:
            self.source.add(child, parent)
            self.visit(child)

    def annotation(self, parent: ast.AST, node: ast.AST | None) -> None:
        """Visit an annotation, and what is written in it as a string."""
        self.child(parent, node)
        for part in ast.walk(node) if node else ():
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.quoted(part)

    def quoted(self, constant: ast.Constant) -> None:
        code = self.source.code(constant)[1:-1]
        if code != constant.value:
            return  # A prefix, an escape or several lines: it stays a string.
        try:
            tree = ast.parse(code, mode="eval").body
        except SyntaxError:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.expr):
                node.lineno = node.end_lineno = constant.lineno
                node.col_offset += constant.col_offset + 1
                assert node.end_col_offset is not None
                node.end_col_offset += constant.col_offset + 1
        self.child(constant, tree)

    def visit_Name(self, node: ast.Name) -> None:
        self.source.scopes[node] = self.scope
        if not isinstance(node.ctx, ast.Load):
            self.bind(node.id, node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.bind(target.id, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.bind(node.target.id, node.value or node)
        self.child(node, node.target)
        self.annotation(node, node.annotation)
        self.child(node, node.value)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            module = alias.name if alias.asname else name
            self.bind(name, Imported(node, alias, module, None))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        for alias in node.names:
            # Each star import counts, so each has a key of its own, which is no name.
            name = f"* {module}" if alias.name == "*" else alias.asname or alias.name
            self.bind(name, Imported(node, alias, module, alias.name))

    def visit_Global(self, node: ast.Global) -> None:
        self.globals.update(node.names)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bind(node.name, node)
        self.generic_visit(node)

    def _inside(self, node: ast.AST) -> Scope:
        scope, self.scope = self.scope, Scope(node, self.scope)
        return scope

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bind(node.name, node)
        for part in [*node.decorator_list, *node.bases, *node.keywords]:
            self.child(node, part)
        outside = self._inside(node)
        for statement in node.body:
            self.child(node, statement)
        self.scope = outside

    def visit_FunctionDef(self, node: FunctionNode) -> None:
        self.bind(node.name, node)
        for decorator in node.decorator_list:
            self.child(node, decorator)
        self.annotation(node, node.returns)
        self._function(node, node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node, node.args, [node.body])

    def _function(self, node: ast.AST, args: ast.arguments, body: Sequence[ast.AST]) -> None:
        self.source.add(args, node)
        everything = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        everything += [arg for arg in (args.vararg, args.kwarg) if arg]
        for arg in everything:
            self.source.add(arg, args)
            self.annotation(arg, arg.annotation)
        for default in [*args.defaults, *args.kw_defaults]:
            self.child(args, default)
        outside, outer_globals = self._inside(node), self.globals
        self.globals = set()
        self.source.scopes[node] = self.scope
        for arg in everything:
            self.bind(arg.arg, arg)
        for part in body:
            self.child(node, part)
        self.scope, self.globals = outside, outer_globals

    def _comprehension(self, node: ast.AST) -> None:
        outside = self._inside(node)
        self.generic_visit(node)
        self.scope = outside

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815
