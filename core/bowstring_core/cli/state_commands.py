"""`bowstring list`, `memory`, `stack`, `why` and `timeline`: what the node tells, for people and for programs."""

from __future__ import annotations

import heapq
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable

import click
from rich.text import Text

from bowstring_core.cli.sessions import chosen_session, session_option
from bowstring_core.cli.tables import console, say, show_json, show_rows, size_text
from bowstring_core.cli.tool import Tool
from bowstring_core.machine.blockers import PUT_INDEX
from bowstring_wire.filters import parse_filter
from bowstring_wire.messages import FilterOp, StateFilter, StateKind

KINDS = {kind.name.lower(): kind for kind in StateKind if kind and kind not in (StateKind.BLOCKERS, StateKind.TRACE)}
# What a table shows of rows with many fields, unless all are wanted.
_MAIN = {
    StateKind.TASKS: ("task", "name", "state", "attempt", "job", "pid", "start_ns", "duration_ns", "error_type"),
    StateKind.ACTORS: ("actor", "class", "name", "namespace", "life", "incarnation", "restarts_left", "pid", "reason"),
    StateKind.STACKS: ("pid", "role", "language", "thread", "task"),
}


def _filters(conditions: Iterable[str]) -> list[StateFilter]:
    try:
        return [parse_filter(condition) for condition in conditions]
    except ValueError as error:
        raise click.UsageError(str(error)) from error


@click.command("list")
@click.argument("kind", type=click.Choice(sorted(KINDS)), metavar="KIND")
@session_option
@click.option(
    "--filter",
    "conditions",
    multiple=True,
    metavar="CONDITION",
    help="Only rows for which it holds, as state=RUNNING, 'duration_ns>1000000000' or name~train; may be repeated.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Rows at most; all.")
@click.option("--columns", metavar="NAMES", help="Fields to show, with commas between.")
@click.option("--wide", is_flag=True, help="Show all fields.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each row, with all fields.")
def list_rows(
    kind: str,
    session: str | None,
    conditions: tuple[str, ...],
    limit: int | None,
    columns: str | None,
    wide: bool,
    as_json: bool,
) -> None:
    """All of one KIND: actors, holds, jobs, leases, nodes, objects, placement_groups, references, resources, stacks,
    store, tasks or workers."""
    filters = _filters(conditions)
    with Tool(chosen_session(session)) as tool:
        rows = tool.rows(KINDS[kind], filters, limit or 0)
        if as_json:
            show_json(rows)
            return
        found = list(rows)
    wanted = [name.strip() for name in columns.split(",")] if columns else []
    if found and not set(wanted) <= set(found[0]):
        missing = ", ".join(sorted(set(wanted) - set(found[0])))
        raise click.UsageError(f"--columns: {kind} have no {missing}; there are {', '.join(found[0])}")
    show_rows(found, wanted or (() if wide else _MAIN.get(KINDS[kind], ())))


@click.command()
@session_option
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="Objects at most.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each object.")
def memory(session: str | None, limit: int, as_json: bool) -> None:
    """The largest objects, who keeps them, and what the store is used for."""
    with Tool(chosen_session(session)) as tool:
        largest = heapq.nlargest(limit, tool.rows(StateKind.OBJECTS), key=lambda row: row["size"])
        objects = {row["object"]: row for row in largest}
        holders: dict[str, list[str]] = defaultdict(list)
        for hold in tool.rows(StateKind.HOLDS):
            if hold["object"] in objects:
                who = f"{hold['role']} {hold['pid']}".strip() if hold["pid"] else hold["role"]
                many = f" x{hold['count']}" if hold["count"] > 1 else ""
                holders[hold["object"]].append(f"{who} ({hold['kind']}{many})")
        sites = {row["object"]: row["call_site"] for row in tool.rows(StateKind.REFERENCES) if row["call_site"]}
        names = _names(tool, {object_id[:32] for object_id in objects if not _is_put(object_id)})
        store = tool.ask(StateKind.STORE)
    rows = [
        {
            "object": object_id,
            "size": row["size"],
            "state": row["state"],
            "kept_by": holders[object_id],
            "made_by": "put" if _is_put(object_id) else names.get(object_id[:32], ""),
            "call_site": sites.get(object_id, ""),
        }
        for object_id, row in objects.items()
    ]
    if as_json:
        show_json(rows)
        return
    show_rows(store, title="Store")
    for row in rows:
        row["kept_by"] = "\n".join(row["kept_by"]) or "-"
    columns = ["object", "size", "state", "kept_by", "made_by"]
    show_rows(rows, [*columns, "call_site"] if sites else columns, title="Objects, the largest first")


def _is_put(object_id: str) -> bool:
    return int.from_bytes(bytes.fromhex(object_id[32:]), "little") >= PUT_INDEX


def _names(tool: Tool, tasks: set[str]) -> dict[str, str]:
    """Names of tasks, as far as the log knows them."""
    names = {}
    for task in tasks:
        for row in tool.rows(StateKind.TASKS, [StateFilter("task", FilterOp.EQ, task)], 1):
            names[task] = row["name"]
    return names


@click.command()
@session_option
@click.option("--pid", type=int, help="Only this process.")
@click.option("--job", type=int, help="Only processes of this job.")
@click.option("--workers", is_flag=True, help="Only workers, not drivers.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each thread.")
def stack(session: str | None, pid: int | None, job: int | None, workers: bool, as_json: bool) -> None:
    """What every thread of every driver and worker does right now, in Python and in Java, busy or not."""
    filters = []
    if pid is not None:
        filters.append(StateFilter("pid", FilterOp.EQ, str(pid)))
    if job is not None:
        filters.append(StateFilter("job", FilterOp.EQ, str(job)))
    if workers:
        filters.append(StateFilter("role", FilterOp.EQ, "worker"))
    with Tool(chosen_session(session)) as tool:
        rows = tool.rows(StateKind.STACKS, filters)
        if as_json:
            show_json(rows)
            return
        found = list(rows)
    if not found:
        say("none")
    out = console()
    process = None
    for row in found:
        if row["pid"] != process:
            process = row["pid"]
            out.print(Text(f"{row['language'].capitalize()} {row['role']} {process}, job {row['job']}", style="bold"))
        runs = f", runs task {row['task']}" if row["task"] else ""
        out.print(Text(f"  thread {row['thread']}{runs}", style="cyan"))
        for line in row["stack"].rstrip("\n").split("\n"):
            say(f"    {line}")
        say("")


@click.command()
@click.argument("subject", metavar="ID")
@session_option
@click.option("--json", "as_json", is_flag=True, help="As JSON, a line for each step.")
def why(subject: str, session: str | None, as_json: bool) -> None:
    """Why a task or an object is not there: what it waits for, what that waits for, and so on.

    ID is that of a task (32 hexadecimal digits) or of an object (40), as `bowstring list` prints them; the first digits
    of a task that is not over are enough.
    """
    with Tool(chosen_session(session)) as tool:
        if len(subject) not in (32, 40):
            subject = _whole_id(tool, subject)
        field = "task" if len(subject) == 32 else "object"
        rows = tool.ask(StateKind.BLOCKERS, [StateFilter(field, FilterOp.EQ, subject)])
    if as_json:
        show_json(rows)
        return
    for row in rows:
        say(f"{'  ' * row['depth']}{row['name'] or row['subject']} {row['text']}")


def _whole_id(tool: Tool, digits: str) -> str:
    found = {row["task"] for row in tool.rows(StateKind.TASKS) if row["task"].startswith(digits.lower())}
    if len(found) != 1:
        text = "no task's id begins" if not found else f"the ids of {len(found)} tasks begin"
        raise click.UsageError(f"{text} with {digits}; `bowstring list tasks` tells of all")
    return str(found.pop())


@click.command()
@click.argument("file", required=False, default="timeline.json", type=click.Path(dir_okay=False, allow_dash=True))
@session_option
def timeline(file: str, session: str | None) -> None:
    """Write what ran when and where to FILE (timeline.json; -: stdout), for https://ui.perfetto.dev or chrome://tracing."""
    count = 0
    with Tool(chosen_session(session)) as tool:
        partial = f"{file}.partial"
        out = sys.stdout if file == "-" else open(partial, "w", encoding="utf-8")  # noqa: SIM115
        try:
            out.write('{"traceEvents": [')
            for event in tool.rows(StateKind.TRACE):
                out.write(("\n" if not count else ",\n") + json.dumps(event))
                count += 1
            out.write('\n], "displayTimeUnit": "ms"}\n')
            if out is not sys.stdout:
                out.close()
                os.replace(partial, file)
        except BaseException:
            if out is not sys.stdout:
                out.close()
                os.unlink(partial)
            raise
    if file != "-":
        say(f"{count} events in {file} ({size_text(os.stat(file).st_size)}); open it with https://ui.perfetto.dev")
