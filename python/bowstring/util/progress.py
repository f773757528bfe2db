"""Progress bars that work from tasks and actors: the driver shows the bars of all workers, once, below its output.

    from bowstring.util import Progress

    @bow.remote
    def load(files):
        return [read(file) for file in Progress(files, description="loading")]

In a terminal they are bars that move; elsewhere (a file, a notebook, a log) they are lines, one every few seconds.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Generic, TypeVar

from bowstring import _options, _runtime
from bowstring._session import running_runtime
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Role

T = TypeVar("T")
TELL_S = 0.1  # at most so often for one bar; spec 8.4/2 allows 20 times a second
_next_bar = itertools.count(1).__next__


class Progress(Generic[T]):
    """How far something has come, shown in the driver.

    It is walked over like what it is given, or is moved on by `update`; the bar ends with the walk, with `close`, or as
    a context manager. A worker that ends takes its bars with it.

    Args:
        iterable: what is walked over; None: `update` tells how far it is.
        description: what is counted, for people.
        total: how many there are; None: the length of `iterable`, if it has one.
        unit: what is counted in, as "rows".

    Raises:
        InvalidArgumentError: an argument is wrong.
    """

    def __init__(
        self,
        iterable: Iterable[T] | None = None,
        *,
        description: str = "",
        total: int | None = None,
        unit: str = "",
    ) -> None:
        if total is None and iterable is not None:
            try:
                total = len(iterable)  # type: ignore[arg-type]
            except TypeError:
                total = None
        if total is not None:
            _options._count_from(0)("Progress", "total", total)
        for name, value in (("description", description), ("unit", unit)):
            if not isinstance(value, str):
                raise _options.refuse("Progress", name, "a str", value)
        self._iterable = iterable
        self._runtime = running_runtime()
        self._said = m.Progress(0, "", _next_bar(), description, unit, total or 0, 0, False)
        self._lock = threading.Lock()
        self._next = 0.0
        self._tell()

    @property
    def done(self) -> int:
        """How many are done."""
        return self._said.done

    def update(self, count: int = 1) -> None:
        """So many more are done; from any thread.

        Args:
            count: 0 or more.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise _options.refuse("Progress.update", "count", "an int of 0 or more", count)
        with self._lock:
            said = self._said
            said.done += count
            if said.over or monotonic() < self._next:
                return
        self._tell()

    def close(self) -> None:
        """It is over; what comes after changes nothing."""
        with self._lock:
            if self._said.over:
                return
            self._said.over = True
        self._tell()

    def _tell(self) -> None:
        self._next = monotonic() + TELL_S
        runtime, said = self._runtime, self._said
        if runtime is not _runtime.current_runtime_or_none() or runtime.stopped is not None:
            return  # it has outlived its runtime
        if runtime.role is Role.DRIVER:
            if runtime.on_progress is not None:
                runtime.on_progress(said)
            return
        runtime.tell(FrameType.PROGRESS, said)
        with runtime.lock:
            runtime.node_connection.flush()

    def __iter__(self) -> Iterator[T]:
        if self._iterable is None:
            raise _options.refuse("Progress", "iterable", "something to walk over", None)
        with self:
            for item in self._iterable:
                yield item
                self.update()

    def __enter__(self) -> Progress[T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()
