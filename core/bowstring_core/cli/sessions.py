"""Which runtime a command is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bowstring_core.cli.tool import ToolError, live_sessions

_Command = TypeVar("_Command", bound=Callable[..., Any])


def session_option(command: _Command) -> _Command:
    """Give a command the option --session."""
    text = "The runtime's session folder; not needed where only one is there."
    return click.option("--session", metavar="PATH", help=text)(command)


def chosen_session(session: str | None) -> str:
    """The session that was named, or the only one.

    Raises:
        ToolError: none was named, and there is none or more than one.
    """
    if session is not None:
        return session
    sessions = live_sessions()
    if not sessions:
        raise ToolError("no runtime of this user is there (`bowstring start` or bowstring.init() starts one)")
    if len(sessions) > 1:
        paths = "\n  ".join(facts.path for facts in sessions)
        raise ToolError(f"there are several runtimes; name one with --session:\n  {paths}")
    return sessions[0].path
