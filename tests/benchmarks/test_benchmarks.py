"""The benchmark's own logic: what it seeds, how it interleaves, what it prints and publishes."""

import gc
import io
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from benchmarks import __main__ as benchmark
from benchmarks import data, published, report
from benchmarks.stores import Store, new_store
from benchmarks.timing import interleaved, median, percentile_99


@pytest.fixture
def small_heap() -> Iterator[None]:
    """Keep what other tests have left from the collector, which runs in some of the rounds."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("small_heap")
async def test_sides_take_turns_and_preparation_is_not_measured() -> None:
    order: list[str] = []

    def side(name: str) -> Callable[[int], Awaitable[Any]]:
        async def prepare(number: int) -> Any:
            async def run() -> None:
                order.append(f"{name}{number}")

            return run

        return prepare

    runners = {name: side(name) for name in "ab"}
    measured = await interleaved(runners, 2, warm_up=1)
    assert order == ["b-1", "a-1", "a0", "b0", "b1", "a1"]
    assert {name: len(values) for name, values in measured.items()} == {"a": 2, "b": 2}


@pytest.mark.usefixtures("small_heap")
async def test_there_are_five_rounds_however_long_they_take() -> None:
    async def prepare(number: int) -> Any:
        async def run() -> None:
            pass

        return run

    measured = await interleaved({"a": prepare}, 100, seconds=0)
    assert len(measured["a"]) == 5


def test_summaries() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert percentile_99([float(n) for n in range(100)]) == 99.0


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_seeded_rows_are_those_that_the_sides_ask_for(server: str) -> None:
    with new_store(server) as store:
        store.grow(10)
        store.grow(20)
        assert rows(store, 'SELECT id, email FROM "user" ORDER BY email')[0] == (
            str(data.user_id(0)),
            data.email(0),
        )
        [(users,)] = rows(store, 'SELECT count(*) FROM "user"')
        assert int(users) == 20
        tokens = rows(store, "SELECT token, user_id FROM accesstoken ORDER BY token")
        assert tokens == [(data.token(n), str(data.user_id(n))) for n in (0, 10)]
        accounts = rows(store, "SELECT account_id, user_id FROM oauth_account ORDER BY account_id")
        assert accounts == [(data.account_id(n), str(data.user_id(n))) for n in (0, 10)]
        store.add_tokens(10)
        [(tokens_now,)] = rows(store, "SELECT count(*) FROM accesstoken")
        assert int(tokens_now) == 12


def rows(store: Store, sql: str) -> list[tuple[str, ...]]:
    if store.name == "sqlite":
        connection: Any = sqlite3.connect(str(store.url.database))
    else:
        connection = psycopg.connect(store.url.render_as_string(hide_password=False))
    try:
        return [tuple(map(str, row)) for row in connection.execute(sql).fetchall()]
    finally:
        connection.close()


def test_a_store_is_dropped_when_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt), new_store("sqlite") as store:
        raise KeyboardInterrupt
    assert not Path(str(store.url.database)).exists()


ROW = {"operation": "create", "upstream": 3.0, "ours": 2.0, "bare": 1.0, "users": 1000}


def test_the_table_says_whether_a_figure_is_met() -> None:
    assert (
        "| `create` | 3.00 | 2.00 | 1.50 (≥ 1.6) | 1.00 | 2.00 (≤ 2.5) | **no** |"
        in report.operations([ROW], "orm")
    )
    assert "| 1.00 | 2.00 | yes |" in report.operations([ROW], "databases")
    assert "| 0.70 | 2.86 (≤ 2.5) | **no** |" in report.operations(
        [{**ROW, "upstream": 4.0, "bare": 0.7}], "orm"
    )


@pytest.mark.parametrize("quick", [True, False])
def test_nothing_is_measured_where_upstream_is_not_as_fast_as_itself(
    quick: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments = ["--only", "get", "--servers", "sqlite", "--users", "10"]
    measured: list[list[str]] = []

    def measure(self: Any, suite: str, store: Store, only: list[str]) -> list[Any]:
        measured.append(only)
        return [{"operation": only[0], "upstream": 1.2, "ours": 1.0, "users": 10}]

    monkeypatch.setattr(benchmark.Benchmark, "_worker", measure)
    output = ["--output", str(tmp_path / "results.json"), *(["--quick"] if quick else [])]
    if quick:
        benchmark.main(arguments + output)
        assert measured == [["itself"]] * 3 + [["get"]] * 2
    else:
        with pytest.raises(SystemExit, match=r"too busy .* 1\.20, 1\.20, 1\.20 instead of 1\.00"):
            benchmark.main(arguments + output)
        assert measured == [["itself"]] * 3


def test_a_million_users_are_asked_for_more() -> None:
    assert report.required("get_by_email", "orm", 1_000_000) == 100
    assert report.required("get_by_email", "orm", 1000) == 0.97
    assert report.required("get_by_email", "orm", 1_000_000, "sqlite") == 0.97
    assert report.required("strategy_hashed", "orm", 1000) == 1.3
    assert report.required("strategy_hashed", "orm", 1000, "sqlite") == 1.2


def test_a_run_beside_other_work_says_so() -> None:
    results: dict[str, Any] = {"machine": "x", "date": "y", "quick": True, "suites": {}}
    assert "A quick run" in report.page(results)
    assert "A busy machine" not in report.page(results)
    itself = {"operation": "itself", "upstream": 1.1, "ours": 1.0, "users": 1000}
    results["suites"].update({"itself-sqlite": [itself], "orm-sqlite": [ROW]})
    assert "A busy machine" in report.page(results)
    assert "(≤ 2.5) | ? |" in report.page(results)
    assert "Upstream beside itself: 1.10." in report.page(results)


def test_what_is_published_is_what_was_measured() -> None:
    results = json.loads((benchmark.ROOT / "benchmarks" / "published.json").read_text())
    page = (benchmark.DOCS / "src" / "performance" / "tables.md").read_text()
    assert page == published.page(results)


def printed(**options: Any) -> str:
    output = io.StringIO()
    console = Console(file=output, color_system=None, **options)
    results = {"machine": "x", "date": "y", "quick": True}
    rows = [{**ROW, "operation": name} for name in report.LABELS]
    benchmark.show(console, report.page({**results, "suites": {"orm-sqlite": rows}}))
    return output.getvalue()


def test_the_page_is_printed_as_it_is_where_there_is_no_terminal() -> None:
    output = printed(width=60)
    for label in report.LABELS.values():
        assert f"\n| {label} |" in output


@pytest.mark.parametrize("width", [60, 80])
def test_nothing_is_cut_on_a_terminal(width: int) -> None:
    output = printed(width=width, force_terminal=True)
    assert "…" not in output
    assert max(map(len, output.splitlines())) <= width
    shown = re.sub(
        r"\W", "", "".join(line.split("│")[1] for line in output.splitlines() if "│" in line)
    )
    for label in report.LABELS.values():
        assert re.sub(r"\W", "", label) in shown


def test_what_is_published_is_for_users() -> None:
    results: dict[str, Any] = {"machine": "x", "date": "y", "quick": False, "suites": {}}
    results["suites"]["orm-sqlite"] = [ROW]
    page = published.page(results)
    assert f"| `create`<br>{published.SENTENCES['create']} | 3.00 | 2.00 | 1.50 |" in page
    assert "A busy machine" not in page
    results["suites"]["itself-sqlite"] = [{**ROW, "operation": "itself"}]
    assert "A busy machine" in published.page(results)
    assert published.times(204.0, 1.0) == "204"


def test_every_operation_has_a_sentence() -> None:
    operations = set(report.LABELS)
    assert operations <= set(published.SENTENCES) | set(published.SENTENCES_OVER_DATABASES)


def test_the_plot_is_text_and_loads_nothing() -> None:
    pytest.importorskip("matplotlib")
    rows = [{"operation": name, "upstream": 50.0, "ours": 2.0} for name in report.BY_EMAIL]
    plot = published.scaling(
        [{**row, "users": n} for row in rows for n in (10, 100)], ink="#123456"
    )
    assert "<script" not in plot
    assert "upstream: 50 ms</text>" in plot
    assert "ours, with both indexes: 2 ms</text>" in plot
    assert "#123456" in plot
    assert "logarithmic" in plot


def test_suites_that_are_there_are_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def worker(self: Any, suite: str, store: Store, only: list[str], *more: str) -> list[Any]:
        measured.append(suite)
        return [{**ROW, "operation": name, "ours": ROW["upstream"]} for name in only]

    monkeypatch.setattr(benchmark.Benchmark, "_worker", worker)
    output = tmp_path / "results.json"
    arguments = ["--quick", "--servers", "sqlite", "--users", "10", "--output", str(output)]
    benchmark.main([*arguments, "--only", "create", "get_by_email"])
    assert measured == ["orm"] * 6 + ["databases"] * 3
    assert set(json.loads(output.read_text())["suites"]) == {
        "itself-sqlite",
        "scaling-sqlite-10",
        "orm-sqlite",
        "databases-sqlite",
    }
    measured.clear()
    benchmark.main([*arguments, "--resume"])
    assert measured == []
    # Not the other operations, too: to the worker no name is all of them.
    benchmark.main([*arguments, "--only", "get_by_email"])
    assert measured == ["orm"] * 5 + ["databases"] * 2
