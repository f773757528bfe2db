"""Which of many objects become ready, in the order in which they do: `as_completed`, and `wait` on long lists.

A program that waits for one of 10,000 objects, then for one of the 9,999 others, and so on, would look at each object
in each call: 50 million looks. So a long list is looked at once. The list of those that are not ready knows the
`Completions` that it comes from, and the next `wait` on it only compares it (one pass in C, which sees any change that
was made to it) and takes what has become ready meanwhile.
"""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

from bowstring._reactor import Waiter
from bowstring_wire.messages import SpanKind

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring.object_ref import ObjectRef

LONG_LIST_MIN = 64  # shorter lists are looked at anew: that costs less than what is kept here
_WAIT = int(SpanKind.WAIT)


class _Watch:
    """What the objects tell. They do not keep alive what was dropped: who looks again and again would pile it up."""

    __slots__ = ("_arrivals",)

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = weakref.ref(arrivals)

    @property
    def done(self) -> bool:
        """True if nobody asks any more."""
        return self._arrivals() is None

    def ready(self, ref: ObjectRef[Any]) -> None:
        """Under the lock: an object has become ready."""
        arrivals = self._arrivals()
        if arrivals is not None:
            arrivals.ready(ref)


class _Arrivals:
    """Objects that become ready, each told once."""

    __slots__ = ("__weakref__", "_arrived", "_runtime", "_waiter")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._arrived: deque[ObjectRef[Any]] = deque()  # ready and not taken
        self._waiter: Waiter | None = None

    def _watch(self, refs: Iterable[ObjectRef[Any]]) -> None:
        watch = _Watch(self)
        with self._runtime.lock:
            when_ready = self._runtime.reader.when_ready
            for ref in refs:
                if when_ready(ref, watch):
                    self._arrived.append(ref)

    def ready(self, ref: ObjectRef[Any]) -> None:
        """Under the lock: an object has become ready."""
        self._arrived.append(ref)
        waiter = self._waiter
        if waiter is not None and len(self._arrived) >= waiter.value:
            self._waiter = None
            waiter.finish()

    def _wait(self, count: int, deadline: float | None, refs: Collection[ObjectRef[Any]]) -> None:
        """Wait until `count` objects that were not taken are ready, or until `deadline` (monotonic seconds)."""
        waiter = Waiter()
        waiter.value = count
        with self._runtime.lock:
            if len(self._arrived) >= count:
                return
            self._waiter = waiter
        try:
            if deadline is not None and deadline <= monotonic():
                self._runtime.reactor.wait(waiter, deadline)  # a look: nobody need take over what this task holds
                return
            self._runtime.block(waiter, deadline, refs, _WAIT)
        finally:
            self._waiter = None
            waiter.done = True


class Stragglers(_Arrivals):
    """What `as_completed` waits for."""

    __slots__ = ("_pending",)

    def __init__(self, runtime: Runtime, refs: Iterable[ObjectRef[Any]]) -> None:
        super().__init__(runtime)
        self._pending = {id(ref): ref for ref in refs}  # one object has one ObjectRef in a process
        self._watch(self._pending.values())

    def __len__(self) -> int:
        return len(self._pending)

    def take(self, deadline: float | None) -> ObjectRef[Any] | None:
        """The object that has been ready for longest; None: none was until `deadline`."""
        if not self._arrived:
            self._wait(1, deadline, self._pending.values())
            if not self._arrived:
                return None
        ref = self._arrived.popleft()
        del self._pending[id(ref)]
        return ref


class Rest(list[Any]):
    """The objects that are not ready: a list like any other. The first `wait` on it goes on where the last ended."""

    __slots__ = ("_completions",)

    def __init__(self, refs: list[ObjectRef[Any]], completions: Completions) -> None:
        super().__init__(refs)
        self._completions = [completions]

    def claim(self) -> Completions | None:
        """What it comes from, unless another `wait` has that already, or the list was changed."""
        try:
            completions = self._completions.pop()
        except IndexError:
            return None
        return completions if completions.are_of(self) else None

    def __reduce__(self) -> Any:
        return list, (list(self),)


class Completions(_Arrivals):
    """What is left of a long list, of which each object is there once, from one `wait` to the next."""

    __slots__ = ("_place", "_places", "_refs")

    def __init__(self, runtime: Runtime, refs: Sequence[ObjectRef[Any]]) -> None:
        super().__init__(runtime)
        self._refs = list(refs)  # those that were not taken, in order
        self._places = list(range(len(refs)))  # their places in `refs`
        self._place = {id(ref): place for place, ref in enumerate(refs)}
        self._watch(refs)

    def take(self, count: int, deadline: float | None) -> tuple[list[ObjectRef[Any]], Rest]:
        """Wait for `count` objects, or until `deadline`; up to `count` that are ready, and the others, in order."""
        if len(self._arrived) < count:
            self._wait(count, deadline, self._refs)
        arrived, place, refs, places = self._arrived, self._place, self._refs, self._places
        found = sorted(place.pop(id(arrived.popleft())) for _ in range(min(count, len(arrived))))
        taken = []
        for number in found:
            at = bisect_left(places, number)
            taken.append(refs[at])
            del refs[at], places[at]
        return taken, Rest(refs, self)

    def are_of(self, refs: Rest) -> bool:
        """True if `refs` is what the last `take` left: the same objects in the same order."""
        return self._refs == refs
