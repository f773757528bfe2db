"""The actor that a worker is: its instance, and how its calls overlap.

Calls run one after the other in the worker's main thread; or in threads of their concurrency group (max_concurrency
above 1, or groups; `_threaded_methods`); or, if a method is async, as tasks of an event loop that runs in the main
thread and reads the sockets while it waits (`_event_loop`). With checkpoints they are logged as well (`_checkpoints`).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from bowstring.errors import InvalidArgumentError
from bowstring_wire import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable

    from bowstring._async_methods import AsyncMethods
    from bowstring._call import Call
    from bowstring._checkpoints import LoggedCalls
    from bowstring._executor import Executor
    from bowstring._threaded_methods import ThreadedMethods


class Groups:
    """The concurrency groups of an actor, and which of them a call is in. The default one has no name."""

    def __init__(self, record: m.ActorHandle, cls: type) -> None:
        self.sizes: dict[str, int] = {"": max(1, record.max_concurrency)}
        for entry in record.concurrency_groups:
            name, _, count = entry.rpartition("=")
            self.sizes[name] = int(count)
        self._of_method = {
            name: marked["concurrency_group"]
            for name, function in inspect.getmembers(cls, callable)
            if "concurrency_group" in (marked := getattr(function, "__bowstring_method__", {}))
        }

    def of(self, task: m.Task) -> str:
        """The group of a call.

        Raises:
            InvalidArgumentError: the actor has no such group.
        """
        group = task.concurrency_group or self._of_method.get(task.method, "")
        if group not in self.sizes:
            known = ", ".join(repr(name) for name in self.sizes if name) or "none"
            raise InvalidArgumentError(
                f"{task.method}: the actor has no concurrency group {group!r}; there are: {known}"
            )
        return group


class Actor:
    """The actor that this worker is.

    Attributes:
        dispatch: takes the next call; None: it runs in the main thread, one after the other.
        async_methods: the event loop, if a method is async; it has the main thread once the constructor is done.
    """

    __slots__ = ("async_methods", "dispatch", "id", "incarnation", "instance", "logged", "name", "record", "threads")

    def __init__(self, start: m.ActorStart, actor: bytes) -> None:
        assert start.handle is not None
        self.id = actor
        self.incarnation = start.incarnation
        self.record = start.handle
        self.name = start.handle.class_name.rpartition(".")[2]
        self.instance: Any = None
        self.dispatch: Callable[[Call], None] | None = None
        self.threads: ThreadedMethods | None = None
        self.async_methods: AsyncMethods | None = None
        self.logged: LoggedCalls | None = None

    def prepare(self, executor: Executor, cls: type) -> None:
        """Before the constructor: get ready for calls that overlap."""
        if any(is_async(function) for _, function in inspect.getmembers(cls, callable)):
            from bowstring._async_methods import AsyncMethods

            self.async_methods = AsyncMethods(executor, Groups(self.record, cls))
            self.dispatch = self.async_methods.start
        elif self.record.max_concurrency > 1 or self.record.concurrency_groups:
            from bowstring._threaded_methods import ThreadedMethods

            self.threads = ThreadedMethods(executor, Groups(self.record, cls))
            self.dispatch = self.threads.submit

    def stop(self) -> None:
        """Wait for the calls that run."""
        if self.threads is not None:
            self.threads.stop()
        if self.logged is not None:
            self.logged.stop()


def is_async(function: Any) -> bool:
    """Whether a method needs an event loop."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
