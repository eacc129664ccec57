"""Notebooks: `check` reads their code and names cell and line, `migrate` leaves them alone."""

import json
from pathlib import Path

import pytest
from fastapi_users_db_cli.command import main

FIRST = (
    "%load_ext autoreload\n!pip install fastapi-users\nfrom fastapi_users import models\nmodels?"
)
SECOND = "x = 1\n\nclass User(models.BaseUser):\n    pass\n\nawait f()"
OPTIONS = ["--id", "uuid", "--select", "FUD301"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def put(*sources: tuple[str, str]) -> str:
    cells = [
        {"cell_type": type_, "source": text.splitlines(keepends=True)} for type_, text in sources
    ]
    Path("users.ipynb").write_text(json.dumps({"nbformat": 4, "cells": cells}))
    return Path("users.ipynb").read_text()


def test_cell_and_line_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    magic = ("code", "%%bash\nif true; then echo; fi")
    put(("code", FIRST), ("markdown", "(fastapi_users"), magic, ("code", ""), ("code", SECOND))
    assert main(["check", *OPTIONS]) == 1
    assert capsys.readouterr().out.startswith("users.ipynb:cell 5:3:12 FUD301 [safe, step 3]")
    main(["check", *OPTIONS, "--format", "json"])
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["file"], finding["line"], finding["end_line"]) == ("users.ipynb:cell 5", 3, 3)


def test_line_is_silenced() -> None:
    put(("code", FIRST), ("code", SECOND.replace("User):", "User):  # fud: ignore[FUD301]")))
    assert main(["check", *OPTIONS]) == 0


def test_notebook_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    text = put(("code", FIRST), ("code", SECOND))
    assert main(["migrate", *OPTIONS, "--write"]) == 0
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert Path("users.ipynb").read_text() == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fastapi_users", "cannot be parsed: JSONDecodeError"),
        ('{"fastapi_users": []}', "cannot be parsed: ValueError: it is no notebook of format 4"),
        (
            '{"cells": [{"cell_type": "code", "source": "fastapi_users ("}]}',
            "cannot be parsed: '(' was never closed",
        ),
    ],
)
def test_file_that_is_no_notebook_is_named(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("users.ipynb").write_text(text)
    assert main(["check"]) == 3
    assert f"users.ipynb:1:1 FUD001 {message}" in capsys.readouterr().out
