"""The pages about the tool say what it does: what they show is what it prints."""

import sys
from pathlib import Path

import pytest
from fastapi_users_db_cli.command import main

from docs import rules
from tests.docs.samples import SOURCE

TOOL = SOURCE / "migrating" / "tool"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    app = (TOOL / "before.py").read_text().partition("# --8<-- [start:app]\n")[2]
    (tmp_path / "app.py").write_text(app.partition("# --8<-- [end:app]")[0])
    (tmp_path / "requirements.txt").write_text((TOOL / "before.txt").read_text())
    return tmp_path


def test_page_shows_what_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    lines = capsys.readouterr().out.splitlines(keepends=True)
    assert "".join(lines[-5:]) == (TOOL / "check.txt").read_text()


def test_page_shows_what_is_changed_and_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", "--step", "all"]) == 1
    out = capsys.readouterr().out
    diff, _, rest = out.partition("To be written, with --write:")
    left = "Left to do:\n" + rest.partition("Left to do:\n")[2].partition("\nStep 1\n")[0]
    assert diff == (TOOL / "all.diff").read_text()
    assert left == (TOOL / "left.txt").read_text()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 reads no TOML")
def test_settings_on_the_page_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 1
    assert "FUD902" in capsys.readouterr().out
    Path("pyproject.toml").write_text((TOOL / "settings.toml").read_text())
    assert main(["check"]) == 0
    assert "FUD902" not in capsys.readouterr().out


def test_page_of_the_rules_is_what_they_say() -> None:
    assert rules.PAGE.read_text() == rules.page(), "run python -m docs.rules"
