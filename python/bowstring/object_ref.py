"""ObjectRef: a reference to a value that may not be made yet.

There is one ObjectRef for each object in a process, so Python's own reference count is the process's count of handles
(spec 6.1/1). Its end may come inside any allocation, on any thread, under any lock: it only appends to a deque, which
the reactor drains. A weak reference's callback tells it, not `__del__`: while `__del__` runs the object can still be
found, and another thread would go on with a handle whose hold has been given up.
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
        self._runtime.reader.complete_future(self, future)
        return future

    def __await__(self) -> Generator[Any, None, T_co]:
        import asyncio

        future: asyncio.Future[T_co] = asyncio.get_running_loop().create_future()
        self._runtime.reader.complete_in_loop(self, future)
        return future.__await__()

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


Change = tuple[bytes, int, int, int, int, int]  # (id, 0, owner, home, +1 or -1, 0): what a RefChange is made of


class _Handle(weakref.ref[ObjectRef[Any]]):
    """What outlives an ObjectRef: how to give its hold up, if the home counts this process as a holder."""

    __slots__ = ("id", "inside", "release")

    id: bytes
    release: Change | None
    inside: list[_Handle] | None  # of references that were read out of the object, and are held by it alone


class KnownRefs:
    """The ObjectRefs of this process that others may name, by id: one object has one ObjectRef here.

    All methods are called under the reactor's lock. When an ObjectRef dies, its handle is appended to `_dropped` in the
    same instant, and stays in `_by_id` until it is drained: a new ObjectRef of the object that comes in between takes
    its hold over, and the home hears of neither. (A WeakValueDictionary costs 2 us an entry, half of what reading a
    reference costs.)

    A reference that is read out of an object is held by that object, for as long as this process is a holder of it. So
    the home hears of such a reference only if it lives longer than the one on what contains it (spec 6.3/3).
    """

    __slots__ = ("_by_id", "_drop", "_dropped", "_taken")

    def __init__(self) -> None:
        self._by_id: dict[bytes, _Handle] = {}
        self._dropped: deque[_Handle] = deque()
        self._drop = self._dropped.append
        self._taken: list[Change] = []

    def find(self, object_id: bytes) -> ObjectRef[Any] | None:
        """The living ObjectRef of the object."""
        handle = self._by_id.get(object_id)
        return None if handle is None else handle()

    def living(self) -> list[ObjectRef[Any]]:
        """Every ObjectRef that is known and lives."""
        found = (handle() for handle in list(self._by_id.values()))
        return [ref for ref in found if ref is not None]

    def note(self, ref: ObjectRef[Any]) -> None:
        """Remember an ObjectRef; its flags tell whether the home counts us, or is about to (HELD)."""
        object_id = ref._id
        known = self._by_id.get(object_id)
        if known is None or known() is not ref:
            known = self._handle(ref, known)
        if known.release is not None:
            ref._flags = (ref._flags & ~UNREPORTED) | HELD
        elif ref._flags & HELD:
            known.release = (object_id, 0, ref._owner, ref._home, -1, 0)

    def take(self, ref: ObjectRef[Any]) -> None:
        """Remember a new ObjectRef that has HELD, and let the home count us as a holder, unless it does already."""
        object_id, owner, home = ref._id, ref._owner, ref._home
        known = self._by_id.get(object_id)
        if known is None or known.release is None:
            self._taken.append((object_id, 0, owner, home, 1, 0))
        self._handle(ref, known).release = (object_id, 0, owner, home, -1, 0)

    def _handle(self, ref: ObjectRef[Any], before: _Handle | None) -> _Handle:
        """A handle for a new ObjectRef, which takes over what an earlier one of the object has left."""
        object_id = ref._id
        handle = self._by_id[object_id] = _Handle(ref, self._drop)
        handle.id = object_id
        if before is None:
            handle.release = handle.inside = None
        else:
            handle.release, handle.inside = before.release, before.inside
        return handle

    def container(self, ref: ObjectRef[Any]) -> _Handle | None:
        """What references that are about to be read out of the object are held by; None: they need their own holds."""
        handle = self._by_id.get(ref._id)
        if handle is None or handle.release is None:
            return None
        if handle.inside is None:
            handle.inside = []
        elif handle.inside:
            handle.inside = [inner for inner in handle.inside if inner() is not None]
        return handle

    def contain(self, ref: ObjectRef[Any], outer: _Handle) -> None:
        """Remember a new ObjectRef that `outer` holds."""
        handle = self._handle(ref, self._by_id.get(ref._id))
        if handle.release is not None:
            ref._flags |= HELD
        else:
            assert outer.inside is not None
            outer.inside.append(handle)

    def disown(self, ref: ObjectRef[Any]) -> None:
        """Forget an ObjectRef of what was never made."""
        ref._flags = 0
        self._by_id.pop(ref._id, None)

    def changes(self) -> list[Change]:
        """What the home must hear since the last time, in order: holds that were taken, then those given up."""
        changes, self._taken = self._taken, []
        by_id, dropped = self._by_id, self._dropped
        while dropped:
            handle = dropped.popleft()
            if by_id.get(handle.id) is handle:
                del by_id[handle.id]
                if handle.inside:
                    self._hold_inside(handle.inside, changes)
                if handle.release is not None:
                    changes.append(handle.release)
        return changes

    def _hold_inside(self, inside: list[_Handle], changes: list[Change]) -> None:
        """What contains these is about to be given up: those that live are held on their own from now on."""
        for handle in inside:
            ref = handle()
            if ref is not None and handle.release is None:
                ref._flags |= HELD
                changes.append((ref._id, 0, ref._owner, ref._home, 1, 0))
                handle.release = (ref._id, 0, ref._owner, ref._home, -1, 0)


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
