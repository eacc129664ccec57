"""The command line: what it prints, what it ends with, and what it never does."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi_users_db_cli import engine
from fastapi_users_db_cli.command import main, run
from fastapi_users_db_cli.rule import Change, Finding, Rule

from tests.cli.crossing import APPS, read
from tests.environments import ROOT

LEGACY = """\
from fastapi_users import models


class User(models.BaseUser):
    pass
"""
CURRENT = """\
import uuid

from fastapi_users import schemas


class User(schemas.BaseUser[uuid.UUID]):
    pass
"""
ID = ["--id", "uuid"]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.fixture
def legacy() -> Path:
    path = Path("app.py")
    path.write_text(LEGACY)
    return path


def test_check_names_place_rule_and_what_to_write(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *ID]) == 1
    assert capsys.readouterr().out == (
        "app.py:4:12 FUD301 [safe, step 3] models of FastAPI Users are schemas. "
        "FastAPI Users 10.0 renamed the module: the import fails.\n"
        "    write  class User(schemas.BaseUser):\n"
        "app.py:4:12 FUD302 [safe, step 3] the schema does not say which type the id has. "
        "Since FastAPI Users 10.0 any type will do, and without one `id` is not checked at all.\n"
        "    write  class User(models.BaseUser[uuid.UUID]):\n"
        "2 findings in 1 file: 2 safe.  Next: step 3.  fastapi-users-db migrate --step 3\n"
    )
    assert legacy.read_text() == LEGACY


def test_check_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out == "Nothing to do.\n"


def test_check_may_always_end_well(legacy: Path) -> None:
    assert main(["check", *ID, "--exit-zero"]) == 0


def test_check_of_a_step(legacy: Path) -> None:
    assert main(["check", *ID, "--step", "4"]) == 0
    assert main(["check", *ID, "--step", "all"]) == 1


def test_id_that_is_not_known_is_asked_for(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"]) == 1
    assert "FUD003 [by hand, step 3]" in capsys.readouterr().out
    assert main(["migrate", "--step", "3"]) == 1
    assert legacy.read_text() == LEGACY


def test_rules_are_chosen_by_prefix(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["check", *ID, "--select", "FUD302"])
    assert "FUD301" not in capsys.readouterr().out
    main(["check", *ID, "--ignore", "FUD301,fud4"])
    assert "FUD301" not in capsys.readouterr().out
    assert main(["check", *ID, "--ignore", "FUD3"]) == 0


def test_finding_is_suppressed_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = LEGACY.replace("BaseUser):", "BaseUser):  # fud: ignore[FUD301, FUD302]")
    Path("app.py").write_text(text)
    assert main(["check", *ID]) == 0


def test_migrate_shows_a_diff_and_touches_nothing(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", *ID]) == 1
    out = capsys.readouterr().out
    assert "-from fastapi_users import models\n+import uuid\n" in out
    assert "To be written, with --write: app.py" in out
    assert "Step 3\nRequire: fastapi-users>=15,<16" in out
    assert legacy.read_text() == LEGACY


def test_migrate_writes(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", *ID, "--write"]) == 0
    assert legacy.read_text() == CURRENT
    captured = capsys.readouterr()
    assert "Written: app.py" in captured.out
    assert "There is no git here" in captured.err
    assert main(["migrate", *ID, "--write"]) == 0
    assert capsys.readouterr().out == "Nothing to do.\n"
    assert legacy.read_text() == CURRENT


def test_migrate_refuses_uncommitted_changes(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init"], check=True, capture_output=True)
    assert main(["migrate", *ID, "--write"]) == 2
    assert "uncommitted changes in app.py" in capsys.readouterr().err
    assert legacy.read_text() == LEGACY
    assert main(["migrate", *ID, "--write", "--force"]) == 0
    assert legacy.read_text() == CURRENT


def test_migrate_takes_the_next_step_that_has_work(capsys: pytest.CaptureFixture[str]) -> None:
    for path, text in read(APPS / "notes_on_databases" / "before").items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    for step in (1, 3, 4, 5):
        main(["migrate", "--unsafe", "--write"])
        assert f"\nStep {step}\n" in capsys.readouterr().out
    assert read(Path()) == read(APPS / "notes_on_databases" / "after")
    assert main(["migrate", "--unsafe", "--step", "all"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("Left to do:\n")
    assert "FUD404 [by hand, step 4]" in out


def test_file_that_cannot_be_parsed_is_named_and_the_others_are_done(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("old.py").write_text("import fastapi_users\nprint 'x'\n")
    Path("null.py").write_text("import fastapi_users\0\n")
    Path("blob.py").write_bytes(b"import fastapi_users\n\xff\n")
    assert main(["migrate", *ID, "--write"]) == 3
    out = capsys.readouterr().out
    assert "old.py:2:1 FUD001 cannot be parsed: Missing parentheses" in out
    assert "(Python 2? This is 3." in out
    assert "null.py:1:1 FUD001 cannot be parsed" in out
    assert "blob.py:1:1 FUD001 is not text" in out
    assert legacy.read_text() == CURRENT
    assert main(["check"]) == 3
    assert capsys.readouterr().out.endswith("Nothing to do; 3 unreadable.\n")


def test_release_before_8_is_refused_unless_it_is_assumed(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("requirements.txt").write_text("fastapi-users==7.0.0\n")
    assert main(["migrate", *ID, "--write"]) == 2
    assert capsys.readouterr().err == (
        "fastapi-users-db: requirements.txt requires FastAPI Users 7 or older: "
        "go to 8 first (--assume 8)\n"
    )
    assert legacy.read_text() == LEGACY
    assert main(["check", *ID]) == 1
    assert "FUD105 [by hand, step 1]" in capsys.readouterr().out
    assert main(["migrate", *ID, "--write", "--assume", "8"]) == 0
    assert legacy.read_text() == CURRENT


def test_path_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere"]) == 2
    assert capsys.readouterr().err == (
        "fastapi-users-db: nowhere: there is no such file or folder\n"
    )


def test_file_from_stdin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(LEGACY))
    assert main(["migrate", *ID, "--stdin-filename", "app.py", "--step", "3"]) == 0
    assert capsys.readouterr().out == CURRENT


def _broken(text: str) -> Rule:
    def find(facts: engine.Facts):  # type: ignore[no-untyped-def]
        for source in facts.project:
            change = Change(facts.project)
            change.edits.append(source.insert(0, text))
            yield Finding(source, source.tree.body[0], change)

    return Rule("FUD999", 3, "safe", "a broken rule", "Never.", find)


@pytest.mark.parametrize(
    ("text", "message"),
    [("(", "a change broke it"), ("1\n", "the rules of step 3 come to no end")],
)
def test_rule_that_fails_writes_nothing(
    text: str,
    message: str,
    legacy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engine, "RULES", (_broken(text),))
    assert main(["migrate", "--write", "--step", "3"]) == 3
    assert message in capsys.readouterr().err
    assert legacy.read_text() == LEGACY


def test_json(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.py").write_text("fastapi_users (\n")
    main(["check", *ID, "--format", "json"])
    value = json.loads(capsys.readouterr().out)
    assert (value["version"], value["files"], value["step"]) == (1, 1, 3)
    assert value["failures"][0]["path"] == "bad.py"
    assert value["findings"][0] == {
        "code": "FUD301",
        "name": "models of FastAPI Users are schemas",
        "step": 3,
        "fix": "safe",
        "file": "app.py",
        "line": 4,
        "column": 12,
        "end_line": 4,
        "end_column": 27,
        "found": "models.BaseUser",
        "write": "class User(schemas.BaseUser):",
        "message": "models of FastAPI Users are schemas",
        "why": "FastAPI Users 10.0 renamed the module: the import fails.",
        "address": "https://fastapi-users-db.readthedocs.io/1.0/rules/#fud301",
    }


def test_annotations_of_github(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.py").write_text("fastapi_users (\n")
    Path("new.py").write_text("from fastapi_users.db import SQLAlchemyUserDatabase\n")
    main(["check", *ID, "--format", "github"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("::error file=app.py,line=4,col=12,title=FUD301::models of")
    assert lines[2].startswith("::warning file=new.py,line=1,col=1,title=FUD501::names are")
    assert lines[3].startswith("::error file=bad.py,line=1,title=FUD001::cannot be parsed")


def test_sarif(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.py").write_text("fastapi_users (\n")
    main(["check", *ID, "--format", "sarif"])
    value = json.loads(capsys.readouterr().out)
    [run_] = value["runs"]
    assert value["version"] == "2.1.0"
    assert [rule["id"] for rule in run_["tool"]["driver"]["rules"]] == ["FUD301", "FUD302"]
    assert run_["invocations"][0]["executionSuccessful"] is False
    first = run_["results"][0]
    assert first["ruleId"] == "FUD301"
    [replacement] = first["fixes"][0]["artifactChanges"][0]["replacements"]
    assert replacement["insertedContent"] == {"text": "schemas"}
    assert replacement["deletedRegion"] == {
        "startLine": 4,
        "startColumn": 12,
        "endLine": 4,
        "endColumn": 18,
    }


def test_finding_by_hand_has_no_fix_in_sarif(
    legacy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", "--format", "sarif"])
    [result] = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert "fixes" not in result


def test_colours_on_a_terminal(
    legacy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_COLOR")
    main(["check", *ID])
    assert "\x1b[" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["check", *ID])
    assert "\x1b[36mFUD301\x1b[0m" in capsys.readouterr().out
    main(["migrate", *ID])
    assert "\x1b[32m+import uuid\n\x1b[0m" in capsys.readouterr().out


def test_diff_of_a_file_without_a_last_newline(capsys: pytest.CaptureFixture[str]) -> None:
    Path("app.py").write_text(LEGACY.rstrip("\n"))
    main(["migrate", *ID])
    assert "     pass\n\\ No newline at end of file\n" in capsys.readouterr().out


def test_rule_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "fud301"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("FUD301: models of FastAPI Users are schemas [safe, step 3]\n")
    assert "Before:" in out
    assert main(["rule", "FUD501"]) == 0
    assert "this warns: shim-adapter, shim-table.\n" in capsys.readouterr().out
    assert main(["rule"]) == 0
    assert "FUD301  step 3  safe    models" in capsys.readouterr().out
    assert main(["rule", "FUD000"]) == 2


def test_program_ends_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["fastapi-users-db", "check", "nowhere"])
    with pytest.raises(SystemExit) as caught:
        run()
    assert caught.value.code == 2


@pytest.mark.parametrize("module", ["fastapi_users_db_cli", "fastapi_users_db"])
def test_package_runs_as_a_module(module: str, legacy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, "check", *ID], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")


def test_hook_of_pre_commit_is_the_program(legacy: Path) -> None:
    hook = dict(
        re.findall(r"^[- ] (\w+): (.*)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.M)
    )
    program, *arguments = hook["entry"].split()
    scripts = '[project.scripts]\n{} = "fastapi_users_db_cli.command:run"\n'
    assert scripts.format(program) in (ROOT / "pyproject.toml").read_text()
    assert (hook["language"], hook["pass_filenames"]) == ("python", "false")
    assert main(arguments) == 1
    legacy.unlink()
    assert main(arguments) == 0
    page = (ROOT / "docs/migrating/tool.md").read_text()
    for key in ("id", "name", "entry", "language", "pass_filenames"):
        assert f" {key}: {hook[key]}\n" in page


def test_static_half_imports_the_standard_library_alone() -> None:
    code = (
        "import sys\n"
        "from fastapi_users_db_cli.command import main\n"
        "main(['rule'])\n"
        "known = {*sys.stdlib_module_names, '__main__', 'fastapi_users_db_cli'}\n"
        "roots = {name.partition('.')[0] for name in sys.modules}\n"
        "print([each for each in roots - known if not each.startswith('_')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = done.stdout.splitlines()[-1]
    assert not {"sqlalchemy", "fastapi", "pydantic", "fastapi_users", "fastapi_users_db"} & set(
        json.loads(found.replace("'", '"'))
    )


def test_diff_shows_changed_files_alone(legacy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.py").write_text("import fastapi_users\n")
    main(["migrate", *ID])
    assert "other.py" not in capsys.readouterr().out
