"""Stacks of Python workers that do not answer: a signal has them written, whatever the process is busy with.

Python's faulthandler writes them from the handler of a signal, without the interpreter's lock; so native code that
keeps the lock for hours shows where it was called. A worker registers the handler at its start; one that has none for
the signal (the kernel tells) is left alone, because the signal would end it.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import Language, Role
from bowstring_wire.protocol import STACK_SIGNAL

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


def handles_signal(pid: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


class _Writing:
    """One process that writes its stacks."""

    def __init__(self, pid: int, path: str) -> None:
        self.pid, self.path = pid, path
        self.begin = self.size = self._now()

    def _now(self) -> int:
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def grows(self) -> bool:
        """Whether more has come since the last look, or nothing yet."""
        before, self.size = self.size, self._now()
        return self.size == self.begin or self.size != before

    def text(self) -> str:
        """What has come."""
        with contextlib.suppress(OSError), open(self.path, "rb") as file:
            file.seek(self.begin)
            return file.read().decode(errors="replace")
        return ""


def signalled_stacks(node: Node, peers: Iterable[Peer], done: Callable[[dict[int, str]], None]) -> None:
    """Have the Python workers among the peers write their stacks; `done` is called with the texts, by pid."""
    writing = []
    for peer in peers:
        if peer.role is Role.WORKER and peer.language == Language.PYTHON and handles_signal(peer.pid, STACK_SIGNAL):
            path = node.session.log_path(f"worker-{peer.slot}.stacks")
            writing.append(_Writing(peer.pid, path))
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(peer.pidfd, STACK_SIGNAL)
    if not writing:
        done({})
        return
    until = node.loop.now + limits.SIGNALLED_S

    def look() -> None:
        growing = [each for each in writing if each.grows()]
        if growing and node.loop.now < until:
            node.loop.call_later(limits.SIGNALLED_QUIET_S, look)
        else:
            done({each.pid: each.text() for each in writing})

    node.loop.call_later(limits.SIGNALLED_QUIET_S, look)
