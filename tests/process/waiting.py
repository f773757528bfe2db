"""Waiting for what has no event that this process could wait for."""

from __future__ import annotations

import select
import subprocess
import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], object], within_s: float = 10, what: str = "the condition has come about"
) -> None:
    """Look again and again until the condition holds.

    Raises:
        AssertionError: it does not within the time; the message says what was awaited.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        select.select([], [], [], 0.01)


def end_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What else a process writes until it ends.

    For one whose lines were read: `communicate` would miss what came along with the last of them.
    """
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        return process.stdout.read(), process.stderr.read()
