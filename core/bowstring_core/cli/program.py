"""The command `bowstring`: look at runtimes of this user on this machine, and stop them.

    bowstring sessions                   runtimes that are there
    bowstring status                     resources, store, workers and actors of one
    bowstring list KIND [--json]         nodes, workers, leases, actors, objects, tasks, resources or store
    bowstring stop [--all] [--force]     end it; with --force, without asking its workers first

`--session PATH` names the runtime; without it, it is the only one that is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bowstring_core.cli.tool import Tool, ToolError, live_sessions
from bowstring_core.node.sessions import SessionError
from bowstring_wire.messages import StateKind

KINDS = {kind.name.lower(): kind for kind in StateKind if kind}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("bowstring", description="Look at Bowstring's runtimes on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sessions", help="runtimes that are there")
    status = commands.add_parser("status", help="one runtime at a glance")
    rows = commands.add_parser("list", help="all of one kind")
    rows.add_argument("kind", choices=sorted(KINDS))
    rows.add_argument("--json", action="store_true", help="as JSON, a line for each")
    stop = commands.add_parser("stop", help="end a runtime")
    stop.add_argument("--all", action="store_true", help="all runtimes of this user")
    stop.add_argument("--force", action="store_true", help="without asking its workers first")
    for command in (status, rows, stop):
        command.add_argument("--session", help="the runtime's session folder")
    return parser


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as columns of text, under their names."""
    if not rows:
        return "none"
    names = list(rows[0])
    cells = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in lines)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={_text(amount)}" for name, amount in value.items()) or "-"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value != "" else "-"


def _chosen(session: str | None) -> str:
    if session is not None:
        return session
    sessions = live_sessions()
    if not sessions:
        raise ToolError("no runtime of this user is there (bowstring.init() starts one)")
    if len(sessions) > 1:
        paths = "\n  ".join(facts.path for facts in sessions)
        raise ToolError(f"there are several runtimes; name one with --session:\n  {paths}")
    return sessions[0].path


def _sessions() -> str:
    now = time.time_ns()
    return table(
        [
            {"session": facts.path, "pid": facts.pid, "age_s": round((now - facts.started_ns) / 1e9, 1)}
            for facts in live_sessions()
        ]
    )


def _status(session: str) -> str:
    tool = Tool(session)
    try:
        workers = Counter(f"{row['language']} {row['state']}" for row in tool.ask(StateKind.WORKERS))
        lives = Counter(row["life"] for row in tool.ask(StateKind.ACTORS))
        parts = [
            f"session {session}",
            table(tool.ask(StateKind.RESOURCES)),
            table(tool.ask(StateKind.STORE)),
            "workers: " + (", ".join(f"{count} {name}" for name, count in sorted(workers.items())) or "none"),
            "actors: " + (", ".join(f"{count} {name}" for name, count in sorted(lives.items())) or "none"),
        ]
    finally:
        tool.close()
    return "\n\n".join(parts)


def _list(session: str, kind: StateKind, as_json: bool) -> str:
    tool = Tool(session)
    try:
        rows = tool.ask(kind)
    finally:
        tool.close()
    return "\n".join(json.dumps(row) for row in rows) if as_json else table(rows)


def _stop(sessions: list[str], force: bool) -> str:
    for session in sessions:
        tool = Tool(session)
        try:
            tool.stop(graceful=not force)
        finally:
            tool.close()
    return "\n".join(f"{session} has ended" for session in sessions) or "none"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        match arguments.command:
            case "sessions":
                print(_sessions())
            case "status":
                print(_status(_chosen(arguments.session)))
            case "list":
                print(_list(_chosen(arguments.session), KINDS[arguments.kind], arguments.json))
            case "stop":
                every = [facts.path for facts in live_sessions()] if arguments.all else [_chosen(arguments.session)]
                print(_stop(every, arguments.force))
    except (ToolError, SessionError) as error:
        print(f"bowstring: {error}", file=sys.stderr)
        return 1
    return 0
