"""A task that a caller sent to this worker, from its arrival to its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bowstring._reactor import Connection
from bowstring_wire import messages as m

if TYPE_CHECKING:
    import asyncio

    from bowstring._streams import Pace
    from bowstring.errors import BowstringError


class Call:
    """A task that a caller sent."""

    __slots__ = (
        "aio_task", "body", "cancelled", "connection", "interruptible", "interruption", "pace", "recursive",
        "start_ns", "task", "thread",
    )  # fmt: skip

    def __init__(self, connection: Connection, task: m.Task, body: bytes) -> None:
        self.connection = connection
        self.task = task
        self.body = body
        self.cancelled = False
        self.recursive = False  # cancelled together with its children
        self.interruptible = False  # user code runs: an exception may be raised in its thread
        self.interruption: BowstringError | None = None  # what is to be raised there
        self.thread = 0
        self.pace: Pace | None = None  # of a stream: what the caller lets it send
        self.start_ns = 0  # when it began to run, since 1970 UTC; 0: it waits
        self.aio_task: asyncio.Task[None] | None = None
