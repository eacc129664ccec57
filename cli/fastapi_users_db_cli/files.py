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

from fastapi_users_db_cli.errors import UnusableError
from fastapi_users_db_cli.requirements import is_requirements

__all__ = ["Document", "Scan", "dirty", "scan", "write"]

_HINTS = (b"fastapi_users", b"FastAPIUsers")
_IMPORT = re.compile(r"(?m)^[ \t]*((?:from|import)\b.*)$")
_STATEMENT = re.compile(
    rb"(?m)^[ \t]*(?:from[ \t]+(?P<module>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n]*)"
    rb"|import[ \t]+(?P<modules>[^\n]+))"
)
_SKIPPED = {".git", ".hg", "__pycache__", "build", "dist", "node_modules", "site-packages"}
_ROUNDS = 5


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
            if data is not None and any(hint in data for hint in _HINTS):
                _add(found, name, file, data)
            elif data is not None and name.endswith(".py"):
                others[name] = file
        elif is_requirements(name) or name.endswith(".mako"):
            data = _read(found, name, file)
            if data is not None:
                _add(found, name, file, data)
    packages = {os.path.dirname(name) for name in files if name.endswith("__init__.py")}
    _add_neighbours(found, others, packages)
    _add_imported(found, others)
    return found


def _add_neighbours(found: Scan, others: dict[str, Path], packages: set[str]) -> None:
    """Read the files that import from those that matter, also through packages."""
    new = [name for name in found.documents if name.endswith(".py") and _is_code(name)]
    for _ in range(_ROUNDS):
        if not new or not others:
            return
        wanted = _Wanted(new, packages)
        new = []
        for name, file in list(others.items()):
            data = _read(found, name, file)
            if data is not None and wanted.are_in(name, data):
                _add(found, name, file, data)
                del others[name]
                new += [name] if name.endswith("__init__.py") else []


class _Wanted:
    """Modules, and which imports bring one of them.

    Parameters:
        names: their files.
        packages: the folders that are packages: a dotted name begins in one that is none.
    """

    def __init__(self, names: Iterable[str], packages: set[str]) -> None:
        self.stems = {tuple(_module_parts(name)) for name in names}
        self.dotted = {
            stem[start:]
            for stem in self.stems
            for start in range(len(stem))
            if "/".join(stem[:start]) not in packages
        }
        first = {parts[0].encode() for parts in self.dotted}
        self.folders = {stem[:1] for stem in self.stems}
        self.hints = [word + each for each in first for word in (b"from ", b"import ")]

    def are_in(self, name: str, data: bytes) -> bool:
        """Tell whether a file imports one of them. Most are done with a quick look."""
        parts = name.split("/")
        is_near = (parts[0],) in self.folders or len(parts) == 1
        if not (is_near and b"from ." in data) and not any(hint in data for hint in self.hints):
            return False
        return any(self._is_brought(parts, match) for match in _STATEMENT.finditer(data))

    def _is_brought(self, importer: list[str], match: re.Match[bytes]) -> bool:
        if match["module"] is None:
            modules = match["modules"].decode(errors="replace").split(",")
            return any(
                tuple(each.split()[0].split(".")) in self.dotted for each in modules if each.strip()
            )
        module = match["module"].decode(errors="replace")
        dots = len(module) - len(module.lstrip("."))
        parts = tuple(filter(None, module.split(".")))
        base = (*importer[: len(importer) - dots], *parts) if dots else parts
        known = self.stems if dots else self.dotted
        names = re.findall(r"\w+", match["names"].decode(errors="replace"))
        return base in known or any((*base, each) in known for each in names)


def _module_parts(name: str) -> list[str]:
    parts = name.removesuffix(".py").split("/")
    return parts[:-1] if parts[-1] == "__init__" else parts


def _add_imported(found: Scan, others: dict[str, Path]) -> None:
    """Read the packages around files that matter, and what these import from near them."""
    new = [name for name in found.documents if name.endswith(".py") and _is_code(name)]
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
    return name.endswith((".py", ".ipynb")) and not is_requirements(name)


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
    prefix = os.path.join(root, "")
    found: dict[str, Path] = {}
    real: set[str] = set()
    for path in paths:
        start = os.path.abspath(path)
        begin = os.path.realpath(start)
        for file in [start] if os.path.isfile(start) else _below(start):
            name = file.removeprefix(prefix).replace(os.sep, "/")
            # No folder below the start is a link, since none is entered: only the file may be one.
            is_link = os.path.islink(file)
            target = os.path.realpath(file) if is_link else begin + file.removeprefix(start)
            if target not in real and not any(fnmatch(name, each) for each in exclude):
                real.add(target)
                found[name] = Path(file)
    return dict(sorted(found.items()))


def _below(folder: str) -> Iterator[str]:
    listed = _from_git(folder)
    yield from _walk(folder) if listed is None else listed


def _from_git(folder: str) -> list[str] | None:
    """Return the files that git knows or does not ignore, if it is a repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    names = [os.fsdecode(name) for name in listed.split(b"\0") if name]
    kept = [name for name in names if _SKIPPED.isdisjoint(name.split("/")[:-1])]
    return [file for name in kept if os.path.isfile(file := os.path.join(folder, name))] or None


def _walk(folder: str) -> Iterator[str]:
    folders = []
    with suppress(PermissionError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.is_dir(follow_symlinks=False):
                is_hidden = entry.name.startswith(".") or entry.name in _SKIPPED
                if not is_hidden and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                    folders.append(entry.path)
            elif os.path.isfile(entry.path):  # no broken link, none to itself, no socket
                yield entry.path
    for each in folders:
        yield from _walk(each)


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
