"""Turns the figures into tables with the verdict on each: what the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

REQUIRED = {
    "create": 1.6,
    "update": 1.6,
    "token_create": 1.5,
    "authentication": 1.3,
    "strategy": 1.3,
    "strategy_hashed": 1.3,
}
"""What upstream's time must be of ours over the ORM on PostgreSQL, at least."""
REQUIRED_ON_SQLITE = {"strategy": 1.2, "strategy_hashed": 1.2}
"""The same on SQLite. Elsewhere it is 0.97."""
REQUIRED_OVER_DATABASES = {"get_with_accounts": 1.5}
AT_LEAST = 0.97
AT_MOST_OF_THE_DRIVER = {"get": 2.2, "create": 2.5}
"""What our time over the ORM may be of the bare driver's."""
TOLERANCE = 0.03
BY_EMAIL = ("get_by_email", "get_by_email_in_another_case", "get_by_email_unknown")

LABELS = {
    "get": "`get`",
    "get_with_accounts": "`get`, with OAuth accounts",
    "get_by_email": "`get_by_email`, as stored",
    "get_by_email_in_another_case": "`get_by_email`, other case",
    "get_by_email_unknown": "`get_by_email`, unknown",
    "get_by_oauth_account": "`get_by_oauth_account`",
    "create": "`create`",
    "update": "`update` of two columns",
    "delete": "`delete`",
    "add_oauth_account": "`add_oauth_account`, with `unique_oauth_account_index`",
    "add_oauth_account_without_index": "`add_oauth_account`, without the index",
    "token_get": "access token `get_by_token`",
    "authentication": "access token, then its user",
    "strategy": "`DatabaseStrategy`, token and user",
    "strategy_hashed": "`DatabaseStrategy`, token and user, ours hashed",
    "token_create": "access token `create`",
    "token_delete": "access token `delete`",
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def required(operation: str, backend: str, users: int = 0, server: str = "postgresql") -> float:
    """Return what upstream's time must be of ours, at least."""
    if server != "postgresql":
        return REQUIRED_ON_SQLITE.get(operation, AT_LEAST) if backend == "orm" else AT_LEAST
    if operation in BY_EMAIL and backend == "orm" and users >= 1_000_000:
        return 100
    special = REQUIRED if backend == "orm" else REQUIRED_OVER_DATABASES
    return special.get(operation, AT_LEAST)


def operations(
    rows: Sequence[Mapping[str, Any]],
    backend: str,
    server: str = "postgresql",
    *,
    trusted: bool = True,
) -> str:
    """Return the table of the operations; of a run that cannot be trusted, without a verdict."""
    lines = []
    for row in rows:
        if row["operation"] not in LABELS:
            continue
        ratio = row["upstream"] / row["ours"]
        wanted = required(row["operation"], backend, row["users"], server)
        bare = row.get("bare")
        limit = AT_MOST_OF_THE_DRIVER.get(row["operation"]) if bare and backend == "orm" else None
        met = ratio >= wanted and (limit is None or row["ours"] / bare <= limit)
        lines.append(
            [
                LABELS[row["operation"]],
                f"{row['upstream']:.2f}",
                f"{row['ours']:.2f}",
                f"{ratio:.2f} (≥ {wanted:g})",
                f"{bare:.2f}" if bare else "",
                (f"{row['ours'] / bare:.2f}" if bare else "") + (f" (≤ {limit})" if limit else ""),
                ("yes" if met else "**no**") if trusted else "?",
            ]
        )
    head = ["Operation", "Upstream, ms", "Ours, ms", "Ratio", "Driver, ms", "Ours by it", "Met"]
    return table(head, lines)


def itself(row: Mapping[str, Any]) -> float:
    """Return how upstream compares with itself: what the other ratios can be trusted to."""
    return float(row["upstream"] / row["ours"])


def is_trusted(results: Mapping[str, Any]) -> bool:
    """Tell whether upstream came out as fast as itself wherever it was measured."""
    suites = results["suites"].items()
    checks = [rows[-1] for name, rows in suites if name.startswith("itself-")]
    return all(abs(itself(row) - 1) <= TOLERANCE for row in checks)


def end_to_end(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of the requests under uvicorn."""
    names = {
        "jwt": "`/users/me`, JWT",
        "database": "`/users/me`, database token",
        "login": "login, no hashing",
    }
    lines = [
        [
            names[row["request"]],
            str(row["connections"]),
            *(str(row[side]["per_second"]) for side in ("upstream", "ours")),
            *(str(row[side]["p99"]) for side in ("upstream", "ours")),
        ]
        for row in rows
    ]
    head = ["Request", "Connections", "Upstream, 1/s", "Ours, 1/s", "Upstream p99, ms", "Ours, ms"]
    return table(head, lines)


def page(results: Mapping[str, Any]) -> str:
    """Return every table, and how far to trust it."""
    parts = []
    machine = f"{results['machine']}, {results['date']}"
    trusted = is_trusted(results)
    if not trusted:
        parts.append(
            '!!! warning "A busy machine"\n\n    Other work ran beside this benchmark: upstream '
            "was not as fast as itself, so that none of the ratios can be trusted.\n"
        )
    kind = "quick run, few rounds on small tables" if results["quick"] else "run of `make bench`"
    parts.append(f"A {kind}: {machine}.\n")
    for title, key, backend in (
        ("The ORM adapter, PostgreSQL", "orm-postgresql", "orm"),
        ("The ORM adapter, SQLite", "orm-sqlite", "orm"),
        ("The `databases` adapter, PostgreSQL", "databases-postgresql", "databases"),
        ("The `databases` adapter, SQLite", "databases-sqlite", "databases"),
    ):
        rows = results["suites"].get(key)
        if rows:
            server = key.partition("-")[2]
            users = max(row["users"] for row in rows)
            parts.append(f"### {title}\n\n{users:,} users; medians.")
            if backend == "orm" and (checks := results["suites"].get(f"itself-{server}")):
                parts[-1] += f" Upstream beside itself: {itself(checks[-1]):.2f}."
            parts.append(
                "\n"
                + operations(
                    [r for r in rows if r["users"] == users], backend, server, trusted=trusted
                )
                + "\n"
            )
    if rows := results["suites"].get("end-to-end"):
        parts.append(f"### Under uvicorn\n\n{end_to_end(rows)}\n")
    if rows := results["suites"].get("delete_expired"):
        parts.append("### `delete_expired`\n\n" + delete_expired(rows[0]) + "\n")
    if rows := results["suites"].get("advice"):
        parts.append(
            "### What the advice brings\n\n"
            + advice(rows, results["suites"].get("orm-postgresql", ()))
            + "\n"
        )
    return "\n".join(parts)


def delete_expired(row: Mapping[str, Any]) -> str:
    """Return the table of the deletion of expired tokens."""
    before, during = row["others_before"], row["others_during"]
    return table(
        ["", ""],
        [
            ["tokens deleted", f"{row['deleted']:,}"],
            ["seconds", f"{row['seconds']}"],
            ["longest transaction, seconds", f"{row['longest_transaction']}"],
            ["memory that it took, MiB", f"{row['memory_mib']}"],
            ["other requests before, median and p99, ms", f"{before['median']}, {before['p99']}"],
            ["other requests meanwhile, ms", f"{during['median']}, {during['p99']}"],
        ],
    )


def advice(rows: Sequence[Mapping[str, Any]], by_email: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of what an operator can do, and what it brings."""
    lines = []
    for row in by_email:
        if "without_index" in row and row["operation"] == "get_by_email_in_another_case":
            label = f"`get_by_email`, other case, {row['users']:,} users"
            lines.append([f"{label}, without the index, ms", f"{row['without_index']:.2f}"])
            lines.append([f"{label}, with `unique_email_index`, ms", f"{row['ours']:.2f}"])
    for row in rows:
        if "autocommit" in row:
            lines.append(["`get`, in a transaction, ms", f"{row['transaction']:.2f}"])
            lines.append(["`get`, AUTOCOMMIT, ms", f"{row['autocommit']:.2f}"])
        elif "pool_size" in row:
            label = f"64 at a time, pool of {row['pool_size']}: look-ups per second, p99 in ms"
            lines.append([label, f"{row['per_second']}, {row['p99']}"])
    return table(["", ""], lines)
