"""ActorPool: a fixed set of actors, work for them in a queue, results in order or as they come.

Each actor has one call at a time. A call waits in `_waiting` until an actor is idle; an actor becomes idle when its
call is seen to be over, which is whenever somebody asks for a result. `map` reads its input only a little ahead of what
was taken from it, so that an endless input is fine and results that nobody has taken yet stay few.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Any, Generic, TypeVar

from bowstring._api import get, wait
from bowstring.errors import GetTimeoutError, InvalidArgumentError
from bowstring.object_ref import ObjectRef

A = TypeVar("A")
V = TypeVar("V")
R = TypeVar("R")

AHEAD_CALLS_PER_ACTOR = 4  # how far `map` reads its input ahead of what was taken from it


class ActorPool(Generic[A]):
    """Spreads calls over actors.

    ```
    pool = ActorPool([Worker.remote() for _ in range(4)])
    for result in pool.map(lambda actor, value: actor.double.remote(value), range(100)):
        ...
    ```
    """

    def __init__(self, actors: Iterable[A]) -> None:
        """Make a pool.

        Args:
            actors: handles of actors, all different; nobody else should call them meanwhile.

        Raises:
            InvalidArgumentError: an actor is given twice.
        """
        self._idle: deque[A] = deque()
        self._running: dict[ObjectRef[Any], A] = {}
        self._waiting: deque[tuple[Callable[[A, Any], ObjectRef[Any]], Any, int]] = deque()
        self._results: dict[int, ObjectRef[Any]] = {}  # calls that were made, by number, in order; not yet taken
        self._submitted = 0
        for actor in actors:
            self.push(actor)

    def submit(self, fn: Callable[[A, V], ObjectRef[Any]], value: V) -> None:
        """Make one call, as soon as an actor is idle.

        Args:
            fn: called with an actor and the value; returns the reference of the call that it made.
            value: passed on to `fn`.
        """
        self._waiting.append((fn, value, self._submitted))
        self._submitted += 1
        self._start_waiting()

    def map(self, fn: Callable[[A, V], ObjectRef[R]], values: Iterable[V]) -> Iterator[R]:
        """Call for each value; gives the results in the order of the values.

        Results that were submitted before and not taken are dropped.

        Args:
            fn: as for `submit`.
            values: read as actors become idle, and never far ahead.
        """
        return self._map(fn, values, self.get_next)

    def map_unordered(self, fn: Callable[[A, V], ObjectRef[R]], values: Iterable[V]) -> Iterator[R]:
        """As `map`, but gives the results as they come."""
        return self._map(fn, values, self.get_next_unordered)

    def _map(self, fn: Callable[[A, V], ObjectRef[R]], values: Iterable[V], take: Callable[[], Any]) -> Iterator[R]:
        self._drop_results()
        more = iter(values)
        exhausted = False
        while True:
            ahead = AHEAD_CALLS_PER_ACTOR * max(1, len(self._idle) + len(self._running))
            while not exhausted and len(self._results) + len(self._waiting) < ahead:
                try:
                    value = next(more)
                except StopIteration:
                    exhausted = True
                else:
                    self.submit(fn, value)
            if not self.has_next():
                return
            yield take()

    def _drop_results(self) -> None:
        """Forget what was submitted; its actors are idle once their calls are over."""
        self._waiting.clear()
        self._results.clear()

    def has_next(self) -> bool:
        """True if a result is left to be taken, there already or not."""
        return bool(self._results or self._waiting)

    def get_next(self, timeout: float | None = None, ignore_if_timedout: bool = False) -> Any:
        """The next result in the order of submission; waits for it.

        Args:
            timeout: seconds to wait; None: any time.
            ignore_if_timedout: True: a result that is not there in time is given up. Else it can be asked for again.

        Raises:
            StopIteration: nothing is left.
            GetTimeoutError: not ready in time.
            TaskError: the call failed; its actor goes on.
        """
        if not self.has_next():
            raise StopIteration("no result is left in the pool")
        # Calls start in the order of submission: what waits comes after all that was started.
        number = next(iter(self._results)) if self._results else self._waiting[0][2]
        return self._take(number, timeout, ignore_if_timedout)

    def get_next_unordered(self, timeout: float | None = None, ignore_if_timedout: bool = False) -> Any:
        """As `get_next`, but whichever result comes first."""
        if not self.has_next():
            raise StopIteration("no result is left in the pool")
        return self._take(None, timeout, ignore_if_timedout)

    def _take(self, number: int | None, timeout: float | None, give_up: bool) -> Any:
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            ready_number = self._ready_number(number)
            if ready_number is not None:
                return get(self._results.pop(ready_number))
            if not self._running and not self._idle:
                raise InvalidArgumentError("ActorPool: the pool has no actor to run what was submitted; push() one")
            left = None if deadline is None else max(0.0, deadline - monotonic())
            over, _ = wait(list(self._running), timeout=left)
            for ref in over:
                self._idle.append(self._running.pop(ref))
            self._start_waiting()
            if not over and left == 0.0:
                if give_up:
                    self._give_up(number)
                raise GetTimeoutError(f"no result of the pool was ready within {timeout} s")

    def _ready_number(self, number: int | None) -> int | None:
        """The number of a result that is there: `number`'s, or with None the first there is."""
        if number is not None:
            ref = self._results.get(number)
            return number if ref is not None and ref not in self._running else None
        return next((known for known, ref in self._results.items() if ref not in self._running), None)

    def _give_up(self, number: int | None) -> None:
        if number is None:
            number = next(iter(self._results), None)
        if number is not None and self._results.pop(number, None) is None:
            self._waiting.popleft()

    def _start_waiting(self) -> None:
        while self._waiting and self._idle:
            fn, value, number = self._waiting.popleft()
            actor = self._idle.popleft()
            try:
                ref = fn(actor, value)
                if not isinstance(ref, ObjectRef):
                    raise InvalidArgumentError(
                        f"ActorPool: fn must return the ObjectRef of a call, not {type(ref).__name__}"
                    )
            except BaseException:
                self._idle.appendleft(actor)
                raise
            self._running[ref] = actor
            self._results[number] = ref

    def has_free(self) -> bool:
        """True if an actor is idle and no call waits for one."""
        return bool(self._idle) and not self._waiting

    def pop_idle(self) -> A | None:
        """Take an idle actor out of the pool; None if none is idle."""
        return self._idle.popleft() if self.has_free() else None

    def push(self, actor: A) -> None:
        """Add an actor.

        Raises:
            InvalidArgumentError: it is in the pool already.
        """
        if actor in self._idle or actor in self._running.values():
            raise InvalidArgumentError(f"ActorPool: {actor!r} is in the pool already")
        self._idle.append(actor)
        self._start_waiting()
