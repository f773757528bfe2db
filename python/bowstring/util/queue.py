"""Queue: a first-in, first-out queue that tasks, actors and drivers share.

The items live in an actor whose methods are async, so that any number of callers can wait in `get` and `put` at once.
Who waits longest is served first, and an item goes from the putter to a waiting getter in one step of the event loop: a
getter that gives up in the same moment either has the item or has not. Items travel inside a tuple: a reference that is
put comes out as a reference.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from queue import Empty, Full
from typing import Any, Generic, TypeVar

from bowstring import _options
from bowstring._api import cancel, get, kill, remote
from bowstring.actor import ActorHandle
from bowstring.errors import ActorDiedError, InvalidArgumentError
from bowstring.object_ref import ObjectRef

__all__ = ["Empty", "Full", "Queue"]

T = TypeVar("T")
CALLERS_MAX = 1_000_000  # that wait in one queue; each is a coroutine, not a thread


class QueueActor:
    """The queue's items and those who wait. Answers tell (done, item) rather than raise: an error has a traceback."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: deque[Any] = deque()
        self._getters: deque[asyncio.Future[Any]] = deque()
        self._putters: deque[tuple[asyncio.Future[None], Any]] = deque()

    def _is_full(self) -> bool:
        return 0 < self._maxsize <= len(self._items)

    async def put(self, boxed: tuple[Any], timeout_s: float | None, block: bool) -> bool:
        """True if the item is in; False if there was no room in time."""
        if not self._is_full():
            self._add(boxed[0])
            return True
        if not block:
            return False
        entry: tuple[asyncio.Future[None], Any] = (asyncio.get_running_loop().create_future(), boxed[0])
        self._putters.append(entry)
        if await self._served(entry[0], timeout_s):
            return True
        self._putters.remove(entry)
        return False

    async def get(self, timeout_s: float | None, block: bool) -> tuple[bool, Any]:
        """(True, item), or (False, None) if none came in time."""
        if self._items:
            return True, self._take()
        if not block:
            return False, None
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._getters.append(future)
        if await self._served(future, timeout_s):
            return True, future.result()
        self._getters.remove(future)
        return False, None

    @staticmethod
    async def _served(future: asyncio.Future[Any], timeout_s: float | None) -> bool:
        try:
            await asyncio.wait((future,), timeout=timeout_s)
        except asyncio.CancelledError:
            if not future.done():
                future.cancel()  # whoever serves next passes it over
            raise
        return future.done()

    def _add(self, item: Any) -> None:
        while self._getters:
            future = self._getters.popleft()
            if not future.done():
                future.set_result(item)
                return
        self._items.append(item)

    def _take(self) -> Any:
        item = self._items.popleft()
        while self._putters and not self._is_full():
            future, waiting = self._putters.popleft()
            if not future.done():
                self._items.append(waiting)
                future.set_result(None)
        return item

    async def put_batch(self, items: tuple[Any, ...]) -> int:
        """The room that there was; the items are in if it sufficed."""
        room = len(items) if self._maxsize <= 0 else self._maxsize - len(self._items)
        if len(items) <= room:
            for item in items:
                self._add(item)
        return room

    async def get_batch(self, count: int) -> tuple[int, list[Any]]:
        """How many items there were, and `count` of them if they sufficed."""
        there = len(self._items)
        return there, [self._take() for _ in range(count)] if count <= there else []

    async def qsize(self) -> int:
        return len(self._items)


class Queue(Generic[T]):
    """A queue in an actor of its own. It can be passed to tasks and actors, and lives as long as anyone has it."""

    def __init__(self, maxsize: int = 0, actor_options: Mapping[str, Any] | None = None) -> None:
        """Start the queue's actor.

        Args:
            maxsize: items that it holds at most; 0 or less: any number.
            actor_options: options of the actor, such as its name.

        Raises:
            InvalidArgumentError: maxsize is no int, or an option is wrong.
        """
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise _options.refuse("Queue", "maxsize", "an int", maxsize)
        self.maxsize = maxsize
        options = {"max_concurrency": CALLERS_MAX, **(actor_options or {})}
        self.actor: ActorHandle[QueueActor] = remote(QueueActor).options(**options).remote(maxsize)

    def __reduce__(self) -> Any:
        return _rebuild, (self.maxsize, self.actor)

    def __len__(self) -> int:
        return self.qsize()

    def qsize(self) -> int:
        """Number of items."""
        count: int = get(self.actor.qsize.remote())
        return count

    def empty(self) -> bool:
        """True if there is no item."""
        return self.qsize() == 0

    def full(self) -> bool:
        """True if there is no room."""
        return 0 < self.maxsize <= self.qsize()

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Add an item; waits for room.

        Args:
            item: anything that can be pickled.
            block: False: do not wait.
            timeout: seconds to wait; None: any time.

        Raises:
            Full: no room in time (`queue.Full`).
            ActorDiedError: the queue was shut down.
        """
        if not self._answer(self.actor.put.remote((item,), _checked(timeout), block)):
            raise Full(f"the queue has {self.maxsize} items, and no room came")

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the oldest item; waits for one.

        Args:
            block: False: do not wait.
            timeout: seconds to wait; None: any time.

        Raises:
            Empty: no item came in time (`queue.Empty`).
            ActorDiedError: the queue was shut down.
        """
        return self._item(self._answer(self.actor.get.remote(_checked(timeout), block)))

    @staticmethod
    def _answer(ref: ObjectRef[Any]) -> Any:
        try:
            return get(ref)
        except BaseException:
            # Interrupted: nobody would see the item that a call left behind takes.
            cancel(ref)
            raise

    @staticmethod
    def _item(answer: tuple[bool, T]) -> T:
        done, item = answer
        if not done:
            raise Empty("the queue has no item, and none came")
        return item

    async def put_async(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """As `put`, to be awaited."""
        if not await self.actor.put.remote((item,), _checked(timeout), block):
            raise Full(f"the queue has {self.maxsize} items, and no room came")

    async def get_async(self, block: bool = True, timeout: float | None = None) -> T:
        """As `get`, to be awaited."""
        return self._item(await self.actor.get.remote(_checked(timeout), block))

    def put_nowait(self, item: T) -> None:
        """As `put(item, block=False)`."""
        self.put(item, block=False)

    def get_nowait(self) -> T:
        """As `get(block=False)`."""
        return self.get(block=False)

    def put_nowait_batch(self, items: Iterable[T]) -> None:
        """Add all of the items, or none.

        Raises:
            Full: there is no room for all.
        """
        batch = tuple(items)
        room = get(self.actor.put_batch.remote(batch))
        if room < len(batch):
            raise Full(f"the queue has room for {room} items, not for {len(batch)}")

    def get_nowait_batch(self, num_items: int) -> list[T]:
        """Take exactly so many items, or none.

        Raises:
            Empty: there are fewer.
        """
        if isinstance(num_items, bool) or not isinstance(num_items, int) or num_items < 0:
            raise _options.refuse("Queue.get_nowait_batch", "num_items", "an int of 0 or more", num_items)
        there, items = get(self.actor.get_batch.remote(num_items))
        if there < num_items:
            raise Empty(f"the queue has {there} items, not {num_items}")
        taken: list[T] = items
        return taken

    def shutdown(self, force: bool = False) -> None:
        """End the queue: whoever waits in it, and every later call, gets ActorDiedError.

        Args:
            force: True: at once. Else calls that came before and need not wait are answered first.
        """
        if not force:
            try:
                get(self.actor.qsize.remote())  # comes back behind what was called before
            except ActorDiedError:
                return
        kill(self.actor)


def _checked(timeout: float | None) -> float | None:
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout < 0):
        raise InvalidArgumentError(f"Queue: timeout must be None or a number of seconds of 0 or more, not {timeout!r}")
    return timeout


def _rebuild(maxsize: int, actor: ActorHandle[QueueActor]) -> Queue[Any]:
    queue: Queue[Any] = Queue.__new__(Queue)
    queue.maxsize = maxsize
    queue.actor = actor
    return queue
