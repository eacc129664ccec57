"""Handlers of events are a lifespan.

Before:

    from app import engine
    from fastapi import FastAPI
    from fastapi_users import FastAPIUsers

    app = FastAPI()


    def start():
        print("up")


    async def stop():
        await engine.dispose()


    app.add_event_handler("startup", start)
    app.add_event_handler("shutdown", stop)

After:

    from contextlib import asynccontextmanager

    from app import engine
    from fastapi import FastAPI
    from fastapi_users import FastAPIUsers


    @asynccontextmanager
    async def lifespan(app):
        start()
        yield
        await stop()


    app = FastAPI(lifespan=lifespan)


    def start():
        print("up")


    async def stop():
        await engine.dispose()


"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fastapi_users_db_cli.backends import backends
from fastapi_users_db_cli.facts import Facts
from fastapi_users_db_cli.rule import Change, Finding, Fix, Rule
from fastapi_users_db_cli.source import FUNCTIONS, Source

_EVENTS = ("startup", "shutdown")


def find(facts: Facts) -> Iterator[Finding]:
    for source in facts.project:
        calls = [call for call in source.all(ast.Call) if _event(call)]
        if not calls:
            continue
        change = _change(facts, source, calls)
        write = "" if change else "a lifespan: https://fastapi.tiangolo.com/advanced/events/"
        for call in calls:
            fix: Fix | None = None if change else "manual"
            yield Finding(source, call, change, fix=fix, write=write)


def _event(call: ast.Call) -> str | None:
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "add_event_handler" and len(call.args) == 2:
        event = call.args[0]
        if isinstance(event, ast.Constant) and event.value in _EVENTS:
            return str(event.value)
    return None


def _change(facts: Facts, source: Source, calls: list[ast.Call]) -> Change | None:
    """Put all handlers of an app into one lifespan, if they are known to be asynchronous."""
    apps = [call.func.value for call in calls if isinstance(call.func, ast.Attribute)]
    names = {source.code(app) for app in apps}
    app = facts.value_of(source, apps[0]) if len(names) == 1 else None
    others = any(
        isinstance(node, ast.Attribute) and node.attr == "on_event"
        for node in source.all(ast.Attribute)
    )
    is_app = (
        isinstance(app, ast.Call) and facts.project.resolve(source, app.func) == "fastapi.FastAPI"
    )
    if not is_app or others or "lifespan" in source.module_scope.names:
        return None
    assert isinstance(app, ast.Call)
    if any(each.arg in ("lifespan", "on_startup", "on_shutdown") for each in app.keywords):
        return None
    made = source.statement(app)
    lines: dict[str, list[str]] = {"startup": [], "shutdown": []}
    for call in calls:
        statement = source.statement(call)
        event, handler = _event(call), call.args[1]
        waits = _is_async(facts, source, handler)
        if waits is None or event is None or statement not in source.block(made):
            return None
        lines[event].append(f"{'await ' if waits else ''}{source.code(handler)}()")
    change = Change(facts.project)
    change.remove_statements(source, [source.statement(call) for call in calls])
    manager = change.name(source, "contextlib.asynccontextmanager")
    body = [*lines["startup"], "yield", *lines["shutdown"]]
    indent = source.indent(made)
    head = [f"@{manager}", f"async def lifespan({names.pop()}):"]
    blank = 1 if indent else 2
    text = [indent + line for line in [*head, *("    " + line for line in body)]] + [""] * blank
    start = source.line_start(source.start(made))
    is_first = made is source.block(made)[0]
    gap = "" if is_first else source.newline * (blank - _blank_lines_before(source, start))
    change.edits.append(source.insert(start, gap + "".join(line + source.newline for line in text)))
    items = [*app.args, *app.keywords]
    end = source.end(app) - 1
    last = source.end(items[-1]) if items else end
    change.edits.append(source.insert(last, f"{', ' if items else ''}lifespan=lifespan"))
    return change


def _blank_lines_before(source: Source, start: int) -> int:
    count = 0
    while start and not source.data[source.line_start(start - 1) : start].strip() and count < 2:
        start = source.line_start(start - 1)
        count += 1
    return count


def _is_async(facts: Facts, source: Source, handler: ast.expr) -> bool | None:
    definition = facts.value_of(source, handler)
    if isinstance(handler, ast.Call):
        definition = _made_by(facts.value_of(source, handler.func))
    if isinstance(definition, FUNCTIONS):
        return isinstance(definition, ast.AsyncFunctionDef)
    name = facts.project.resolve(source, handler) or ""
    owner, _, method = name.rpartition(".")
    known = {each.key for each in backends(facts)}
    return True if owner in known and method in ("connect", "disconnect") else None


def _made_by(factory: ast.AST | None) -> ast.AST | None:
    """Return the function that a function defines and returns."""
    if not isinstance(factory, ast.FunctionDef):
        return None
    made = {each.name: each for each in factory.body if isinstance(each, FUNCTIONS)}
    last = factory.body[-1]
    name = (
        last.value.id if isinstance(last, ast.Return) and isinstance(last.value, ast.Name) else ""
    )
    return made.get(name)


RULE = Rule(
    code="FUD381",
    step=3,
    fix="unsafe",
    title="events have handlers",
    why="Starlette 1 has no `add_event_handler`: the app raises AttributeError when it starts.",
    find=find,
    text=__doc__,
)
