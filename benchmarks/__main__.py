"""`make bench`: measures everything, prints the tables, and keeps the figures as JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks import load, published, report
from benchmarks.stores import EMAIL_INDEX, Store, new_store
from tests.environments import python_of

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / ".cache" / "benchmarks"
DOCS = ROOT / "docs"
ENVIRONMENTS = {"orm": "up-7.0.0", "databases": "up-1.1.0"}
SERVERS = ("postgresql", "sqlite")
ATTEMPTS = 3
INKS = {"light": "#222222", "dark": "#dddddd"}
"""The colour of the plot's text, for each mode of the site."""
BUSY = "The machine is too busy to measure: upstream beside itself is"

console = Console()


class Benchmark:
    """One run: its options, and the figures so far, which are kept after each suite."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.path: Path = options.output
        self.results: dict[str, Any] = {
            "date": date.today().isoformat(),
            "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
            "quick": options.quick,
            "suites": {},
        }
        if options.resume and self.path.exists():
            self.results = json.loads(self.path.read_text())

    def run(self) -> None:
        """Measure what is wanted and not there yet."""
        for server in self.options.servers:
            with new_store(server) as store:
                for users in self.options.users:
                    console.print(f"[dim]{server}: seeding {users:,} users ...")
                    store.grow(users)
                    self._keep(f"itself-{server}", self._itself, store)
                    if self._is_wanted(*report.BY_EMAIL):
                        self._keep(f"scaling-{server}-{users}", self._by_email, "orm", store)
                self._measure(store)

    def _measure(self, store: Store) -> None:
        """Measure all that is measured at the largest size only."""
        for backend in ENVIRONMENTS:
            self._keep(f"{backend}-{store.name}", self._operations, backend, store)
        if store.name == "postgresql" and not self.options.only:
            self._keep("end-to-end", self._end_to_end, store)
            self._keep("advice", self._worker, "advice", store, [])
            self._keep("delete_expired", self._delete_expired, store)

    def _itself(self, store: Store) -> list[Any]:
        """Measure upstream beside itself, and go on only if it is as fast: the ruler comes first.

        Raises:
            SystemExit: it is not, three times over, and the run is not a quick one.
        """
        rows = []
        for _ in range(ATTEMPTS):
            rows += self._worker("orm", store, ["itself"])
            if report.is_trusted({"suites": {"itself-": rows}}):
                return rows
        if self.options.quick:
            return rows
        raise SystemExit(
            f"{BUSY} {', '.join(f'{report.itself(row):.2f}' for row in rows)} instead of 1.00 ± "
            f"{report.TOLERANCE}. Run it again when nothing else runs."
        )

    def _is_wanted(self, *operations: str) -> bool:
        return not self.options.only or not set(self.options.only).isdisjoint(operations)

    def _keep(self, suite: str, measure: Callable[..., list[Any]], *arguments: Any) -> None:
        """Measure a suite unless it is there, and write down all that there is by now."""
        if suite in self.results["suites"]:
            return
        console.print(f"[dim]{suite} ...")
        self.results["suites"][suite] = measure(*arguments)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.results, indent=1) + "\n")

    def _operations(self, backend: str, store: Store) -> list[Any]:
        wanted = self.options.only or list(report.LABELS)
        others = [name for name in wanted if name not in report.BY_EMAIL]
        rows = self._worker(backend, store, others) if others else []
        if self._is_wanted(*report.BY_EMAIL):
            rows += self._by_email(backend, store)
        return rows

    def _by_email(self, backend: str, store: Store) -> list[Any]:
        """Measure upstream as its users have it, and ours with the index that we offer.

        With it upstream does not read the whole table either, which would leave ours between its
        rounds with cold caches.
        """
        rows = self._worker(backend, store, list(report.BY_EMAIL))
        store.execute(EMAIL_INDEX)
        indexed = self._worker(backend, store, list(report.BY_EMAIL), "--email-index")
        store.execute("DROP INDEX email_any_case")
        for row in indexed:
            [plain] = [r for r in rows if r["operation"] == row["operation"]]
            plain.update({**row, "upstream": plain["upstream"], "without_index": plain["ours"]})
        return rows

    def _worker(self, suite: str, store: Store, only: list[str], *more: str) -> list[Any]:
        backend = "databases" if suite == "databases" else "orm"
        command = [
            *(str(python_of(ENVIRONMENTS[backend])), "-W", "ignore", "-m", "benchmarks.worker"),
            *(suite, store.address(backend), "--users", str(store.users)),
            *("--rounds", str(self.options.rounds), "--seconds", str(self.options.seconds)),
            *("--only", *only, *more),
        ]
        rows = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            for line in worker.stdout:
                row = {**json.loads(line), "users": store.users}
                if "operation" in row:
                    console.print(f"[dim]  {row['operation']}")
                rows.append(row)
        if worker.returncode:
            raise SystemExit(f"The suite {suite} failed on {store.name}.")
        return rows

    def _end_to_end(self, store: Store) -> list[Any]:
        python = python_of(ENVIRONMENTS["orm"])
        url = store.address("orm")
        rows = []
        with (
            load.serving(python, "upstream", url) as upstream,
            load.serving(python, "ours", url) as ours,
        ):
            turns = [("upstream", upstream), ("ours", ours), ("ours", ours), ("upstream", upstream)]
            for request in ("jwt", "database", "login"):
                for connections in (1, 8, 64):
                    row: dict[str, Any] = {"request": request, "connections": connections}
                    latencies: dict[str, list[float]] = {"upstream": [], "ours": []}
                    for side, port in turns:
                        drive = load.drive(port, request, connections, self.options.seconds / 2)
                        latencies[side] += asyncio.run(drive)
                    row.update({s: load.summary(v, connections) for s, v in latencies.items()})
                    rows.append(row)
        return rows

    def _delete_expired(self, store: Store) -> list[Any]:
        store.add_tokens(self.options.tokens)
        return self._worker("delete_expired", store, [])


def publish(results: dict[str, Any]) -> None:
    """Copy the figures, the tables and the plot to where the documentation includes them."""
    (ROOT / "benchmarks" / "published.json").write_text(json.dumps(results, indent=1) + "\n")
    (DOCS / "src" / "performance" / "tables.md").write_text(published.page(results))
    for mode, ink in INKS.items():
        plot = published.scaling(scaling_rows(results), ink=ink)
        (DOCS / f"performance-{mode}.svg").write_text(plot)


def scaling_rows(results: dict[str, Any]) -> list[Any]:
    """Return the rows of the plot."""
    suites = results["suites"].items()
    return [row for name, rows in suites if name.startswith("scaling-postgresql") for row in rows]


def show(console: Console, page: str) -> None:
    """Print a page: as it is, or with its tables folded to the width of a terminal.

    Rich's own Markdown cuts what a column has no room for.
    """
    if not console.is_terminal:
        console.print(Text(page), soft_wrap=True)
        return
    table: Table | None = None
    for line in page.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            if table is not None:
                console.print(table)
            table = None
            console.print(Text(line), soft_wrap=True)
        elif table is None:
            table = Table()
            for number, cell in enumerate(cells):
                table.add_column(cell, overflow="fold", justify="right" if number else "left")
        elif not set(line) <= set("| -:"):
            table.add_row(*map(Text, cells))
    if table is not None:
        console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark, or publish what it has measured."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds, small tables")
    parser.add_argument("--resume", action="store_true", help="keep the suites that are there")
    parser.add_argument("--publish", action="store_true", help="only copy the figures to docs/")
    parser.add_argument("--only", nargs="*", default=[], help="only these operations")
    parser.add_argument("--servers", nargs="*", default=list(SERVERS), choices=SERVERS)
    parser.add_argument("--users", nargs="*", type=int, help="the sizes of the table")
    parser.add_argument("--output", type=Path, default=RESULTS / "results.json")
    options = parser.parse_args(arguments)
    if options.publish:
        publish(json.loads(options.output.read_text()))
        return
    options.users = sorted(
        options.users or ([1000, 10_000] if options.quick else [10**n for n in (3, 4, 5, 6)])
    )
    options.rounds, options.seconds = (30, 1) if options.quick else (1000, 10)
    options.tokens = 20_000 if options.quick else 1_000_000
    benchmark = Benchmark(options)
    benchmark.run()
    show(console, report.page(benchmark.results))
    if not report.is_trusted(benchmark.results):
        console.print("[bold red]Upstream was not as fast as itself: trust none of the ratios.")


if __name__ == "__main__":
    main()
