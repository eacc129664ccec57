"""Print the figures: `python -m tests.four_generations [ROUNDS]`."""

import sys
from itertools import chain

from tests import servers
from tests.four_generations.story import Figures, tell

ROUNDS = 20


def table(figures: Figures) -> str:
    """Return the figures as text."""
    names = sorted(set().union(*figures.done.values()) - {"create_tables"})
    head = ["", *names, "all", "errors"]
    rows = [
        [
            generation,
            *(str(done[name]) for name in names),
            str(done.total()),
            str(len(figures.errors[generation])),
        ]
        for generation, done in figures.done.items()
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        )
        for row in [head, *rows]
    ]
    return "\n".join([*lines, f"lost: {len(figures.lost)}   mixed: {len(figures.mixed)}"])


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with (
        servers.running(servers.POSTGRESQL) as server,
        servers.database(servers.POSTGRESQL, server) as url,
    ):
        figures = tell(url.render_as_string(hide_password=False), rounds)
    print(table(figures))  # noqa: T201
    failures = [*chain(*figures.errors.values()), *figures.lost, *figures.mixed]
    print(*failures, sep="\n")  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
