"""A call that this process has made and that is not over: its arguments, its frame, its results (spec chapter 4)."""

from __future__ import annotations

import pickle
from time import time_ns
from typing import TYPE_CHECKING, Any

from bowstring import _pickling, _values
from bowstring._ids import FIRST_RESULT, NO_ID, TaskContext, pack_u32
from bowstring._options import STREAMING
from bowstring._values import STORED_LAYOUT, Payload, new_payload
from bowstring.errors import InvalidArgumentError, TaskCancelledError
from bowstring.object_ref import BORROWED, HELD, PUBLISHED, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire import values
from bowstring_wire.hot import TaskShape
from bowstring_wire.messages import ArgKind, Encoding, FrameType, Language, Layout, TaskFlag, TaskStatus, ValueState
from bowstring_wire.protocol import ProtocolError, frame, padded

if TYPE_CHECKING:
    from bowstring._retries import RetryRule
    from bowstring._runtime import Runtime

_EXACT, _DELIVER_HOME = int(TaskFlag.EXACT), int(TaskFlag.DELIVER_HOME)
_PACKED, _VALUE, _REF = int(ArgKind.PACKED), int(ArgKind.VALUE), int(ArgKind.REF)
_PYTHON, _PORTABLE, _ERROR = int(Encoding.PYTHON), int(Encoding.PORTABLE), int(Encoding.ERROR)
_COMPACT = int(Layout.COMPACT)
_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)
_OK, _FAILED = int(TaskStatus.OK), int(TaskStatus.ERROR)
_NO_REF = (bytes(20), 0, 0, 0)

BODY_ARGUMENT_BYTES_MAX = 8 << 20  # arguments above this go through the store, whatever their parts


def first_payload(result: m.Result, body: bytes) -> bytes:
    """The payload of the first entry of a Result that is inline."""
    _, _, _, _, offset, length, _ = result.returns[0]
    return body[offset : offset + length]


class CallTemplate:
    """What all calls of one function or method with the same options share."""

    __slots__ = (
        "backpressure", "concurrency_group", "flags", "function", "label", "language", "max_retries", "method", "name",
        "num_returns", "pending", "priority", "retry", "shape", "timeout_ms",
    )  # fmt: skip

    def __init__(
        self,
        function: bytes,
        language: int = Language.PYTHON,
        name: str = "",
        method: str = "",
        num_returns: int = 1,
        max_retries: int = 3,
        flags: int = 0,
        timeout_ms: int = 0,
        concurrency_group: str = "",
        priority: int = 0,
        label: str = "",
        backpressure: int = 0,
        retry: RetryRule | None = None,
    ) -> None:
        self.function = function
        self.language = language
        self.name = name
        self.method = method
        self.num_returns = num_returns
        self.max_retries = max_retries
        self.flags = flags | (_EXACT if max_retries == 0 else 0)
        self.timeout_ms = timeout_ms
        self.concurrency_group = concurrency_group
        self.priority = priority
        self.backpressure = backpressure  # items of a stream that may lie unread; 0: any number
        self.retry = retry  # errors of user code that are tried again
        self.pending: type[PendingTask] = PendingTask  # what a call is made of
        if num_returns == STREAMING:
            from bowstring._pending_stream import PendingStream

            self.pending = PendingStream
        self.label = name or label or method  # for messages here; the worker knows the function's own name
        self.shape = TaskShape(self.task())

    def task(self) -> m.Task:
        """A Task message with what all calls share."""
        return m.Task(
            function=self.function,
            num_returns=self.num_returns,
            max_retries=self.max_retries,
            priority=self.priority,
            timeout_ms=self.timeout_ms,
            caller_language=Language.PYTHON,
            method=self.method,
            name=self.name,
            concurrency_group=self.concurrency_group,
        )


class PendingTask:
    """One call from submission to its end."""

    __slots__ = (
        "actor", "attempt", "body", "cancelled", "done", "flags", "forced", "id", "keeps", "losses", "missing",
        "on_ready", "parts", "peer", "refs", "retries_left", "runtime", "sequence", "struct", "submitted_ns",
        "template",
    )  # fmt: skip

    def __init__(self, runtime: Runtime, template: CallTemplate, context: TaskContext, actor: bytes = NO_ID) -> None:
        self.runtime = runtime
        self.template = template
        task_id = self.id = context.child_id()
        self.submitted_ns = time_ns()
        self.attempt = 0
        self.retries_left = template.max_retries
        self.losses = 0  # workers that ended before it started there
        self.flags = template.flags
        self.actor = actor
        self.sequence = 0
        self.peer: Any = None
        self.cancelled = False
        self.forced = False  # cancelled, and the worker told to end its process if need be
        self.done = False
        self.missing = 0
        self.keeps: Any = ()
        self.parts: Any = None  # the arguments in order, where some are references; see `arguments`
        self.struct: Any = ()  # the Arg entries, once they are known
        self.body = b""
        self.on_ready: Any = None
        count = template.num_returns
        if count == 1:
            ref: ObjectRef[Any] = ObjectRef(runtime, task_id + FIRST_RESULT, runtime.process, runtime.node)
            ref._task = self
            self.refs = [ref]
        else:
            self.refs = []
            for index in range(count):
                ref = ObjectRef(runtime, task_id + pack_u32(index), runtime.process, runtime.node)
                ref._task = self
                self.refs.append(ref)

    # Arguments ---------------------------------------------------------------------------------------------------

    def results(self) -> Any:
        """What the caller gets when num_returns is not 1."""
        return list(self.refs)

    def set_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Encode the arguments; references among them are resolved later."""
        if not args and not kwargs:
            return
        for value in args:
            if type(value) not in _pickling.SCALARS:
                self._set_rich_arguments(args, kwargs)
                return
        if kwargs or self.template.language != Language.PYTHON:
            self._set_rich_arguments(args, kwargs)
            return
        body = pickle.dumps((args, None), 5)
        if len(body) > self.runtime.inline_bytes_max:
            self._set_rich_arguments(args, kwargs)
            return
        self.struct = ((_PACKED, _PYTHON, _COMPACT, 0, 0, len(body), 0, *_NO_REF),)
        self.body = padded(body)

    def _set_rich_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        limit = self.runtime.inline_bytes_max
        if self.template.language != Language.PYTHON:
            self._set_portable_arguments(args, kwargs)
            return
        holes: list[Any] = []
        places: list[Any] = []
        plain = list(args)
        for place, value in enumerate(args):
            if type(value) is ObjectRef or _values.is_large_argument(value, limit):
                holes.append(value if type(value) is ObjectRef else self.runtime.writer.put(value))
                places.append(place)
                plain[place] = None
        named = kwargs
        for key, value in kwargs.items():
            if type(value) is ObjectRef or _values.is_large_argument(value, limit):
                if named is kwargs:
                    named = dict(kwargs)
                holes.append(value if type(value) is ObjectRef else self.runtime.writer.put(value))
                places.append(key)
                named[key] = None
        packed = (tuple(plain), named, places) if places else (tuple(plain), named)
        encoded = self._packed(packed)
        if encoded.nbytes > BODY_ARGUMENT_BYTES_MAX:
            # What is large sits deep inside: each argument goes through the store on its own.
            holes = [value if type(value) is ObjectRef else self.runtime.writer.put(value) for value in args]
            holes += [
                value if type(value) is ObjectRef else self.runtime.writer.put(value) for value in kwargs.values()
            ]
            places = [*range(len(args)), *kwargs]
            encoded = self._packed((tuple(None for _ in args), dict.fromkeys(kwargs), places))
        layout, body = values.inline_payload(encoded)
        self.keeps = [*holes, *encoded.contains]
        if encoded.contains:
            self.runtime.escape(encoded.contains)
        first = (_PACKED, _PYTHON, layout, body)
        if holes:
            self._wait_for([first, *holes])
        else:
            self.struct = ((_PACKED, _PYTHON, int(layout), 0, 0, len(body), 0, *_NO_REF),)
            self.body = padded(body)

    @staticmethod
    def _packed(packed: Any) -> values.Encoded:
        buffers: list[Any] = []
        data, contains = _pickling.dumps(packed, buffers)
        return values.Encoded(_PYTHON, [data, *buffers], contains=contains)

    def _set_portable_arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if kwargs:
            names = ", ".join(kwargs)
            raise InvalidArgumentError(
                f"{self.template.label}: keyword arguments ({names}) can't cross to another "
                "language; pass them by position"
            )
        parts: list[Any] = []
        keeps: list[Any] = []
        if self._set_portable_scalars(args):
            return
        for place, value in enumerate(args):
            if type(value) is ObjectRef:
                parts.append(value)
                keeps.append(value)
                continue
            encoded = _values.encode_portable(value, f"$.args[{place}]")
            if encoded.nbytes > self.runtime.inline_bytes_max:
                ref = self.runtime.writer.put_encoded(encoded)
                parts.append(ref)
                keeps.append(ref)
                continue
            if encoded.contains:
                keeps += encoded.contains
                self.runtime.escape(encoded.contains)
            layout, body = values.inline_payload(encoded)
            parts.append((_VALUE, encoded.encoding, layout, body))
        self.keeps = keeps
        self._wait_for(parts)

    def _set_portable_scalars(self, args: tuple[Any, ...]) -> bool:
        """Write arguments that are short scalars, without the walk that other values need."""
        entries = []
        body = b""
        for value in args:
            data = _values.portable_scalar(value)
            if data is None:
                return False
            entries.append((_VALUE, _PORTABLE, _COMPACT, 0, len(body), len(data), 0, *_NO_REF))
            body += data
        self.struct = tuple(entries)
        self.body = padded(body)
        return True

    def _wait_for(self, parts: list[Any]) -> None:
        """Some arguments are references: count those that are not ready."""
        self.parts = parts
        runtime = self.runtime
        with runtime.lock:
            self.missing = 1
            for part in parts:
                if type(part) is ObjectRef and not runtime.reader.when_ready(part, self):
                    self.missing += 1
            self.missing -= 1

    def ready(self, _ref: Any) -> None:
        """Under the lock: an argument has become ready."""
        self.missing -= 1
        if not self.missing and self.on_ready is not None:
            action, self.on_ready = self.on_ready, None
            action(self)

    def resolve_arguments(self) -> Payload | None:
        """Under the lock, before sending: fix the Arg entries. Returns an error's payload if an argument is one."""
        if self.parts is None:
            return None
        entries = []
        body = bytearray()
        escaping = []
        native = self.template.language == Language.PYTHON
        for part in self.parts:
            if type(part) is ObjectRef:
                payload = part._payload
                encoding, layout = payload.encoding, payload.layout
                if encoding == _ERROR:
                    return Payload(*payload)
                if layout == STORED_LAYOUT or (encoding == _PYTHON and not native) or part._flags & BORROWED:
                    escaping.append(part)
                    entries.append((_REF, 0, 0, 0, 0, 0, 0, part._id, 0, part._owner, part._home))
                    continue
                kind, data = _VALUE, payload.data
            else:
                kind, encoding, layout, data = part
            entries.append((kind, int(encoding), int(layout), 0, len(body), len(data), 0, *_NO_REF))
            body += data
            body += bytes(-len(body) & 63)
        if escaping:
            self.runtime.escape(escaping)
        self.struct = tuple(entries)
        self.body = bytes(body)
        self.parts = None
        return None

    # Sending -----------------------------------------------------------------------------------------------------

    def frame(self, epoch: int) -> bytes:
        """The Task frame under a lease or an actor's incarnation."""
        template = self.template
        runtime = self.runtime
        entries = self.struct
        if not entries:
            arg = None
        elif len(entries) == 1 and entries[0][0] != _REF:
            arg = entries[0][:7]
        else:
            return template.shape.frame_of_many(
                self.id, self.actor, runtime.process, runtime.node, self.sequence, self.flags, self.attempt, epoch,
                self.submitted_ns, entries, padded(self.body),
            )  # fmt: skip
        return template.shape.frame(
            self.id, self.actor, runtime.process, runtime.node, self.sequence, self.flags, self.attempt, epoch,
            self.submitted_ns, arg, self.body,
        )  # fmt: skip

    def deliver_home(self) -> None:
        """Under the lock: a result has escaped; its home wants it from the worker."""
        if self.flags & _DELIVER_HOME or self.template.retry is not None:
            return  # an error that is tried again must not reach the home: it hears from this process what comes of it
        self.flags |= _DELIVER_HOME
        if self.peer is not None:
            self.peer.send(frame(FrameType.DELIVER, m.Deliver(self.id).encode()), True)

    def cancel(self, force: bool, recursive: bool) -> None:
        """Under the lock: see bowstring.cancel."""
        if self.done:
            return
        self.cancelled = True
        if self.peer is not None:
            self.retries_left = 0
            self.forced = force
            self.peer.send(frame(FrameType.CANCEL, m.Cancel(self.id, force, recursive).encode()), True)
        else:
            self.fail(TaskCancelledError(f"{self.template.label} was cancelled before it started"))

    # The end -----------------------------------------------------------------------------------------------------

    def tries_again(self, error: bytes) -> bool:
        """Under the lock: an attempt ended with this ErrorRecord; True if another one follows."""
        rule = self.template.retry
        if rule is None or not self.retries_left or self.cancelled or self.peer is None or self.peer.user is None:
            return False
        if not rule.matches(m.ErrorRecord.decode(error)):
            return False
        if self.retries_left > 0:
            self.retries_left -= 1
        self.attempt += 1
        peer, self.peer = self.peer, None
        peer.user.on_retry(self)
        return True

    def finish_single(self, state: int, encoding: int, layout: int, contains: int, data: bytes) -> None:
        """Under the lock: the worker answered with the one result."""
        if encoding == _ERROR and self.tries_again(data):
            return
        self.done = True
        self.peer = None
        ref = self.refs[0]
        if state == _STORED:
            ref._flags |= HELD | PUBLISHED
            self.runtime.known.note(ref)
            self.runtime.complete(ref, Payload(encoding, STORED_LAYOUT, None), True)
        else:
            if contains:
                ref._flags |= HELD | PUBLISHED
                self.runtime.known.note(ref)
            if ref._flags or ref._payload is not None:
                self.runtime.complete(ref, Payload(encoding, layout, data), bool(contains))
            else:
                # As `complete`, for a result that only this process knows of: nearly every one.
                ref._payload = new_payload((encoding, layout, data, ()))
                ref._task = None
                waiters = ref._waiters
                if waiters is not None:
                    ref._waiters = None
                    for waiter in waiters:
                        waiter.ready(ref)
        self.refs = []
        self.keeps = ()

    def check(self, result: m.Result, body_size: int) -> None:
        """Raises ProtocolError if the result is not one of this task (spec 4.4/8)."""
        expected = self.results_expected(result)
        if len(result.returns) != expected:
            raise ProtocolError(f"a Result of {len(result.returns)} values; {expected} were expected")
        for entry in result.returns:
            if entry.offset + entry.length > body_size or entry.state not in (_INLINE, _STORED):
                raise ProtocolError(f"a Result's value is not in its body of {body_size} bytes: {entry}")

    def results_expected(self, result: m.Result) -> int:
        """How many values a result of this task has; that of a task without results has its error."""
        return len(self.refs) or int(result.status != _OK)

    def check_unseen(self, encoding: int) -> None:
        """Raises ProtocolError if one value is not what a result of this task may have, which has not one reference."""
        if self.template.num_returns or encoding != _ERROR:
            raise ProtocolError(f"a Result of 1 value; {len(self.refs)} were expected")

    def finish_unseen(self, error: bytes) -> None:
        """Under the lock: the worker answered a task without results with an error, which nobody will read."""
        if self.tries_again(error):
            return
        self.done = True
        self.peer = None
        self.keeps = ()

    def finish(self, result: m.Result, body: bytes) -> None:
        """Under the lock: the worker answered."""
        if result.status == _FAILED and self.tries_again(first_payload(result, body)):
            return
        self.done = True
        self.peer = None
        runtime = self.runtime
        returns = result.returns if self.refs else ()
        for ref, entry in zip(self.refs, returns, strict=True):
            state, encoding, layout, contains, offset, length, _ = entry
            if state == _STORED:
                ref._flags |= HELD | PUBLISHED
                runtime.known.note(ref)
                runtime.complete(ref, Payload(encoding, STORED_LAYOUT, None), True)
            else:
                if contains:
                    ref._flags |= HELD | PUBLISHED
                    runtime.known.note(ref)
                runtime.complete(ref, Payload(encoding, layout, body[offset : offset + length]), bool(contains))
        self.refs = []
        self.keeps = ()

    def fail(self, error: BaseException | Payload) -> None:
        """Under the lock: no attempt will follow."""
        was_done, self.done = self.done, True
        self.peer = None
        runtime = self.runtime
        payload = error if isinstance(error, Payload) else runtime.error_payload(error)
        if not was_done and runtime.stopped is None:
            runtime.log.given_up(self, payload)
        for ref in self.refs:
            runtime.complete(ref, payload)
        self.refs = []
        self.keeps = ()
