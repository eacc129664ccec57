"""The files of a project on disk: which ones matter, how they are read, and writing them back."""

from __future__ import annotations

import codecs
import io
import os
import re
import stat
import subprocess
import tempfile
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from fastapi_users_db_cli.requirements import is_requirements

__all__ = ["Document", "Scan", "UnusableError", "dirty", "scan", "write"]

_HINT = re.compile(rb"fastapi_users|FastAPIUsers")
_IMPORT = re.compile(r"(?m)^[ \t]*((?:from|import)\b.*)$")
_SKIPPED = {".git", ".hg", "__pycache__", "build", "dist", "node_modules", "site-packages"}
_ROUNDS = 5


class UnusableError(Exception):
    """What was asked for cannot be done: nothing has been changed."""


@dataclass(frozen=True)
class Document:
    """A file as it was read, and how to write it back."""

    path: str
    file: Path
    text: str
    encoding: str
    has_mark: bool
    """Whether it begins with a byte order mark."""

    def encoded(self, text: str) -> bytes:
        """Return what to write for a text.

        Raises:
            UnusableError: the encoding that the file declares has no such character.
        """
        mark = codecs.BOM_UTF8 if self.has_mark else b""
        try:
            return mark + text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise UnusableError(f"{self.path}: {error}") from error


@dataclass
class Scan:
    """What was found below some paths."""

    documents: dict[str, Document] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    @property
    def texts(self) -> dict[str, str]:
        """The text of each file."""
        return {path: each.text for path, each in self.documents.items()}


def scan(paths: Sequence[str], exclude: Iterable[str] = ()) -> Scan:
    """Read what matters below some paths: files that know FastAPI Users, and those around them.

    Raises:
        UnusableError: there is no such path.
    """
    files = _files(paths, tuple(exclude))
    found = Scan(seen=len(files))
    others: dict[str, Path] = {}
    for name, file in files.items():
        if _is_code(name):
            data = _read(found, name, file)
            if data is not None and _HINT.search(data):
                _add(found, name, file, data)
            elif data is not None:
                others[name] = file
        elif is_requirements(name) or name.endswith(".mako"):
            data = _read(found, name, file)
            if data is not None:
                _add(found, name, file, data)
    _add_neighbours(found, others)
    _add_imported(found, others)
    return found


def _add_neighbours(found: Scan, others: dict[str, Path]) -> None:
    """Read the files that import from those that matter, also through packages."""
    new = [name for name in found.documents if _is_code(name)]
    for _ in range(_ROUNDS):
        stems = {_stem(name) for name in new if _stem(name)}
        if not stems or not others:
            return
        names = b"|".join(re.escape(stem.encode()) for stem in sorted(stems))
        pattern = re.compile(rb"(?m)^[ \t]*(?:from|import)\b[^\n]*\b(?:" + names + rb")\b")
        new = []
        for name, file in list(others.items()):
            data = _read(found, name, file)
            if data is not None and pattern.search(data):
                _add(found, name, file, data)
                del others[name]
                new += [name] if name.endswith("__init__.py") else []


def _add_imported(found: Scan, others: dict[str, Path]) -> None:
    """Read the packages around files that matter, and what these import from near them."""
    new = [name for name in found.documents if _is_code(name)]
    folders: set[Path] = set()
    words: set[str] = set()
    for _ in range(_ROUNDS):
        folders.update(folder for name in new for folder in Path(name).parents)
        for name in new:
            for line in _IMPORT.findall(found.documents[name].text):
                words.update(re.findall(r"\w+", line))
        # What a package only hands on, its modules have.
        new = [name for name in others if _is_imported(Path(name), folders, words)]
        for name in new:
            file = others.pop(name)
            data = _read(found, name, file)
            if data is not None:
                _add(found, name, file, data)
        new = [name for name in new if name in found.documents]


def _is_imported(path: Path, folders: set[Path], words: set[str]) -> bool:
    is_package = path.name == "__init__.py" and path.parent in folders
    is_near = path.parent in folders or path.parent.name in words
    return is_package or (is_near and _stem(path.as_posix()) in words)


def _is_code(name: str) -> bool:
    """Tell whether a file is one of the app's own code."""
    return name.endswith(".py") and not is_requirements(name)


def _stem(name: str) -> str:
    path = Path(name)
    return path.parent.name if path.stem == "__init__" else path.stem


def _read(found: Scan, name: str, file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError as error:
        found.unreadable[name] = error.strerror or str(error)
        return None


def _add(found: Scan, name: str, file: Path, data: bytes) -> None:
    encoding, has_mark = "utf-8", data.startswith(codecs.BOM_UTF8)
    try:
        if name.endswith(".py"):
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            encoding = encoding.removesuffix("-sig")
        body = data.removeprefix(codecs.BOM_UTF8) if has_mark else data
        text = body.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        found.unreadable[name] = f"is not text: {error}"
        return
    found.documents[name] = Document(name, file, text, encoding, has_mark)


def _files(paths: Sequence[str], exclude: tuple[str, ...]) -> dict[str, Path]:
    """Return the files by name, relative to the current folder where all are below it."""
    for path in paths:
        if not os.path.exists(path):
            raise UnusableError(f"{path}: there is no such file or folder")
    folders = [path if os.path.isdir(path) else os.path.dirname(path) or "." for path in paths]
    absolute = [os.path.abspath(each) for each in folders]
    root = Path(os.path.commonpath([os.getcwd(), *absolute]))
    if str(root) != os.getcwd():
        root = Path(os.path.commonpath(absolute))
        while (root / "__init__.py").exists():
            root = root.parent  # its name is part of the names of its modules
    found: dict[str, Path] = {}
    real: set[str] = set()
    for path in paths:
        start = Path(os.path.abspath(path))
        for file in [start] if start.is_file() else _below(start):
            name = file.relative_to(root).as_posix()
            target = os.path.realpath(file)
            if target not in real and not any(fnmatch(name, each) for each in exclude):
                real.add(target)
                found[name] = file
    return dict(sorted(found.items()))


def _below(folder: Path) -> Iterator[Path]:
    listed = _from_git(folder)
    yield from _walk(folder) if listed is None else listed


def _from_git(folder: Path) -> list[Path] | None:
    """Return the files that git knows or does not ignore, if it is a repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    files = [folder / name for name in names if _SKIPPED.isdisjoint(Path(name).parts[:-1])]
    return [file for file in files if file.is_file()] or None


def _walk(folder: Path) -> Iterator[Path]:
    for directory, folders, files in os.walk(folder):
        folders[:] = sorted(
            each
            for each in folders
            if each not in _SKIPPED
            and not each.startswith(".")
            and not os.path.exists(os.path.join(directory, each, "pyvenv.cfg"))
        )
        for name in sorted(files):
            file = Path(directory, name)
            if file.is_file():  # no broken link, no socket
                yield file


def dirty(documents: Iterable[Document]) -> list[str] | None:
    """Return which files git has uncommitted changes of; `None` without git."""
    found = []
    for document in documents:
        command = ["git", "status", "--porcelain", "--", document.file.name]
        try:
            status = subprocess.run(
                command, cwd=document.file.parent, capture_output=True, check=True
            ).stdout
        except (OSError, subprocess.CalledProcessError):
            return None
        if status:
            found.append(document.path)
    return found


def write(scanned: Scan, texts: dict[str, str]) -> None:
    """Write all files, or none of them.

    Raises:
        UnusableError: one of them cannot be written.
    """
    prepared: list[tuple[str, Path]] = []
    done: list[Document] = []
    try:
        for path, text in texts.items():
            prepared.append((path, _prepare(scanned.documents[path], text)))
        for path, temporary in prepared:
            document = scanned.documents[path]
            os.replace(temporary, os.path.realpath(document.file))
            done.append(document)
    except OSError as error:
        for document in done:
            document.file.write_bytes(document.encoded(document.text))
        raise UnusableError(f"{error.filename}: {error.strerror}: nothing is written") from error
    finally:
        for _, temporary in prepared:
            with suppress(OSError):
                temporary.unlink()


def _prepare(document: Document, text: str) -> Path:
    target = Path(os.path.realpath(document.file))
    mode = target.stat().st_mode
    if not mode & stat.S_IWUSR:
        raise UnusableError(f"{document.path} is read-only: nothing is written")
    data = document.encoded(text)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with open(handle, "wb") as file:
        file.write(data)
    os.chmod(name, stat.S_IMODE(mode))
    return Path(name)
