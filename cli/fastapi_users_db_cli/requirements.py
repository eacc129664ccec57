"""What is required of packages, in all the files that say so, edited as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.source import Edit, Text

__all__ = ["Pin", "Requirement", "Table", "is_requirements", "pins", "requirements", "tables"]

_FILES = re.compile(
    r"(?i)(.*requirements.*\.(txt|in)|requirements/.*\.(txt|in)|pyproject\.toml|setup\.cfg"
    r"|setup\.py|pipfile|(poetry|pdm|uv|pipfile)\.lock|dockerfile.*|\.github/workflows/.*\.ya?ml"
    r"|(.*/)?(environment|conda)[\w-]*\.ya?ml|(.*/)?constraints[\w-]*\.txt)$"
)
_REQUIREMENT = re.compile(
    r"""(?xm)
    (?P<before>^[ \t]*(?:-[ ])?|[\[(,][ \t]*(?=["']))       # a line, or an item of a list
    (?P<quote>["'])?
    (?P<name>fastapi[-_.]users(?:[-_.]db[-_.]sqlalchemy|[-_.]db)?)
    (?![-\w])
    (?:[ ]*\[(?P<extras>[^\]\n]*)\])?
    (?P<rest>[^"'\n;]*?)
    (?(quote)
        (?:[ ]*;(?:(?!(?P=quote)).)*)?(?P=quote)(?=[ \t]*(?:[,\])\#]|$))   # with a marker
        | (?=[ \t]*(?:\#|\\|;|$))
    )
    """
)
_IN_A_ROW = (",", "[", "(")
_TABLE = re.compile(
    r"(?mi)^(?P<name>fastapi[-_.]users(?:[-_.]db(?:[-_.]sqlalchemy)?)?)[ \t]*=(?!=)[ \t]*"
    r"(?P<value>[^\r\n]*)"
)
_ITEM = re.compile(
    r"[ \t]*,[ \t]*extras[ \t]*=[ \t]*\[[^\]]*\]|extras[ \t]*=[ \t]*\[[^\]]*\][ \t]*,?[ \t]*"
)
_EXTRAS = re.compile(r"extras[ \t]*=[ \t]*\[(?P<extras>[^\]]*)\]")


def is_requirements(path: str) -> bool:
    """Tell whether a file says what is required."""
    return (
        _FILES.fullmatch(path) is not None or _FILES.fullmatch(PurePosixPath(path).name) is not None
    )


_PIN = (
    r"(?xmi) (?:^[ \t]*(?:-[ ])?|[\"'=\[,][ \t]*)[\"']?"
    r"%s(?![-.\w])(?:[ ]*\[[^\]\n]*\])?[\"']?"
    r"[ ]*(?:=[ ]*(?:\{[^}\n]*?version[ ]*=[ ]*)?[\"'])?[ ]*"
    r"(?P<version>(?P<operator>={1,3}|~=|<=?|>=?|\^|~|)[ ]*(?P<number>\d[\w.*]*)"
    r"(?:[ ]*,[ ]*[<>=!~]=?[ ]*[\w.*]+)*)"
)


@dataclass(frozen=True)
class _Found:
    """What is required, at its place in a file."""

    file: Text
    match: re.Match[str]

    def _offset(self, index: int) -> int:
        return len(self.file.text[:index].encode())


class Pin(_Found):
    """A version that is required of a package."""

    @property
    def version(self) -> str:
        """The number in it."""
        return self.match["number"]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The number in it, to compare."""
        return tuple(map(int, re.findall(r"\d+", self.version)[:2]))

    @property
    def is_exact(self) -> bool:
        """Whether it says which release it is, and not only from which one on."""
        operator = self.match["operator"]
        return not operator.startswith(">") or "<" in self.match["version"]

    @cached_property
    def span(self) -> tuple[int, int]:
        """Where the version is."""
        return self._offset(self.match.start("version")), self._offset(self.match.end("version"))

    def with_version(self, version: str) -> Edit:
        """Require another one."""
        return Edit(self.file.path, *self.span, version)


def pins(facts: Facts, name: str) -> Iterator[Pin]:
    """Go through the versions that are required of a package."""
    pattern = re.compile(_PIN % name.replace("-", "[-_.]"))
    for path, text in sorted(facts.project.texts.items()):
        if is_requirements(path) and not path.endswith(".lock"):
            file = Text(path, text)
            yield from (Pin(file, match) for match in pattern.finditer(text))


class Requirement(_Found):
    """A line or an item that requires FastAPI Users or an adapter of it."""

    @property
    def name(self) -> str:
        """Its normalised name."""
        return re.sub(r"[-_.]+", "-", self.match["name"]).lower()

    @property
    def extras(self) -> list[str]:
        """Its extras."""
        return [each.strip() for each in (self.match["extras"] or "").split(",") if each.strip()]

    @cached_property
    def span(self) -> tuple[int, int]:
        """Where its name, its extras and its version are."""
        start = self.match.start("name")
        return self._offset(start), self._offset(self.match.end("rest"))

    def with_extras(self, extras: list[str]) -> Edit:
        """Give it other extras."""
        text = self.match["name"] + (f"[{','.join(extras)}]" if extras else "")
        end = self.match.start("rest")
        return Edit(self.file.path, self.span[0], self._offset(end), text)

    def replaced(self, text: str) -> Edit:
        """Require something else in its place."""
        return Edit(self.file.path, *self.span, text)

    def followed_by(self, text: str) -> Edit:
        """Require something else besides."""
        quote, before = self.match["quote"] or "", self.match["before"]
        end = self._offset(self.match.end())
        if before[:1] in _IN_A_ROW:
            return Edit(self.file.path, end, end, f", {quote}{text}{quote}")
        line_end = self.file.line_end(max(end - 1, 0))
        rest = self.file.data[end:line_end]
        indent = re.match(r"[ \t]*(- )?", before)
        assert indent is not None
        line = f"{indent[0]}{quote}{text}{quote}"
        if quote and not rest.lstrip().startswith(b","):
            return Edit(self.file.path, end, end, f",{self.file.newline}{line}")
        line += "," if quote else ""
        if rest.endswith((b"\n", b"\r")):
            return Edit(self.file.path, line_end, line_end, line + self.file.newline)
        return Edit(self.file.path, line_end, line_end, self.file.newline + line)

    def removed(self) -> Edit:
        """Require it no longer."""
        start, end = self._offset(self.match.start("before")), self._offset(self.match.end())
        if self.match["before"][:1] in _IN_A_ROW:
            if not self.match["before"].startswith(","):
                start += 1
                following = re.compile(rb"[ \t]*,[ \t]*").match(self.file.data, end)
                end = following.end() if following else end
            return Edit(self.file.path, start, end, "")
        return Edit(self.file.path, self.file.line_start(start), self.file.line_end(end), "")


class Table(Requirement):
    """A requirement that is a line of a table, as Poetry and Pipfiles have them."""

    @property
    def extras(self) -> list[str]:
        """Its extras."""
        given = _EXTRAS.search(self.match["value"])
        return re.findall(r"[\w.-]+", given["extras"]) if given else []

    @cached_property
    def span(self) -> tuple[int, int]:
        """Where it is."""
        return self._offset(self.match.start()), self._offset(self.match.end())

    def with_extras(self, extras: list[str]) -> Edit:
        """Give it other extras."""
        quote = "'" if "'" in self.match["value"] else '"'
        listed = ", ".join(f"{quote}{each}{quote}" for each in extras)
        value = self.match["value"]
        new = _EXTRAS.sub(f"extras = [{listed}]", value) if extras else _ITEM.sub("", value)
        return Edit(self.file.path, self._offset(self.match.start("value")), self.span[1], new)

    def followed_by(self, text: str) -> Edit:
        """Require something else on the next line."""
        return Edit(self.file.path, self.span[1], self.span[1], self.file.newline + text)

    def removed(self) -> Edit:
        """Require it no longer."""
        start, end = self.span
        return Edit(self.file.path, start, self.file.line_end(end), "")


def tables(facts: Facts) -> Iterator[Table]:
    """Go through the requirements that are lines of tables."""
    for path, text in sorted(facts.project.texts.items()):
        if is_requirements(path) and path.lower().endswith(("pyproject.toml", "pipfile")):
            file = Text(path, text)
            yield from (Table(file, match) for match in _TABLE.finditer(text))


def requirements(facts: Facts) -> Iterator[Requirement]:
    """Go through all that is required of FastAPI Users and its adapters."""
    for path, text in sorted(facts.project.texts.items()):
        if is_requirements(path) and not path.endswith(".lock"):
            file = Text(path, text)
            yield from (Requirement(file, match) for match in _REQUIREMENT.finditer(text))
