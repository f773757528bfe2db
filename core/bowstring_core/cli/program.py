"""The command `bowstring`: start runtimes, look at those of this user on this machine, and stop them.

    bowstring start                      a runtime that lives until it is stopped
    bowstring sessions                   runtimes that are there
    bowstring status                     resources, store, workers and actors of one
    bowstring list KIND                  all tasks, actors, objects, workers, ... as a table or as JSON
    bowstring memory                     the largest objects, and who keeps them
    bowstring stack                      what every thread of every process does right now
    bowstring why ID                     what a task or an object waits for
    bowstring timeline FILE              what ran when and where, for Perfetto
    bowstring logs [WORKER]              what workers have written
    bowstring stop                       end a runtime

`--session PATH` names the runtime; without it, it is the only one that is there.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

import click

from bowstring_core import __version__
from bowstring_core.cli.log_command import logs
from bowstring_core.cli.sessions import chosen_session, session_option
from bowstring_core.cli.start_command import start
from bowstring_core.cli.state_commands import list_rows, memory, stack, timeline, why
from bowstring_core.cli.tables import say, show_rows
from bowstring_core.cli.tool import Tool, ToolError, live_sessions
from bowstring_core.node.sessions import SessionError
from bowstring_wire.messages import StateKind


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bowstring")
def bowstring() -> None:
    """Start Bowstring's runtimes, look into them, and stop them."""


@bowstring.command()
def sessions() -> None:
    """Runtimes of this user that are there, oldest first."""
    now = time.time_ns()
    rows = [
        {"session": facts.path, "pid": facts.pid, "age_s": round((now - facts.started_ns) / 1e9, 1)}
        for facts in live_sessions()
    ]
    show_rows(rows)


@bowstring.command()
@session_option
def status(session: str | None) -> None:
    """One runtime at a glance: resources, store, workers, actors and tasks."""
    path = chosen_session(session)
    with Tool(path) as tool:
        workers = Counter(f"{row['language']} {row['state']}" for row in tool.rows(StateKind.WORKERS))
        lives = Counter(row["life"] for row in tool.rows(StateKind.ACTORS))
        jobs = tool.ask(StateKind.JOBS)
        say(f"session {path}\n")
        show_rows(tool.ask(StateKind.RESOURCES), title="Resources")
        show_rows(tool.ask(StateKind.STORE), title="Store")
        if jobs:
            show_rows(jobs, title="Jobs")
    say("workers: " + (", ".join(f"{count} {name}" for name, count in sorted(workers.items())) or "none"))
    say("actors: " + (", ".join(f"{count} {name}" for name, count in sorted(lives.items())) or "none"))


@bowstring.command()
@session_option
@click.option("--all", "every", is_flag=True, help="All runtimes of this user.")
@click.option("--force", is_flag=True, help="At once, without asking the workers first.")
def stop(session: str | None, every: bool, force: bool) -> None:
    """End a runtime: its workers have a second to finish."""
    paths = [facts.path for facts in live_sessions()] if every else [chosen_session(session)]
    for path in paths:
        with Tool(path) as tool:
            tool.stop(graceful=not force)
        say(f"{path} has ended")
    if not paths:
        say("none")


for _command in (start, list_rows, memory, stack, why, timeline, logs):
    bowstring.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    try:
        bowstring.main(argv, prog_name="bowstring", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except (ToolError, SessionError) as error:
        print(f"bowstring: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who reads has seen enough (`| head`); Python must not stumble over it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
