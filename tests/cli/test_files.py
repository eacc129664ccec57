"""Which files are read, how they are written back, and what stops that."""

import os
import subprocess
from pathlib import Path

import pytest
from fastapi_users_db_cli import files
from fastapi_users_db_cli.errors import UnusableError
from fastapi_users_db_cli.files import Document, dirty, scan, write

HIT = "from fastapi_users import models\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, text: str = HIT) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def test_only_what_matters_is_read() -> None:
    put("app/models.py")
    put("app/unrelated.py", "import json\n")
    put("requirements.txt", "fastapi-users\n")
    put("README.md", "fastapi_users")
    found = scan(["."])
    assert list(found.documents) == ["app/models.py", "requirements.txt"]
    assert found.seen == 4


def test_files_that_import_from_those_are_read_too_also_through_packages() -> None:
    put("app/users/schemas.py")
    put("app/users/__init__.py", "from .schemas import UserDB\n")
    put("app/routes.py", "from app.users import UserDB\n")
    put("app/__init__.py", "from . import users\n")
    put("other.py", "from orders import Order\n")
    put("main.py", "from app import users\n")
    put("script.py", "import app.users.schemas as schemas\n")
    assert sorted(scan(["."]).documents) == [
        "app/__init__.py",
        "app/routes.py",
        "app/users/__init__.py",
        "app/users/schemas.py",
        "main.py",
        "script.py",
    ]


def test_what_those_import_is_read_too() -> None:
    put("app/__init__.py", "")
    put("app/users.py", HIT + "from .settings import URL\nfrom app.core import colours\n")
    put("app/settings.py", "URL = 1\n")
    put("app/core/colours.py", "RED = 1\n")
    put("app/orders.py", "ORDER = 1\n")
    put("elsewhere/settings.py", "URL = 1\n")
    assert sorted(scan(["."]).documents) == [
        "app/__init__.py",
        "app/core/colours.py",
        "app/settings.py",
        "app/users.py",
    ]


def test_what_is_installed_or_ignored_is_left_alone() -> None:
    for folder in (".venv/lib", "node_modules", "site-packages", "build", "dist", ".hidden"):
        put(f"{folder}/models.py")
    put("environment/pyvenv.cfg", "")
    put("environment/lib/models.py")
    put("app.py")
    put("old.py")
    assert list(scan(["."], exclude=["old*"]).documents) == ["app.py"]


def test_git_says_what_is_part_of_the_project() -> None:
    put("app.py")
    put("ignored.py")
    put(".gitignore", "ignored.py\n")
    git("init")
    assert list(scan(["."]).documents) == ["app.py"]


def test_links_are_followed_once_and_never_in_circles() -> None:
    put("app/models.py")
    os.symlink("models.py", "app/same.py")
    os.symlink("nowhere.py", "app/broken.py")
    os.symlink("..", "app/circle")
    assert list(scan(["."]).documents) == ["app/models.py"]


def test_path_may_be_outside_or_a_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put("app/models.py")
    put("elsewhere/x", "")
    monkeypatch.chdir(project / "elsewhere")
    assert list(scan([str(project / "app")]).documents) == ["models.py"]
    assert list(scan([str(project / "app" / "models.py")]).documents) == ["models.py"]


def test_path_to_a_package_elsewhere_keeps_its_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("lib/app/__init__.py")
    put("elsewhere/x", "")
    monkeypatch.chdir(project / "elsewhere")
    assert list(scan([str(project / "lib" / "app")]).documents) == ["app/__init__.py"]


def test_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UnusableError, match="nowhere: there is no such file or folder"):
        scan(["nowhere"])


def test_file_that_is_no_text_is_named() -> None:
    Path("app.py").write_bytes(b"fastapi_users = '\xff'\n")
    Path("cookie.py").write_bytes(b"# coding: nonsense\nfastapi_users = 1\n")
    found = scan(["."])
    assert set(found.unreadable) == {"app.py", "cookie.py"}


def test_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    put("app.py")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert scan(["."]).unreadable == {"app.py": "Permission denied"}


@pytest.mark.parametrize(
    ("head", "encoding"),
    [(b"", "utf-8"), (b"\xef\xbb\xbf", "utf-8"), (b"# coding: latin-1\n", "latin-1")],
    ids=["utf-8", "mark", "latin-1"],
)
def test_encoding_mode_and_mark_stay(head: bytes, encoding: str) -> None:
    path = Path("app.py")
    body = "fastapi_users = 'é'\r\n"
    path.write_bytes(head + body.encode(encoding))
    path.chmod(0o750)
    found = scan(["."])
    write(found, {"app.py": found.texts["app.py"].replace("é", "ü")})
    assert path.read_bytes() == head + body.replace("é", "ü").encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o750
    assert os.listdir() == ["app.py"]


def test_link_stays_a_link() -> None:
    put("real/models.txt")
    os.symlink("real/models.txt", "app.py")
    write(scan(["."]), {"app.py": "x = 1\n"})
    assert Path("app.py").is_symlink()
    assert Path("real/models.txt").read_text() == "x = 1\n"


def test_all_files_are_written_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    put("one.py")
    put("two.py")
    found = scan(["."])
    Path("two.py").chmod(0o440)
    with pytest.raises(UnusableError, match=r"two\.py is read-only: nothing is written"):
        write(found, {"one.py": "", "two.py": ""})
    Path("two.py").chmod(0o640)
    replace = os.replace

    def fail(source: Path, target: str) -> None:
        if target.endswith("two.py"):
            raise OSError(28, "No space left on device", target)
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(UnusableError, match="No space left on device: nothing is written"):
        write(found, {"one.py": "", "two.py": ""})
    assert Path("one.py").read_text() == Path("two.py").read_text() == HIT
    assert sorted(os.listdir()) == ["one.py", "two.py"]


def test_character_that_the_encoding_lacks_stops_it() -> None:
    Path("app.py").write_bytes(b"# coding: latin-1\nfastapi_users = 1\n")
    found = scan(["."])
    with pytest.raises(UnusableError, match=r"app\.py: 'latin-1|app\.py: .*can't encode"):
        write(found, {"app.py": found.texts["app.py"] + "# →\n"})


def test_uncommitted_changes_are_known() -> None:
    put("app.py")
    put("other.py")
    documents = list(scan(["."]).documents.values())
    assert dirty(documents) is None
    git("init")
    git("add", "app.py")
    git("commit", "-m", "app")
    assert dirty(documents) == ["other.py"]
    put("app.py", HIT + "\n")
    assert dirty(documents) == ["app.py", "other.py"]


def test_without_git_everything_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    put("app.py")
    monkeypatch.setenv("PATH", "")
    assert list(scan(["."]).documents) == ["app.py"]
    assert dirty([Document("app.py", Path("app.py"), "", "utf-8", has_mark=False)]) is None


def test_files_that_vanish_or_refuse_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    put("app.py", HIT + "from near import x\n")
    put("near.py", "x = 1\n")
    put("requirements.txt", "")
    read = Path.read_bytes
    reads: list[str] = []

    def refuse(self: Path) -> bytes:
        reads.append(self.name)
        if self.name == "requirements.txt" or reads.count("near.py") > 2:
            raise PermissionError(13, "Permission denied")
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = scan(["."])
    assert list(found.documents) == ["app.py"]
    assert set(found.unreadable) == {"near.py", "requirements.txt"}


def test_packages_within_packages_are_followed_so_far() -> None:
    put("one/__init__.py")
    for number in range(8):
        put(
            f"p{number + 1}/__init__.py", f"from {'one' if not number else f'p{number}'} import x\n"
        )
    assert len(scan(["."]).documents) == 6
