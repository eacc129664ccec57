"""Tell what happens, and end where something is not as promised.

On a terminal in tables and colours; anywhere else in plain lines of any length.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from examples.client import Answer

WIDTH = 80  # of a table, on a terminal that has room for it
NO_STYLES: Mapping[str, str] = {}


class BrokenPromiseError(Exception):
    """Something else came back than was promised."""

    def __init__(self, what: str, promised: Any, came: Any) -> None:
        super().__init__(f"{what}\n  expected: {promised}\n  came:     {came}")


class Story:
    """A story in chapters, a chapter in steps.

    Parameters:
        console: where it is told.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.chapters = 0
        self.steps = 0
        self._table = Table()

    @contextmanager
    def chapter(self, title: str, subtitle: str) -> Iterator[None]:
        """Tell the steps of the block under a title."""
        self.chapters += 1
        self.say(f"{self.chapters}. {title}", style="bold")
        self.console.print(Text(f"   {subtitle}"), soft_wrap=True)
        with self.table():
            yield

    @contextmanager
    def table(self) -> Iterator[None]:
        """Tell the steps of the block in a table."""
        if not self.console.is_terminal:
            self.console.print()
            yield
            return
        width = min(WIDTH, self.console.width)
        self._table = Table(
            box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), header_style="", width=width
        )
        self._table.add_column("What happens", ratio=19, overflow="fold")
        self._table.add_column("Request", ratio=25, overflow="fold", style="cyan")
        self._table.add_column("What came back", ratio=28, overflow="fold")
        self._table.add_column("", width=2)
        try:
            yield
        finally:
            # Also where a step was not as promised: it is the last row.
            if self._table.rows:
                self.console.print()
                self.console.print(self._table)

    def say(self, text: str, style: str = "") -> None:
        """Tell something between the tables."""
        self.console.print()
        # The terminal wraps it, so that an address in it stays whole.
        self.console.print(Text(text, style), soft_wrap=True)

    def quote(self, lines: Iterable[str], styles: Mapping[str, str] = NO_STYLES) -> None:
        """Show lines as they are, each in the style for its first character."""
        self.console.print()
        for line in lines:
            self.console.print(Text(line, styles.get(line[:1], "")), soft_wrap=True)

    def step(self, what: str, answer: Answer, status: int, **promised: Any) -> dict[str, Any]:
        """Tell of requests whose answer has to be as promised.

        Parameters:
            what: what happens.
            answer: what came back.
            status: the status it must have.
            promised: the values its body must have.

        Returns:
            The body.

        Raises:
            BrokenPromiseError: it has others.
        """
        came = {key: answer.body.get(key) for key in promised}
        kept = (answer.status, came) == (status, promised)
        self._add_row(what, "\n".join(answer.requests), _summary(answer), kept)
        if not kept:
            raise BrokenPromiseError(what, f"{status} {promised}", f"{answer.status} {answer.body}")
        return answer.body

    def check(self, what: str, where: str, came: str, *, promised: str) -> None:
        """Tell of something else that has to be as promised.

        Parameters:
            what: what it is.
            where: where it is seen.
            came: what is seen.
            promised: what it must be.

        Raises:
            BrokenPromiseError: it is not.
        """
        self._add_row(what, where, came, came == promised)
        if came != promised:
            raise BrokenPromiseError(what, promised, came)

    def _add_row(self, what: str, request: str, came: str, kept: bool) -> None:
        self.steps += 1
        mark = Text("ok", "green") if kept else Text("NO", "bold red")
        if self.console.is_terminal:
            self._table.add_row(Text(what), Text(request), Text(came), mark)
        else:
            line = f"{mark} | {what} | {request} | {came}".replace("\n", ", ")
            self.console.print(Text(line), soft_wrap=True)


def _summary(answer: Answer) -> str:
    """Return what a reader wants to see of an answer."""
    body = answer.body
    if "id" not in body:
        return f"{answer.status} {body.get('detail', '')}"
    linked = [f"{a['oauth_name']}: {a['account_email']}" for a in body["oauth_accounts"]]
    return "\n".join([f"{answer.status} {body['email']} #{body['id'][:4]}", *linked])
