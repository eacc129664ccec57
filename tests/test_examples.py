"""The demo keeps its promises, and says so when it does not."""

import functools
import importlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi_users_db_cli import command
from rich.console import Console

from examples import by_tool, demo
from examples.processes import ROOT, Server, ServerFailedError, running
from examples.story import Story
from fastapi_users_db import FastAPIUsersDBDeprecationWarning, deprecation
from fastapi_users_db.authentication import DatabaseStrategy
from tests.e2e.provider import served
from tests.hashing import cheap_hashes

ON_DATABASES = Path("examples/app/on_databases.py")
ON_ORM = Path("examples/app/on_orm.py")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project folder of the test's own, with the examples in it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def start(
    module: str, root: Path = ROOT, *, is_measured: bool = True, **settings: str
) -> subprocess.Popen[str]:
    """Start a program of the examples.

    Parameters:
        module: the program.
        root: the folder that it is in.
        is_measured: whether coverage may measure it. Its tracer runs Python at each call, and loses
            the `KeyboardInterrupt` of a signal that arrives there: not if it is to be interrupted.
        settings: environment variables.
    """
    left_out = {"FORCE_COLOR"} if is_measured else {"FORCE_COLOR", "COVERAGE_PROCESS_CONFIG"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=root,
        env={**environment, "COLUMNS": "60", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whatever it leaves behind is then in its process group.
        start_new_session=True,
        # What runs the tests may ignore SIGINT, as a shell's background job does,
        # and the programs that it starts would, too.
        preexec_fn=functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def run_demo(root: Path = ROOT) -> tuple[int, str]:
    with start("examples.demo", root) as program:
        output, _ = program.communicate()
    return program.returncode, output


@contextmanager
def running_here(
    *applications: str, directory: Path, root: Path = ROOT, **settings: str
) -> Iterator[list[Server]]:
    """Run applications as `examples.processes.running` does, but in this process."""
    log_file = directory / "here.log"

    def log(message: Any, category: Any, filename: str, lineno: int, *rest: Any) -> None:
        with log_file.open("a") as file:
            file.write(warnings.formatwarning(message, category, filename, lineno))

    log_file.write_text("")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(), ExitStack() as stack:
        for name, value in settings.items():
            patch.setenv(name, value)
        warnings.simplefilter("default")
        warnings.showwarning = log
        servers = []
        patch.syspath_prepend(str(root))
        for application in applications:
            module, _, attribute = application.partition(":")
            forget_applications()
            url = stack.enter_context(served(getattr(importlib.import_module(module), attribute)))
            servers.append(Server(application, url, log_file, None))
        yield servers


def forget_applications() -> None:
    """Let the applications of the demo be imported anew."""
    for name in [name for name in sys.modules if re.match(r"(examples\.)?app(\.|$)", name)]:
        del sys.modules[name]


def run_tool_here(root: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the command line as `examples.processes.run_tool` does, but in this process."""
    forget_applications()
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()) as output,
        redirect_stderr(io.StringIO()) as errors,
    ):
        warnings.simplefilter("ignore", FastAPIUsersDBDeprecationWarning)
        patch.syspath_prepend(str(root))
        patch.chdir(root)
        code = command.main(arguments)
    return code, output.getvalue(), errors.getvalue()


def run_demo_here(run_tool: Callable[..., tuple[int, str, str]] = run_tool_here) -> tuple[int, str]:
    """Run the demo without other processes: in a second instead of twelve."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as output:
        patch.setattr(demo, "running", running_here)
        patch.setattr(demo, "run_tool", run_tool)
        # This process has handlers of its own.
        patch.setattr(demo, "end_on_sigterm", lambda: None)
        patch.setattr(deprecation, "_warned", set())
        patch.setenv("COLUMNS", "60")
        with cheap_hashes():
            status = demo.main()
    return status, output.getvalue()


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def assert_nothing_is_left(program: subprocess.Popen[str]) -> None:
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)


def test_the_two_applications_differ_as_two_apps_do() -> None:
    """What `docs/index.md` and the README show: an engine and a session for the database."""
    before, after = ((ROOT / file).read_text() for file in (ON_DATABASES, ON_ORM))
    for line in ("engine = create_async_engine(", "async with async_session_maker() as session:"):
        assert line in after
        assert line not in before
    for line in ("database = databases.Database(", "async with database:"):
        assert line in before
        assert line not in after
    assert "session" not in before
    assert "import databases" not in after


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(run_demo_here, id="here"),
        pytest.param(run_demo, id="processes", marks=pytest.mark.thorough),
    ],
)
def demo_output(request: pytest.FixtureRequest) -> str:
    status, output = request.param()
    assert status == 0, output
    return output


def test_demo_tells_the_whole_story(demo_output: str) -> None:
    for told in (
        "\n1. A database layer from FastAPI Users 8, unchanged, through the shim\n",
        "\nexamples/app/legacy.py:",
        "\nexamples/app/legacy_models.py:",
        "\n2. The same application on the `databases` adapter\n",
        f"\n{ON_DATABASES}:",
        " FastAPIUsersDBDeprecationWarning: ",
        "\n-    yield DatabasesUserDatabase(database, User, OAuthAccount)\n",
        "\n+    async with async_session_maker() as session:\n",
        "\n3. The same application on the ORM adapter",
        "\n4. And back",
        "\n5. Both at once",
        "\n6. Access tokens in a table, and a thief who has a copy of it\n",
        "\n7. The first application again, migrated by tool: a copy, with its database of then\n",
        "\nok | ... and what is to be changed | fastapi-users-db check | 8 findings in 2 files: ",
        "\napp/models.py:17:12 FUD502 [safe, step 5] ",
        "\n+        yield SQLAlchemyUserDatabase(session, User, OAuthAccount)\n",
        "\nSessions: everybody logs in again, unless the strategy reads both claims; ",
        "\nok | ... as it has said of the old app | both answers | the same\n",
        f"\nok | app/main.py is {ON_ORM} | both files | 0 lines differ, ",
        "\nok | Her old password is good | POST /auth/login, GET /users/me | 200 betty@",
        " steps were as promised",
        "make serve, then http://127.0.0.1:8000/docs",
    ):
        assert told in demo_output
    assert "\nok | Ada registers | POST /auth/register | 201 ada@example.com #" in demo_output
    assert "\nNO |" not in demo_output


def test_result_of_the_tool_is_the_application_of_the_story(tmp_path: Path) -> None:
    """But for two lines of the tables, which the tool says nothing of: a type and an index."""
    project, database = tmp_path / "project", tmp_path / "app.db"
    database.touch()
    by_tool.copy_legacy_app(project, database)
    before = {path: path.read_text() for path in project.rglob("*.py")}

    code, output, _ = run_tool_here(project, "migrate", "--step", "all", "--write")

    assert code == 0
    assert "Left to do" not in output
    changed = [path for path, text in before.items() if path.read_text() != text]
    assert sorted(changed) == [project / by_tool.MAIN, project / by_tool.MODELS]
    migrated = (project / by_tool.MAIN).read_text()
    assert by_tool.difference(migrated, (ROOT / ON_ORM).read_text()) == []
    models = (project / by_tool.MODELS).read_text()
    assert by_tool.difference(models, (ROOT / demo.MODELS).read_text()) == [
        "+from fastapi_users_db import unique_email_index",
        "+from sqlalchemy.orm import Mapped",
        '-    oauth_accounts = relationship("OAuthAccount")',
        "+    oauth_accounts: Mapped[list[OAuthAccount]] = relationship()",
        "+unique_email_index(User)",
    ]


def test_difference_is_of_lines_and_of_what_is_imported() -> None:
    one = "import os\nfrom a import (\n    b,\n    c,\n)\n\n\nx = 1\n"
    other = "from a import c\nfrom a import b\nimport os\n\nx = 1\n"
    assert by_tool.difference(one, other) == []
    assert by_tool.difference(one, "import os\nfrom a import c as b\n\nx = 2\n") == [
        "-from a import b",
        "-from a import c",
        "+from a import c as b",
        "-x = 1",
        "+x = 2",
    ]


def test_demo_ends_where_the_tool_says_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(root: Path, *arguments: str) -> tuple[int, str, str]:
        if arguments[0] in broken_commands:
            return 2, "", "fastapi-users-db: no connection\n"
        return run_tool_here(root, *arguments)

    monkeypatch.setattr(demo, "CHAPTERS", [demo.legacy, demo.migrated])
    for broken_command in ("verify", "doctor"):
        broken_commands = {broken_command}
        status, output = run_demo_here(run_tool=broken)
        assert status == 1
        assert "\nNO | " in output
        assert "fastapi-users-db: no connection" in output


def test_demo_prints_plain_lines_where_there_is_no_terminal(demo_output: str) -> None:
    assert "\x1b" not in demo_output
    assert "…" not in demo_output
    # At 60 columns: a warning is one line, and its address whole.
    warned = [line for line in demo_output.splitlines() if "DeprecationWarning:" in line]
    assert len(warned) == 4
    for line in warned:
        assert re.search(rf"\[(\S+): (rule FUD\d+, )?{deprecation.DOCUMENTATION}/\S*#\1\]$", line)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_of_any_width_shows_all(width: int) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, color_system=None, width=width)
    story = Story(console)
    address = f"{deprecation.DOCUMENTATION}/deprecations/#shim-table-without-id"
    cells = ("Betty logs in", "POST /auth/login\nGET /users/me", "400 LOGIN_BAD_CREDENTIALS_TWICE")
    with story.table():
        story.check(*cells, promised=cells[-1])
    story.say(f"Read on at {address}")

    lines = output.getvalue().splitlines()

    assert f"Read on at {address}" in lines
    table = [line for line in lines if address not in line]
    assert max(map(len, table)) <= width
    [head] = [line for line in table if "Request" in line]
    starts = [0, head.index("Request"), head.index("What came"), head.rindex("  ") - 1]
    for cell, start, end in zip(cells, starts, starts[1:], strict=False):
        column = "".join(line[start:end] for line in table)
        assert re.sub(r"\s", "", cell) in re.sub(r"\s", "", column)


def test_demo_ends_with_the_first_step_that_is_not_as_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def chapter(stage: demo.Stage) -> None:
        with stage.running(demo.ON_ORM) as [app], stage.story.chapter("A chapter", demo.ON_ORM):
            stage.registers("Ada registers", app.register("no address", demo.PASSWORD), demo.ADA)
            pytest.fail("The demo goes on.")

    monkeypatch.setattr(demo, "CHAPTERS", [chapter])
    status, output = run_demo_here()
    assert status == 1
    assert "\nNO | " in output
    assert "expected: 201" in output
    assert "came:     422" in output


def test_demo_ends_where_what_a_thief_has_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    def chapter(stage: demo.Stage) -> None:
        with stage.running(demo.ON_ORM) as [app], stage.story.chapter("A chapter", demo.ON_ORM):
            for email, password in ((demo.ADA, demo.NEW_PASSWORD), (demo.GRACE, demo.PASSWORD)):
                stage.registers("Somebody registers", app.register(email, password), email)

    init = DatabaseStrategy.__init__

    def in_clear(self: Any, *arguments: Any, hash_tokens: bool, **options: Any) -> None:
        init(self, *arguments, **options)

    monkeypatch.setattr(DatabaseStrategy, "__init__", in_clear)
    monkeypatch.setattr(demo, "CHAPTERS", [chapter, demo.stolen])
    status, output = run_demo_here()
    assert status == 1
    assert "... and tries the first" in output
    assert "expected: 401" in output
    assert "came:     200" in output


@pytest.mark.thorough
def test_demo_fails_where_something_is_not_as_promised(copy: Path) -> None:
    replace(copy / ON_DATABASES, "(database, User, OAuthAccount)", "(database, User)")
    status, output = run_demo(copy)
    assert status == 1
    assert "\nNO | " in output
    assert "1 validation error for UserRead" in output, "the end of the application's log"
    assert "expected: 201" in output
    assert "came:     500" in output


def test_application_that_does_not_start_is_told_of(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerFailedError, match="does not answer") as caught,
        running("examples.nothing_of_this_name:app", directory=tmp_path),
    ):
        pytest.fail("It runs.")
    assert "Could not import module" in str(caught.value)


@pytest.mark.thorough
def test_demo_fails_when_an_application_does_not_start(copy: Path) -> None:
    replace(copy / ON_DATABASES, "import uuid", "import nothing_of_this_name")
    status, output = run_demo(copy)
    assert status == 1
    assert "examples.app.on_databases:app does not answer" in output
    assert "No module named 'nothing_of_this_name'" in output


def test_interrupted_demo_says_that_it_has_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def chapter(stage: demo.Stage) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "CHAPTERS", [chapter])
    status, output = run_demo_here()
    assert status == 130
    assert output.endswith("\nStopped.\n")


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_nothing_running(number: signal.Signals) -> None:
    with start("examples.demo", is_measured=False) as program:
        assert program.stdout is not None
        while not program.stdout.readline().startswith("1. "):
            assert program.poll() is None
        program.send_signal(number)
        output, _ = program.communicate()
    assert program.returncode == 130
    assert output.endswith("\nStopped.\n")
    assert "Traceback" not in output
    assert_nothing_is_left(program)


def test_serve_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    settings = {"PORT": "0", "DATABASE_FILE": str(tmp_path / "app.db")}
    with start("examples.serve", is_measured=False, **settings) as serve:
        assert serve.stdout is not None
        url = None
        while url is None:
            line = serve.stdout.readline()
            assert line
            url = re.search(r"Uvicorn running on (http://\S+)", line)
        page = httpx.get(f"{url[1]}/docs", trust_env=False)
        for asset in re.findall(r'(?:src|href)="(.*?)"', page.text):
            assert asset.startswith("/"), "a host that may be out of reach"
            assert httpx.get(f"{url[1]}{asset}", trust_env=False).status_code == 200
        answer = httpx.get(f"{url[1]}/openapi.json", trust_env=False)
        assert "/auth/register" in answer.json()["paths"]
        answer = httpx.get(f"{url[1]}/auth/acme/authorize", trust_env=False)
        page = httpx.get(answer.json()["authorization_url"], trust_env=False)
        assert "Sign in with Acme" in page.text
        serve.send_signal(signal.SIGINT)
        output, _ = serve.communicate()
    assert serve.returncode == 0
    assert "Traceback" not in output
    assert_nothing_is_left(serve)
