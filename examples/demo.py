"""The way from an app of 2021 to the ORM as a story, told over HTTP: `make demo`.

Each chapter is a function: it runs the application, speaks to it as a person at a browser would,
and ends the demo where something is not as promised.
"""

import difflib
import json
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from rich.console import Console

from examples import by_tool
from examples.client import Answer, Client
from examples.processes import ROOT, Server, ServerFailedError, end_on_sigterm, run_tool, running
from examples.story import BrokenPromiseError, Story

LEGACY, LEGACY_MODELS = "examples/app/legacy.py", "examples/app/legacy_models.py"
MODELS = "examples/app/models.py"
ON_DATABASES = "examples/app/on_databases.py"
ON_ORM = "examples/app/on_orm.py"
WITH_TOKENS = "examples/app/with_tokens.py"

ADA, GRACE, ALAN, MARY, EDITH, JOAN, BETTY = (
    f"{name}@example.com" for name in ("ada", "grace", "alan", "mary", "edith", "joan", "betty")
)
PASSWORD, NEW_PASSWORD = "the first password", "the second password"
ADA_AT_ACME = "ada@example.org"
LINKED = [{"oauth_name": "acme", "account_email": ADA_AT_ACME}]
BETTY_AT_ACME = "betty@example.org"
BETTY_LINKED = [{"oauth_name": "acme", "account_email": BETTY_AT_ACME}]

DOCTOR = ("doctor", "app.main:fastapi_users")
VERIFY = ("verify", "app.main:fastapi_users", "--format", "json")

LOG_LINES = 12


class Stage:
    """Where the story takes place: one database file, one OAuth provider, and who is known.

    Parameters:
        story: the story.
        directory: for the database file, its copy and the logs.
        provider: the OAuth provider.
    """

    def __init__(self, story: Story, directory: Path, provider: Server) -> None:
        self.story = story
        self.directory = directory
        self.provider = provider
        self.database = directory / "app.db"
        self.old_database = directory / "old.db"
        self.ids: dict[str, str] = {}
        self.tokens: dict[str, str] = {}

    @contextmanager
    def running(self, *files: str, root: Path = ROOT) -> Iterator[list[Client]]:
        """Run the applications of these files: on the story's database, or on the folder's own."""
        database = self.database if root == ROOT else root / "app.db"
        servers: list[Server] = []
        try:
            with ExitStack() as stack:
                servers = stack.enter_context(
                    running(
                        *(f"{file.removesuffix('.py').replace('/', '.')}:app" for file in files),
                        directory=self.directory,
                        root=root,
                        DATABASE_FILE=str(database),
                        PROVIDER_URL=self.provider.url,
                    )
                )
                yield [stack.enter_context(Client(server)) for server in servers]
        except (BrokenPromiseError, httpx.HTTPError):
            # They have ended: a traceback comes after the answer.
            for server in servers:
                self.story.say(f"The end of the log of {server.name}:", style="bold")
                self.story.quote(server.log.splitlines()[-LOG_LINES:])
            raise

    def registers(self, what: str, answer: Answer, email: str) -> None:
        """Tell of a registration."""
        self.ids[email] = self.story.step(what, answer, 201, email=email)["id"]

    def logs_in(self, what: str, answer: Answer, email: str, **promised: Any) -> None:
        """Tell of a login as the user who registered with this address."""
        body = self.story.step(what, answer, 200, email=email, id=self.ids[email], **promised)
        self.tokens[email] = body["access_token"]


def legacy(stage: Stage) -> None:
    """The database layer of 2021, through the shim, and the lines that answer its warnings."""
    story = stage.story
    with stage.running(LEGACY) as [app]:
        title = "A database layer from FastAPI Users 8, unchanged, through the shim"
        with story.chapter(title, f"{LEGACY}, {LEGACY_MODELS}"):
            stage.registers("Betty registers", app.register(BETTY, PASSWORD), BETTY)
            stage.logs_in("Betty logs in", app.log_in(BETTY, PASSWORD), BETTY)
            link = app.link_acme(stage.tokens[BETTY], BETTY_AT_ACME)
            story.step(
                "... and links her account at Acme, an OAuth provider",
                link,
                200,
                id=stage.ids[BETTY],
                oauth_accounts=BETTY_LINKED,
            )
        warning = deprecation_warning(app.server)
    shutil.copy(stage.database, stage.old_database)

    story.say("The application has printed deprecation warnings:")
    story.say(warning, style="yellow")
    story.say("The answer to them:")
    for before, after in ((LEGACY_MODELS, MODELS), (LEGACY, ON_DATABASES)):
        diff = difference(before, after)
        story.quote(diff, styles={"-": "red", "+": "green"})
    with story.table():
        for before, after in ((LEGACY_MODELS, MODELS), (LEGACY, ON_DATABASES)):
            check_answered(story, before, after, warning)


def on_databases(stage: Stage) -> None:
    """The application on the `databases` adapter, its warning, and the lines that answer it."""
    story = stage.story
    with stage.running(ON_DATABASES) as [app]:
        with story.chapter("The same application on the `databases` adapter", ON_DATABASES):
            stage.registers("Ada registers", app.register(ADA, PASSWORD), ADA)
            stage.registers("Grace registers", app.register(GRACE, PASSWORD), GRACE)
            again = app.register(ADA.upper(), PASSWORD)
            story.step("ADA is refused", again, 400, detail="REGISTER_USER_ALREADY_EXISTS")
            stage.logs_in("Ada logs in", app.log_in(ADA, PASSWORD), ADA)
            link = app.link_acme(stage.tokens[ADA], ADA_AT_ACME)
            story.step(
                "... and links her account at Acme, an OAuth provider",
                link,
                200,
                id=stage.ids[ADA],
                oauth_accounts=LINKED,
            )
            by_acme = app.log_in_with_acme(ADA_AT_ACME)
            stage.logs_in("Ada logs in with Acme", by_acme, ADA)
            account = app.read_account(stage.tokens[BETTY])
            story.step("Betty is still logged in", account, 200, oauth_accounts=BETTY_LINKED)
        warning = deprecation_warning(app.server)

    story.say("The application has printed a deprecation warning:")
    story.say(warning, style="yellow")
    story.say("The answer to it: an engine and a session take the place of the database.")
    story.quote(difference(ON_DATABASES, ON_ORM), styles={"-": "red", "+": "green"})
    with story.table():
        check_answered(story, ON_DATABASES, ON_ORM, warning)


def on_orm(stage: Stage) -> None:
    """The same application, with those lines changed."""
    story = stage.story
    with (
        stage.running(ON_ORM) as [app],
        story.chapter("The same application on the ORM adapter: those lines have changed", ON_ORM),
    ):
        account = app.read_account(stage.tokens[ADA])
        story.step("Ada is still logged in", account, 200, email=ADA, id=stage.ids[ADA])
        stage.logs_in("Grace logs in", app.log_in(GRACE, PASSWORD), GRACE)
        stage.logs_in("Betty logs in, whom the shim wrote", app.log_in(BETTY, PASSWORD), BETTY)
        by_acme = app.log_in_with_acme(ADA_AT_ACME)
        stage.logs_in("Ada logs in with Acme", by_acme, ADA, oauth_accounts=LINKED)
        change = app.change_account(stage.tokens[ADA], password=NEW_PASSWORD)
        story.step("... and changes her password", change, 200, id=stage.ids[ADA])
        old = app.log_in(ADA, PASSWORD)
        story.step("The old one is refused", old, 400, detail="LOGIN_BAD_CREDENTIALS")
        stage.logs_in("The new one is good", app.log_in(ADA, NEW_PASSWORD), ADA)
        stage.registers("Alan registers", app.register(ALAN, PASSWORD), ALAN)
        warning = deprecation_warning(app.server) or "nothing"
        story.check("Warned?", "the log", warning, promised="nothing")


def back(stage: Stage) -> None:
    """The lines changed back: `databases` reads what the ORM wrote."""
    with (
        stage.running(ON_DATABASES) as [app],
        stage.story.chapter("And back: the lines are as they were", ON_DATABASES),
    ):
        stage.logs_in("Ada's new password is good", app.log_in(ADA, NEW_PASSWORD), ADA)
        by_acme = app.log_in_with_acme(ADA_AT_ACME)
        stage.logs_in("Ada logs in with Acme", by_acme, ADA, oauth_accounts=LINKED)
        stage.logs_in("Alan logs in, whom the ORM wrote", app.log_in(ALAN, PASSWORD), ALAN)


def both(stage: Stage) -> None:
    """Both at once on one database, as during a rolling deployment."""
    story = stage.story
    with (
        stage.running(ON_DATABASES, ON_ORM) as [databases, orm],
        story.chapter("Both at once, on one database", f"{ON_DATABASES}, {ON_ORM}"),
    ):
        stage.registers("databases: Mary registers", databases.register(MARY, PASSWORD), MARY)
        stage.logs_in("ORM: she logs in", orm.log_in(MARY, PASSWORD), MARY)
        stage.registers("ORM: Edith registers", orm.register(EDITH, PASSWORD), EDITH)
        stage.logs_in("databases: she logs in", databases.log_in(EDITH, PASSWORD), EDITH)
        move = databases.change_account(stage.tokens[MARY], email="mary@example.net")
        story.step("databases: Mary has a new address", move, 200, email="mary@example.net")
        account = orm.read_account(stage.tokens[MARY])
        story.step("ORM: it is seen", account, 200, email="mary@example.net")
        with ThreadPoolExecutor() as pool:
            answers = pool.map(lambda app: app.register(JOAN, PASSWORD), (databases, orm))
            statuses = sorted(answer.status for answer in answers)
        story.check(
            "Both: Joan registers, at the same moment",
            "2 x POST /auth/register",
            " and ".join(map(str, statuses)),
            promised="201 and 400",
        )


def stolen(stage: Stage) -> None:
    """A table of access tokens, hashed, and a thief who has a copy of it."""
    story = stage.story
    title = "Access tokens in a table, and a thief who has a copy of it"
    with stage.running(WITH_TOKENS) as [app], story.chapter(title, WITH_TOKENS):
        stage.logs_in("Ada logs in", app.log_in(ADA, NEW_PASSWORD), ADA)
        stage.logs_in("Grace logs in", app.log_in(GRACE, PASSWORD), GRACE)
        with closing(sqlite3.connect(stage.database)) as copy:
            tokens = [token for (token,) in copy.execute("SELECT token FROM accesstoken")]
        came = f"{len(tokens)} hashes of {len(tokens[0])} characters"
        story.check("The thief has the table", "app.db", came, promised="2 hashes of 43 characters")
        for token, which in zip(tokens, ("the first", "the second"), strict=True):
            account = app.read_account(token)
            story.step(f"... and tries {which}", account, 401, detail="Unauthorized")
        for email, who in ((ADA, "Ada"), (GRACE, "Grace")):
            account = app.read_account(stage.tokens[email])
            story.step(f"{who} is still logged in", account, 200, email=email)


def migrated(stage: Stage) -> None:
    """A copy of the first chapter's app and database, migrated by the command line."""
    story, project = stage.story, stage.directory / "project"
    by_tool.copy_legacy_app(project, stage.old_database)
    files = f"{by_tool.MAIN}, {by_tool.MODELS}"
    old = {name: (project / name).read_text() for name in files.split(", ")}
    title = "The first application again, migrated by tool: a copy, with its database of then"
    with story.chapter(title, f"{files}, app.db"):
        before = verify(story, "Betty can log in, says the tool", project)
        check = run_step(
            story,
            "... and what is to be changed",
            project,
            "check",
            code=1,
            promised="8 findings in 2 files: 7 safe, 1 by hand.",
        )
    story.quote(check.splitlines())

    with story.table():
        written = run_step(
            story,
            "The tool changes it",
            project,
            *("migrate", "--step", "all", "--write"),
            promised=f"Written: {files}",
            line=0,
        )
    for name, text in old.items():
        diff = unified(text, (project / name).read_text(), name, name)
        story.quote(diff, styles={"-": "red", "+": "green"})
    story.quote(written.splitlines())

    with story.table():
        run_step(story, "Nothing is left", project, "check", promised="Nothing to do.")
        sound = "The tables are sound."
        run_step(story, "The tables are right", project, *DOCTOR, promised=sound)
        after = verify(story, "Betty can log in, says the tool", project)
        came = "the same" if after == before else "something else"
        story.check("... as it has said of the old app", "both answers", came, promised="the same")
        result = by_tool.difference(
            (project / by_tool.MAIN).read_text(), (ROOT / ON_ORM).read_text()
        )
        came = f"{len(result)} lines differ, imports in any order"
        promised = "0 lines differ, imports in any order"
        story.check(f"{by_tool.MAIN} is {ON_ORM}", "both files", came, promised=promised)
    story.say(f"{MODELS} has more than the tool writes: a type, and an index for addresses.")
    models = [(project / by_tool.MODELS).read_text(), (ROOT / MODELS).read_text()]
    story.quote(by_tool.difference(*models), styles={"-": "red", "+": "green"})

    with stage.running(by_tool.MAIN, root=project) as [app], story.table():
        account = app.read_account(stage.tokens[BETTY])
        story.step("Betty is still logged in", account, 200, oauth_accounts=BETTY_LINKED)
        again = app.log_in(BETTY, PASSWORD)
        stage.logs_in("Her old password is good", again, BETTY, oauth_accounts=BETTY_LINKED)
        stage.logs_in("... and so is Acme", app.log_in_with_acme(BETTY_AT_ACME), BETTY)
        warning = deprecation_warning(app.server) or "nothing"
        story.check("Warned?", "the log", warning, promised="nothing")


CHAPTERS = [legacy, on_databases, on_orm, back, both, stolen, migrated]


def run_step(
    story: Story,
    what: str,
    project: Path,
    *arguments: str,
    promised: str,
    code: int = 0,
    line: int = -1,
) -> str:
    """Tell of a run of the command line, of whose output one line has to be as promised."""
    came, output, errors = run_tool(project, *arguments)
    shown = "".join(output.splitlines()[line:][:1]).partition("  Next:")[0]
    if came != code:
        shown = f"{output}{errors}exit code {came}"
    story.check(what, f"fastapi-users-db {' '.join(arguments)}", shown, promised=promised)
    return output


def verify(story: Story, what: str, project: Path) -> dict[str, Any]:
    """Tell how many users can log in, as the command line counts them."""
    code, output, errors = run_tool(project, *VERIFY)
    found: dict[str, Any] = json.loads(output)["checks"] if output else {}
    lost = sum(each["bad"] for each in found.values())
    came = f"{found['loaded']['good']} user, {lost} lost" if found else f"{errors}exit code {code}"
    command = f"fastapi-users-db {' '.join(VERIFY)}"
    story.check(what, command, came, promised="1 user, 0 lost")
    return found


def deprecation_warning(server: Server) -> str:
    """Return what Python has printed of our warnings into the log of a server."""
    printed = re.findall(
        r"^\S+: FastAPIUsersDBDeprecationWarning: .*\n  .*$", server.log, re.MULTILINE
    )
    return "\n".join(printed)


def difference(before: str, after: str) -> list[str]:
    """Return the difference of two files, as `diff -U0` prints it."""
    return unified((ROOT / before).read_text(), (ROOT / after).read_text(), before, after)


def unified(old: str, new: str, old_name: str, new_name: str) -> list[str]:
    """Return the difference of two texts, as `diff -U0` prints it."""
    lines = (old.splitlines(), new.splitlines())
    return list(difflib.unified_diff(*lines, old_name, new_name, n=0, lineterm=""))


def check_answered(story: Story, before: str, after: str, warning: str) -> None:
    """Check that each line of a file that was warned about is another in the file after it."""
    warned = lines_in(rf"^{before}:(\d+)", warning)
    removed = [f"-{line}" for line in warned_lines(before, warning)]
    answered = [line for line in removed if line in difference(before, after)]
    name = before.rpartition("/")[2]
    came = f"{warned}: {len(answered)} of {len(removed)}"
    total = f"{warned}: {max(len(removed), 1)} of {max(len(removed), 1)}"
    story.check(f"Warned of and answered in {name}", "the log", came, promised=total)


def warned_lines(file: str, warning: str) -> list[str]:
    """Return the lines of a file that the warnings point at."""
    lines = (ROOT / file).read_text().splitlines()
    numbers = re.findall(rf"^{file}:(\d+)", warning, re.MULTILINE)
    return [lines[int(number) - 1] for number in numbers]


def lines_in(pattern: str, text: str) -> str:
    """Return the numbers of lines that a pattern finds, in words."""
    return "line " + ", ".join(re.findall(pattern, text, re.MULTILINE))


def main() -> int:
    """Tell the story.

    Returns:
        The exit status: 0 if everything was as promised.
    """
    end_on_sigterm()
    story = Story(Console(highlight=False))
    story.say(
        "One application and one SQLite file; the adapter between them changes.\n"
        "#12ab is the beginning of a user's id. It takes about 30 seconds."
    )
    started = time.monotonic()
    try:
        with TemporaryDirectory(prefix="fastapi-users-db-") as name:
            directory = Path(name)
            with running("examples.provider:app", directory=directory) as [provider]:
                stage = Stage(story, directory, provider)
                for chapter in CHAPTERS:
                    chapter(stage)
    except (BrokenPromiseError, ServerFailedError, httpx.HTTPError) as error:
        story.say("Not as promised:", style="bold red")
        story.say(str(error))
        return 1
    except KeyboardInterrupt:
        # Not through Rich: it may have been interrupted while it wrote.
        sys.stdout.write("\nStopped.\n")
        return 130
    seconds = time.monotonic() - started
    story.say(f"All {story.steps} steps were as promised, in {seconds:.0f} seconds.", style="green")
    story.say("Try the application yourself: make serve, then http://127.0.0.1:8000/docs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
