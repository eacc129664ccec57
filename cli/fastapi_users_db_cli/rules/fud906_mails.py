"""Links in mails that are on their way when step 3 is deployed do not work.

Tell your users to ask for another one, or deploy when few are on their way: they last an hour.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Finding, Rule


def find(facts: Facts) -> Iterator[Finding]:
    for source, node, _ in facts.managers if facts.is_legacy else ():
        for statement in node.body:
            names = [getattr(each, "id", "") for each in getattr(statement, "targets", ())]
            if any(name.endswith("_token_secret") for name in names):
                yield Finding(source, statement)
                break


RULE = Rule(
    code="FUD906",
    step=3,
    fix="none",
    title="mails that are on their way end at step 3",
    why="Since FastAPI Users 10.3 the claim in them is `sub`: the link answers 400.",
    find=find,
    text=__doc__,
)
