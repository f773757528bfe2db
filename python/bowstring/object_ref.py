"""ObjectRef: a reference to a value that may not be made yet.

There is one ObjectRef for each object in a process, so Python's own reference count is the process's count of handles
(spec 6.1/1). `__del__` may run inside any allocation, on any thread, under any lock: it only appends to a deque, which
the reactor drains.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bowstring._pickling import note_reference
from bowstring_wire.messages import OBJECT_REF

if TYPE_CHECKING:
    import concurrent.futures

    from bowstring._runtime import Runtime

_unpack = OBJECT_REF.unpack
_pack = OBJECT_REF.pack
T_co = TypeVar("T_co", covariant=True)

# What the home knows of this process and the object.
HELD = 1  # the home counts this process as a holder: it must be told when the handle goes
BORROWED = 2  # another process is the owner
UNREPORTED = 4  # came with a task's arguments: the caller holds it until the task ends
PUBLISHED = 8  # the home knows, or is about to know, the value (spec 6.2)

_KNOWN = HELD | UNREPORTED

# Changes of this process's holds, in order, as (id, 0, owner, home, +1 or -1, 0): what a RefChange is made of.
# 0 instead of -1 is a reference that the home was never told of.
changes: deque[tuple[bytes, int, int, int, int, int]] = deque()


class ObjectRef(Generic[T_co]):
    """A reference to one object; made by `.remote(...)` and `put`, never by hand.

    Hashable, comparable, awaitable (`await ref` gives the value), picklable inside task arguments, results, puts and
    actor state. The object lives at least as long as one process has a handle on it (spec chapter 6).
    """

    __slots__ = (
        "__weakref__", "_flags", "_home", "_id", "_owner", "_payload", "_runtime", "_task", "_waiters",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, object_id: bytes, owner: int, home: int, flags: int = 0) -> None:
        self._runtime = runtime
        self._id = object_id
        self._owner = owner
        self._home = home
        self._flags = flags
        self._payload: Any = None  # a Payload once ready
        self._waiters: list[Any] | None = None
        self._task: Any = None  # the PendingTask that makes it, while it is not ready

    def __del__(self) -> None:
        if self._flags & _KNOWN:
            changes.append((self._id, 0, self._owner, self._home, -1 if self._flags & HELD else 0, 0))

    @property
    def id(self) -> bytes:
        """The object's id: 20 bytes (spec 2)."""
        return self._id

    def hex(self) -> str:
        """The id in hexadecimal."""
        return self._id.hex()

    def task_id(self) -> bytes:
        """Id of the task that makes the object, or of the one that put it: 16 bytes."""
        return self._id[:16]

    def future(self) -> concurrent.futures.Future[T_co]:
        """A future that gets the value, or the error, once the object is ready."""
        from concurrent.futures import Future

        future: Future[T_co] = Future()
        self._runtime.complete_future(self, future)
        return future

    def __await__(self) -> Generator[Any, None, T_co]:
        import asyncio

        return asyncio.wrap_future(self.future()).__await__()

    def __hash__(self) -> int:
        return hash(self._id)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ObjectRef) and other._id == self._id)

    def __repr__(self) -> str:
        return f"ObjectRef({self._id.hex()})"

    def to_wire(self) -> bytes:
        """The 40 bytes of the reference on the wire (spec 2.4)."""
        return _pack(self._id, 0, self._owner, self._home)

    def __reduce__(self) -> Any:
        note_reference(self)
        return _rebuild, (_pack(self._id, 0, self._owner, self._home),)

    def __copy__(self) -> ObjectRef[T_co]:
        return self

    def __deepcopy__(self, _memo: Any) -> ObjectRef[T_co]:
        return self


class KnownRefs:
    """The ObjectRefs of this process that others may name, by id: one object has one ObjectRef here.

    Plain weak references: an entry whose ObjectRef has died goes when its change is drained, since `__del__` must not
    touch a dict. (A WeakValueDictionary costs 2 us an entry, half of what reading a reference costs.)
    """

    __slots__ = ("_by_id",)

    def __init__(self) -> None:
        self._by_id: dict[bytes, weakref.ref[ObjectRef[Any]]] = {}

    def find(self, object_id: bytes) -> ObjectRef[Any] | None:
        """The living ObjectRef of the object."""
        weak = self._by_id.get(object_id)
        return None if weak is None else weak()

    def note(self, ref: ObjectRef[Any]) -> None:
        """Remember an ObjectRef; its flags must have HELD or UNREPORTED."""
        self._by_id[ref._id] = weakref.ref(ref)

    def forget_dropped(self, drained: list[tuple[bytes, int, int, int, int, int]]) -> list[Any]:
        """Drop the entries of dead ObjectRefs; returns the changes that the home must hear of."""
        by_id = self._by_id
        for change in drained:
            if change[4] <= 0:
                weak = by_id.get(change[0])
                if weak is not None and weak() is None:
                    del by_id[change[0]]
        return [change for change in drained if change[4]]


def _no_runtime(_object_id: bytes, _owner: int, _home: int) -> ObjectRef[Any]:
    from bowstring._runtime import current_runtime

    return current_runtime().borrow(_object_id, _owner, _home)


borrow: Callable[[bytes, int, int], ObjectRef[Any]] = _no_runtime  # the running runtime's, while one runs


def set_borrower(borrower: Callable[[bytes, int, int], ObjectRef[Any]] | None) -> None:
    """Let references that are unpickled here belong to a runtime."""
    global borrow
    borrow = borrower or _no_runtime


def _rebuild(data: bytes) -> ObjectRef[Any]:
    object_id, _flags, owner, home = _unpack(data)
    return borrow(object_id, owner, home)
