"""Waiting for objects and reading them.

An object that this process makes is ready when its ObjectRef has a payload. One that lives at its home is asked for
with ObjectGet, once; what the answer pins stays pinned while a view of it lives (spec 3.11).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from pickle import loads
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from bowstring import _values
from bowstring._reactor import Waiter
from bowstring._values import NONE_DATA, STORED_LAYOUT, Payload
from bowstring.errors import BowstringError, GetTimeoutError, InternalError
from bowstring.object_ref import BORROWED, HELD, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, GetMode, Language, ValueState
from bowstring_wire.messages import ObjectRef as RefStruct

if TYPE_CHECKING:
    import asyncio
    import concurrent.futures

    from bowstring._runtime import Runtime

_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)
_ERROR, _PYTHON, _COMPACT = int(m.Encoding.ERROR), int(m.Encoding.PYTHON), int(m.Layout.COMPACT)
_FOUND_INSIDE = HELD | BORROWED  # of an object: references may be found inside that others own
_GET = int(m.SpanKind.GET)


class ObjectReader:
    """Gets and waits of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ranges: weakref.WeakValueDictionary[bytes, Any] = weakref.WeakValueDictionary()
        # References whose value was asked for, and is pinned, and was not read: perhaps only waited for.
        self._unread: weakref.WeakValueDictionary[bytes, ObjectRef[Any]] = weakref.WeakValueDictionary()

    def get_one(self, ref: ObjectRef[Any], timeout_s: float | None = None, copy: bool = False) -> Any:
        """As `get`, for one reference: a call and its result in turn is what this is asked for most."""
        deadline = None if timeout_s is None else monotonic() + timeout_s
        if ref._payload is None:
            self._wait_one(ref, deadline)
        payload = ref._payload
        if payload is not None and not copy:
            encoding, layout, data, _ = payload
            if encoding == _PYTHON and layout == _COMPACT and not ref._flags & _FOUND_INSIDE:
                return loads(data)
        return self._get((ref,), timeout_s, deadline, copy)[0]

    def get(self, refs: Sequence[ObjectRef[Any]], timeout_s: float | None = None, copy: bool = False) -> list[Any]:
        """The values of `refs`, in order, as views or as copies; raises the first error among them."""
        return self._get(refs, timeout_s, None if timeout_s is None else monotonic() + timeout_s, copy)

    def _get(
        self, refs: Sequence[ObjectRef[Any]], timeout_s: float | None, deadline: float | None, copy: bool
    ) -> list[Any]:
        self.wait_ready(refs, len(refs), deadline)
        stored = [ref for ref in refs if ref._payload is not None and ref._payload.layout == STORED_LAYOUT]
        read = self._read_stored(stored, deadline, copy) if stored else {}
        out = []
        for ref in refs:
            payload = ref._payload
            if payload is None:
                missing = sum(1 for r in refs if r._payload is None)
                raise GetTimeoutError(f"{missing} of {len(refs)} objects were not ready within {timeout_s} s")
            if payload.layout == STORED_LAYOUT:
                out.append(read[ref._id])
            elif payload.data is NONE_DATA:
                out.append(None)
            else:
                out.append(self._decode(ref, payload.encoding, payload.layout, payload.data, copy))
        return out

    def _decode(self, ref: ObjectRef[Any], encoding: int, layout: int, data: Any, copy: bool = False) -> Any:
        """Read a value; if the home counts this process as a holder of it, what is found inside needs no other hold."""
        decode = _values.decode_copy if copy else _values.decode_inline
        if not ref._flags & _FOUND_INSIDE:
            return decode(encoding, layout, data)
        runtime = self._runtime
        inside = runtime.inside
        before = inside.outer
        with runtime.lock:
            inside.outer = runtime.known.container(ref) if ref._flags & HELD else None
        try:
            return decode(encoding, layout, data)
        finally:
            inside.outer = before

    def _wait_one(self, ref: ObjectRef[Any], deadline: float | None) -> None:
        waiter = Waiter(1)
        with self._runtime.lock:
            if self.when_ready(ref, waiter):
                return
        try:
            self._runtime.block(waiter, deadline, (ref,))
        finally:
            waiter.done = True

    def wait_ready(self, refs: Sequence[ObjectRef[Any]], count: int, deadline: float | None, kind: int = _GET) -> None:
        """Wait until `count` of `refs` are ready, or until `deadline`."""
        missing = [ref for ref in refs if ref._payload is None]
        short = count - (len(refs) - len(missing))
        if short <= 0:
            return
        waiter = Waiter(short)
        with self._runtime.lock:
            for ref in missing:
                if ref._payload is not None:
                    waiter.ready()
                    continue
                self._add_waiter(ref, waiter)
                if ref._task is None:
                    self._fetch(ref)
        if waiter.done:
            return
        try:
            self._runtime.block(waiter, deadline, missing, kind)
        finally:
            waiter.done = True

    def look(self, refs: Sequence[ObjectRef[Any]]) -> None:
        """Process what has arrived, without waiting, and ask for what was never asked for."""
        with self._runtime.lock:
            for ref in refs:
                if ref._payload is None and ref._task is None:
                    self._fetch(ref)
        self._runtime.reactor.wait(Waiter(1), monotonic())

    @staticmethod
    def _add_waiter(ref: ObjectRef[Any], waiter: Any) -> None:
        waiters = ref._waiters
        if waiters is None:
            ref._waiters = [waiter]
        else:
            if len(waiters) > 8:
                waiters[:] = [w for w in waiters if not getattr(w, "done", False)]
            waiters.append(waiter)

    def when_ready(self, ref: ObjectRef[Any], waiter: Any) -> bool:
        """Under the lock: True if ready now; else `waiter.ready(ref)` is called once it is."""
        if ref._payload is not None:
            return True
        self._add_waiter(ref, waiter)
        if ref._task is None:
            self._fetch(ref)
        return False

    def _fetch(self, ref: ObjectRef[Any]) -> None:
        """Under the lock: ask the home of a borrowed object for its value, once."""
        ref._task = _Fetch
        weak = weakref.ref(ref)
        struct = self._runtime.struct(ref)

        def answered(message: m.ObjectValue | None, body: bytes, error: BowstringError | None) -> None:
            ref = weak()
            if ref is None:
                self._runtime.give_back(message)
                return
            if error is not None or message is None:
                self._runtime.fail(ref, error or InternalError("empty answer"))
            elif message.state == _INLINE:
                self._runtime.complete(ref, Payload(message.encoding, message.layout, body[: message.length]), True)
            else:
                # The pin stays with the reference: whoever asked is about to read the value, unless memory is short.
                self._unread[ref._id] = ref
                self._runtime.complete(
                    ref, Payload(message.encoding, STORED_LAYOUT, self._runtime.store.pinned(message)), True
                )

        self._runtime.ask(
            FrameType.OBJECT_GET,
            lambda request: m.ObjectGet(request, struct, GetMode.VALUE, Language.PYTHON),
            answered,
        )

    def give_up_unread(self) -> None:
        """Under the lock: memory is short. Values that nobody has read are asked for again when somebody does."""
        for ref in list(self._unread.values()):
            payload = ref._payload
            if payload is not None and payload.layout == STORED_LAYOUT and payload.data is not None:
                ref._payload = Payload(payload.encoding, STORED_LAYOUT, None)
        self._unread.clear()

    def _read_stored(self, refs: Iterable[ObjectRef[Any]], deadline: float | None, copy: bool) -> dict[bytes, Any]:
        """The values of stored objects, by id; each stays pinned while a view of it lives."""
        held: dict[bytes, Any] = {}
        inline: dict[bytes, Payload] = {}
        errors: list[BowstringError] = []
        waiter = Waiter(1)

        def ask(object_id: bytes, struct: RefStruct) -> None:
            def answered(message: m.ObjectValue | None, body: bytes, error: BowstringError | None) -> None:
                if message is None:
                    errors.append(error or InternalError("empty answer"))
                elif message.state == _STORED:
                    held[object_id] = self._ranges[object_id] = self._runtime.store.pinned(message)
                else:
                    inline[object_id] = Payload(message.encoding, message.layout, body[: message.length])
                waiter.ready()

            waiter.missing += 1
            self._runtime.ask(
                FrameType.OBJECT_GET,
                lambda request: m.ObjectGet(request, struct, GetMode.VALUE, Language.PYTHON),
                answered,
            )

        started = perf_counter()
        with self._runtime.lock:
            for ref in refs:
                object_id = ref._id
                if object_id not in held:
                    pin = ref._payload.data
                    if pin is None:
                        pin = self._ranges.get(object_id)
                    else:
                        # From here on the views keep it; a reference alone does not keep the store from spilling.
                        self._ranges[object_id] = pin
                        self._unread.pop(object_id, None)
                        ref._payload = Payload(ref._payload.encoding, STORED_LAYOUT, None)
                    held[object_id] = pin
                    if pin is None:
                        ask(object_id, self._runtime.struct(ref))
            waiter.ready()
        if not self._runtime.reactor.wait(waiter, deadline):
            raise GetTimeoutError(f"{waiter.missing} stored objects could not be mapped in time")
        if errors:
            raise errors[0]
        self._runtime.log.span(_GET, started, 0, len(held))
        return {ref._id: self._decode_held(ref, held[ref._id], inline.get(ref._id), copy) for ref in refs}

    def _decode_held(self, ref: ObjectRef[Any], pin: Any, inline: Payload | None, copy: bool) -> Any:
        if inline is not None:
            return self._decode(ref, inline.encoding, inline.layout, inline.data, copy)
        import numpy as np

        return self._decode(ref, pin.encoding, m.Layout.IMAGE, np.asarray(pin), copy)

    def _check_running(self, ref: ObjectRef[Any]) -> None:
        """Refuse to promise what nobody will keep."""
        if self._runtime.stopped is not None and ref._payload is None:
            raise self._runtime.stopped

    def complete_future(self, ref: ObjectRef[Any], future: concurrent.futures.Future[Any]) -> None:
        """Let `future` have the value of `ref` once it is ready."""
        completion = _Completion(self._runtime, future)
        self._check_running(ref)
        with self._runtime.lock:
            ready = self.when_ready(ref, completion)
            if not ready:
                self._runtime.reactor.flush()
        if ready:
            completion.complete(ref)

    def call_when_ready(self, ref: ObjectRef[Any], action: Callable[[ObjectRef[Any]], None]) -> None:
        """Call `action(ref)` once the object is ready: in the thread for callbacks, or at once if it is ready now."""
        callback = _Callback(self._runtime, action)
        with self._runtime.lock:
            ready = self.when_ready(ref, callback)
            if not ready:
                self._runtime.reactor.flush()
        if ready:
            action(ref)

    def complete_in_loop(self, ref: ObjectRef[Any], future: asyncio.Future[Any]) -> None:
        """Let a future of the running event loop have the value of `ref` once it is ready."""
        completion = _LoopCompletion(self._runtime, future)
        self._check_running(ref)
        with self._runtime.lock:
            ready = self.when_ready(ref, completion)
            if ready:
                completion.ready(ref)
            else:
                self._runtime.reactor.flush()


class _Fetch:
    """Marks an ObjectRef whose value has been asked of its home."""

    @staticmethod
    def deliver_home() -> None:
        """A borrowed object is at its home already."""


class _Callback:
    """Calls a function once an object is ready, in the thread for callbacks."""

    __slots__ = ("action", "runtime")

    def __init__(self, runtime: Runtime, action: Callable[[ObjectRef[Any]], None]) -> None:
        self.runtime = runtime
        self.action = action

    def ready(self, ref: ObjectRef[Any]) -> None:
        self.runtime.reactor.call_out(lambda: self.action(ref))


class _Completion:
    """Completes a concurrent.futures.Future from an object, in the thread for callbacks."""

    __slots__ = ("future", "runtime")

    def __init__(self, runtime: Runtime, future: concurrent.futures.Future[Any]) -> None:
        self.runtime = runtime
        self.future = future

    def ready(self, ref: ObjectRef[Any]) -> None:
        self.runtime.reactor.call_out(lambda: self.complete(ref))

    def complete(self, ref: ObjectRef[Any]) -> None:
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            value = self.runtime.reader.get_one(ref)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


class _LoopCompletion:
    """Completes an asyncio.Future from an object: a small value is decoded in the loop, without another thread."""

    __slots__ = ("future", "loop", "runtime")

    def __init__(self, runtime: Runtime, future: asyncio.Future[Any]) -> None:
        self.runtime = runtime
        self.future = future
        self.loop = future.get_loop()

    def ready(self, ref: ObjectRef[Any]) -> None:
        """Under the lock: the object is ready."""
        payload = ref._payload
        if payload.layout == STORED_LAYOUT and payload.encoding != _ERROR:
            # Reading it asks the node, which the loop must not wait for.
            self.runtime.reactor.call_out(lambda: self._read(ref))
        else:
            self._call_soon(lambda: _values.decode_inline(payload.encoding, payload.layout, payload.data))

    def _read(self, ref: ObjectRef[Any]) -> None:
        if self.future.done():
            return
        try:
            value = self.runtime.reader.get_one(ref)
        except BaseException as error:
            failure = error  # the name `error` ends with this clause
            self._call_soon(lambda: _raise(failure))
        else:
            self._call_soon(lambda: value)

    def _call_soon(self, read: Callable[[], Any]) -> None:
        try:
            self.loop.call_soon_threadsafe(self._complete, read)
        except RuntimeError:
            pass  # the loop is closed: nobody awaits the value

    def _complete(self, read: Callable[[], Any]) -> None:
        if self.future.done():
            return
        try:
            value = read()
        except Exception as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(value)


def _raise(error: BaseException) -> None:
    raise error
