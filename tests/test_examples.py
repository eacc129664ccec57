"""The demo keeps its promises, and says so when it does not."""

import difflib
import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from examples.processes import ROOT, free_port

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
        env={**environment, "COLUMNS": "80", **settings},
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
    with start("examples.demo", root) as demo:
        output, _ = demo.communicate()
    return demo.returncode, output


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def assert_nothing_is_left(program: subprocess.Popen[str]) -> None:
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)


def test_the_two_applications_differ_in_one_line() -> None:
    before, after = ((ROOT / file).read_text().splitlines() for file in (ON_DATABASES, ON_ORM))
    _, _, _, *changes = difflib.unified_diff(before, after, n=0, lineterm="")
    assert changes == [
        "-    yield fastapi_users_db.DatabasesUserDatabase(database, User, OAuthAccount)",
        "+    yield fastapi_users_db.SQLAlchemyUserDatabase(session, User, OAuthAccount)",
    ]


@pytest.fixture(scope="module")
def demo_output() -> str:
    status, output = run_demo()
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
        "\n-    yield fastapi_users_db.DatabasesUserDatabase(database, User, OAuthAccount)\n",
        "\n+    yield fastapi_users_db.SQLAlchemyUserDatabase(session, User, OAuthAccount)\n",
        "\n3. The same application on the ORM adapter",
        "\n4. And back",
        "\n5. Both at once",
        " steps were as promised",
        "make serve, then http://127.0.0.1:8000/docs",
    ):
        assert told in demo_output
    assert " ok \n" in demo_output
    assert " NO \n" not in demo_output


def test_demo_prints_plain_text_of_80_columns_where_there_is_no_terminal(demo_output: str) -> None:
    assert "\x1b" not in demo_output
    assert max(map(len, demo_output.splitlines())) <= 80


def test_demo_fails_where_something_is_not_as_promised(copy: Path) -> None:
    replace(copy / ON_DATABASES, "(database, User, OAuthAccount)", "(database, User)")
    status, output = run_demo(copy)
    assert status == 1
    assert " NO \n" in output
    assert "1 validation error for UserRead" in output, "the end of the application's log"
    assert "expected: 201" in output
    assert "came:     500" in output


def test_demo_fails_when_an_application_does_not_start(copy: Path) -> None:
    replace(copy / ON_DATABASES, "import uuid", "import nothing_of_this_name")
    status, output = run_demo(copy)
    assert status == 1
    assert "examples.app.on_databases:app does not answer" in output
    assert "No module named 'nothing_of_this_name'" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_nothing_running(number: signal.Signals) -> None:
    with start("examples.demo", is_measured=False) as demo:
        assert demo.stdout is not None
        while not demo.stdout.readline().startswith("1. "):
            assert demo.poll() is None
        demo.send_signal(number)
        output, _ = demo.communicate()
    assert demo.returncode == 130
    assert output.endswith("\nStopped.\n")
    assert "Traceback" not in output
    assert_nothing_is_left(demo)


def test_serve_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    database = str(tmp_path / "app.db")
    settings = {"PORT": str(port), "DATABASE_FILE": database}
    with start("examples.serve", is_measured=False, **settings) as serve:
        assert serve.stdout is not None
        while "Uvicorn running" not in serve.stdout.readline():
            assert serve.poll() is None
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/docs", trust_env=False).status_code == 200
        answer = httpx.get(f"{url}/auth/acme/authorize", trust_env=False)
        page = httpx.get(answer.json()["authorization_url"], trust_env=False)
        assert "Sign in with Acme" in page.text
        serve.send_signal(signal.SIGINT)
        output, _ = serve.communicate()
    assert serve.returncode == 0
    assert "Traceback" not in output
    assert_nothing_is_left(serve)
