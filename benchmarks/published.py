"""What the documentation shows of the figures: tables for users, and the plot of the scaling."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import BY_EMAIL, LABELS, is_trusted, itself, table

SUITES = (
    ("The ORM adapter on PostgreSQL", "orm-postgresql", "orm"),
    ("The ORM adapter on SQLite", "orm-sqlite", "orm"),
    ("The `databases` adapter on PostgreSQL", "databases-postgresql", "databases"),
    ("The `databases` adapter on SQLite", "databases-sqlite", "databases"),
)
SENTENCES = {
    "get": "One SELECT by the primary key, as upstream.",
    "get_by_oauth_account": "One SELECT with a join, as upstream.",
    "create": "INSERT and COMMIT. Upstream then reads the row again.",
    "update": "UPDATE and COMMIT. Upstream then reads the row again.",
    "delete": "The same statements as upstream.",
    "add_oauth_account": "The index refuses an account that is linked already.",
    "add_oauth_account_without_index": "A SELECT looks whether the account is linked already.",
    "token_get": "One SELECT by the primary key, as upstream.",
    "authentication": "Two SELECTs, as upstream.",
    "strategy": "One SELECT. FastAPI Users' own strategy sends two.",
    "strategy_hashed": "The same, with tokens that are stored hashed.",
    "token_create": "INSERT and COMMIT. Upstream then reads the row again.",
    "token_delete": "The same statements as upstream.",
    "get_by_email": "An index finds it. Upstream reads the whole table.",
    "get_by_email_in_another_case": "An index finds it. Upstream reads the whole table.",
    "get_by_email_unknown": "An index is enough to know. Upstream reads the whole table.",
}
SENTENCES_OVER_DATABASES = {
    **dict.fromkeys(SENTENCES, "The same statements, compiled once."),
    "get_with_accounts": "One SELECT. Upstream sends two.",
    "get_by_oauth_account": "One SELECT. Upstream sends two.",
    "get_by_email": "An index finds it. Upstream reads until it finds it.",
    "get_by_email_in_another_case": "An index finds it. Upstream reads until it finds it.",
    "get_by_email_unknown": SENTENCES["get_by_email_unknown"],
}
REQUESTS = {
    "jwt": "`/users/me`, with a JWT",
    "database": "`/users/me`, with a token in the database",
    "login": "login, without hashing",
}


def page(results: Mapping[str, Any]) -> str:
    """Return what the page about performance includes."""
    suites = results["suites"]
    kind = "quick run, few rounds on small tables" if results["quick"] else "run of `make bench`"
    parts = [f"A {kind}: {results['machine']}, {results['date']}."]
    if not is_trusted(results):
        parts.insert(
            0,
            '!!! warning "A busy machine"\n\n    Other work ran beside this benchmark: upstream '
            "was not as fast as itself, so that none of these figures can be trusted.",
        )
    for title, key, backend in SUITES:
        if rows := suites.get(key):
            users = max(row["users"] for row in rows)
            lead = f"{users:,} users. The times are medians."
            if checks := suites.get(f"itself-{key.partition('-')[2]}"):
                lead += (
                    f" Measured beside itself, upstream is {itself(checks[-1]):.2f} times as fast."
                )
            parts += [f"### {title}", lead, _operations(rows, users, backend)]
    if rows := suites.get("end-to-end"):
        parts += ["### Whole requests", "An app under uvicorn, on PostgreSQL.", _requests(rows)]
    if rows := suites.get("delete_expired"):
        parts += ["### Deleting expired tokens", _delete_expired(rows[0])]
    if rows := suites.get("advice"):
        parts += [
            "### What the advice below brings",
            _advice(rows, suites.get("orm-postgresql", ())),
        ]
        parts += [_pools(rows)]
    return "\n\n".join(parts) + "\n"


def times(upstream: float, ours: float) -> str:
    """Return how many times as fast ours is."""
    ratio = upstream / ours
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2f}"


def _operations(rows: Sequence[Mapping[str, Any]], users: int, backend: str) -> str:
    sentences = SENTENCES if backend == "orm" else SENTENCES_OVER_DATABASES
    lines = [
        [
            f"{LABELS[row['operation']]}<br>{sentences[row['operation']]}",
            f"{row['upstream']:.2f}",
            f"{row['ours']:.2f}",
            times(row["upstream"], row["ours"]),
        ]
        for row in rows
        if row["users"] == users and row["operation"] in LABELS
    ]
    return table(["Operation", "Upstream, ms", "Ours, ms", "Times as fast"], lines)


def _requests(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            REQUESTS[row["request"]],
            str(row["connections"]),
            *(str(row[side]["per_second"]) for side in ("upstream", "ours")),
            *(f"{row[side]['p99']:.0f}" for side in ("upstream", "ours")),
        ]
        for row in rows
    ]
    head = ["Request", "Connections", "Upstream, per second", "Ours, per second"]
    return table([*head, "Upstream, slowest 1%, ms", "Ours, slowest 1%, ms"], lines)


def _delete_expired(row: Mapping[str, Any]) -> str:
    before, during = row["others_before"], row["others_during"]
    return (
        f"`delete_expired` deleted {row['deleted']:,} tokens in {row['seconds']} seconds. No "
        f"transaction took longer than {row['longest_transaction']} seconds. Other requests took "
        f"{during['median']:.1f} ms meanwhile, and {before['median']:.1f} ms before; the slowest "
        f"1% took {during['p99']:.1f} ms, and {before['p99']:.1f} ms before."
    )


def _advice(rows: Sequence[Mapping[str, Any]], by_email: Sequence[Mapping[str, Any]]) -> str:
    found = [
        (
            f"`unique_email_index`, for another case among {row['users']:,} users",
            row["without_index"],
            row["ours"],
        )
        for row in by_email
        if "without_index" in row and row["operation"] == "get_by_email_in_another_case"
    ]
    found += [
        ("AUTOCOMMIT, for `get`", row["transaction"], row["autocommit"])
        for row in rows
        if "autocommit" in row
    ]
    head = ["Advice", "Without it, ms", "With it, ms", "Times as fast"]
    return table(head, [[what, f"{a:.2f}", f"{b:.2f}", times(a, b)] for what, a, b in found])


def _pools(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [str(row["pool_size"]), str(row["per_second"]), f"{row['p99']:.0f}"]
        for row in rows
        if "pool_size" in row
    ]
    head = ["Connections in the pool, 64 look-ups at a time", "Per second", "Slowest 1%, ms"]
    return table(head, lines)


def scaling(rows: Sequence[Mapping[str, Any]], *, ink: str) -> str:
    """Return the plot of the time of a look-up by the number of users, as an SVG.

    Parameters:
        rows: the figures of `get_by_email`.
        ink: the colour of text and axes.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullLocator

    colours = {"upstream": "#e8590c", "ours": "#1c7ed6"}
    sizes = sorted({row["users"] for row in rows})
    # Text stays text, and the same figures make the same file.
    options = {"svg.fonttype": "none", "svg.hashsalt": "scaling", "font.size": 12}
    with rc_context(options):
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="users", ylim=(0.5, 1000))
        axes.set_title("get_by_email on PostgreSQL (both scales are logarithmic)", color=ink)
        for side, colour in colours.items():
            kinds = [
                [row[side] for size in sizes for row in rows if _is(row, operation, size)]
                for operation in BY_EMAIL
            ]
            lowest, highest = (list(map(bound, *kinds)) for bound in (min, max))
            axes.fill_between(sizes, lowest, highest, color=colour, alpha=0.25, linewidth=0)
            axes.plot(sizes, kinds[0], color=colour, linewidth=2.5, marker="o")
            name, above = (side, 14) if side == "upstream" else ("ours, with both indexes", 26)
            axes.annotate(
                f"{name}: {kinds[0][-1]:.3g} ms",
                (sizes[-1], kinds[0][-1]),
                xytext=(0, above),
                textcoords="offset points",
                ha="right",
                color=colour,
                weight="bold",
            )
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_locator(NullLocator())
        axes.grid(axis="y", color=ink, alpha=0.2)
        axes.tick_params(colors=ink)
        axes.xaxis.label.set_color(ink)
        for name, spine in axes.spines.items():
            spine.set_visible(name in ("left", "bottom"))
            spine.set_color(ink)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def _is(row: Mapping[str, Any], operation: str, users: int) -> bool:
    return bool(row["operation"] == operation and row["users"] == users)
