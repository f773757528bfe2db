"""Running calls in the caller's own process: what a worker does, without one.

A call's arguments and results are written and read as they would be between processes: what can't be pickled fails here
too, and no call shares a mutable value with another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from bowstring import _options
from bowstring._answers import separate_results
from bowstring._arguments import ArgumentReader
from bowstring._functions import FunctionTable
from bowstring._ids import STREAM_SPACE, TaskContext, current_context, pack_u32
from bowstring._pending_stream import PendingStream
from bowstring._values import Payload
from bowstring.actor import ActorExit
from bowstring.errors import (
    BowstringError,
    CrossLanguageError,
    InvalidArgumentError,
    TaskCancelledError,
    TaskUnschedulableError,
    record_from_exception,
)
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Language
from bowstring_wire.messages import ObjectRef as RefStruct
from bowstring_wire.protocol import FrameParser

if TYPE_CHECKING:
    from bowstring._inline_runtime import InlineRuntime
    from bowstring._tasks import PendingTask

_ERROR, _COMPACT, _INLINE = int(m.Encoding.ERROR), int(m.Layout.COMPACT), int(m.ValueState.INLINE)
_END = object()


class InlineCalls:
    """Runs calls in whatever thread asks for it."""

    def __init__(self, runtime: InlineRuntime) -> None:
        self._runtime = runtime
        self.functions = FunctionTable(runtime)
        self._arguments = ArgumentReader(runtime)

    def prepare(self, task: PendingTask) -> tuple[m.Task, bytes] | None:
        """Write the arguments, now that they are ready; None if the call has failed by that."""
        with self._runtime.lock:
            if task.done:
                return None
            try:
                failed: Any = task.resolve_arguments()
            except BowstringError as error:
                failed = error
            if failed is not None:
                task.fail(failed)
                return None
            return task_of(task.frame(0))

    def run_task(self, task: PendingTask) -> None:
        """Run a function's call."""
        prepared = self.prepare(task)
        if prepared is not None:
            message, body = prepared
            name = task.template.label
            task.peer = InlinePeer(lambda: self.run_task(task))
            self.run(task, message, name, lambda: self.call(message, body, self.functions.load(message.function)))

    def call(self, message: m.Task, body: bytes, function: Callable[..., Any]) -> Any:
        """Call user code with the call's arguments."""
        args, kwargs = self._arguments.read(message, body)
        return function(*args, **kwargs)

    def run(self, task: PendingTask, message: m.Task, name: str, work: Callable[[], Any]) -> bool:
        """Run a call in this thread and complete its results; True if it asked for the end of its actor."""
        exiting = False
        token = current_context.set(TaskContext(message.id, message.attempt, name, message.actor))
        try:
            value = work()
            if isinstance(task, PendingStream):
                InlineStream(self, task, name, value).go_on()
                return False
            self.finish(task, message, name, value)
        except ActorExit:
            exiting = True
            self.finish(task, message, name, None if message.num_returns == 1 else (None,) * message.num_returns)
        except BaseException as error:
            self.fail(task, name, error)
            if isinstance(error, KeyboardInterrupt):
                raise  # whoever sits at the keyboard sits in this process
        finally:
            current_context.reset(token)
        return exiting

    def finish(self, task: PendingTask, message: m.Task, name: str, value: Any) -> None:
        """Complete a call's results with what its function returned."""
        results = separate_results(message.num_returns, value, lambda: name)
        payloads = [self.encode(message, index, result) for index, result in enumerate(results)]
        with self._runtime.lock:
            if not task.done:
                task.done = True
                task.peer = None
                for ref, payload in zip(task.refs, payloads, strict=True):
                    self._runtime.complete(ref, payload)
                task.refs = []
                task.keeps = ()

    def encode(self, message: m.Task, index: int, value: Any) -> Payload:
        """A result as it will be read."""
        struct = RefStruct(message.id + pack_u32(index), 0, message.owner, message.home)
        return self._runtime.writer.write(struct, value, Language.PYTHON)

    def fail(self, task: PendingTask, name: str, error: BaseException) -> None:
        """Complete a call's results with the error, unless it is one that is tried again."""
        record = record_from_exception(error, name, task.id).encode()
        with self._runtime.lock:
            if not task.done and not task.tries_again(record):
                task.fail(Payload(_ERROR, _COMPACT, record))


class InlinePeer:
    """Stands for the worker that has a call: is told what the caller wants of it."""

    def __init__(self, again: Callable[[], None], cancel: Callable[[], object] | None = None) -> None:
        self.user = self
        self._again = again
        self._cancel = cancel

    def on_retry(self, task: PendingTask) -> None:
        """Under the lock: the call is to be made again."""
        runtime: Any = task.runtime
        runtime.after(self._again)

    def send(self, data: bytes, _now: bool = True) -> None:
        """Under the lock, as to a worker: a cancellation, or credits of a stream."""
        for kind, metadata, _body in FrameParser(handshake_done=True).feed(data):
            if kind == FrameType.CREDITS:
                self.on_credits(m.Credits.decode(metadata).limit)
            elif kind == FrameType.CANCEL:
                self.on_cancel()

    def on_credits(self, limit: int) -> None:
        """The reader of a stream allows more."""

    def on_cancel(self) -> None:
        """The caller cancels."""
        if self._cancel is not None:
            self._cancel()


class InlineStream(InlinePeer):
    """The generator of a streaming call: runs ahead as far as the reader lets it, and goes on when it reads."""

    def __init__(self, calls: InlineCalls, task: PendingStream, name: str, made: Any) -> None:
        if not isinstance(made, Iterator):
            raise InvalidArgumentError(
                f'{name} has num_returns="streaming" and must yield, or return an iterator; '
                f"it returned {type(made).__name__}"
            )
        super().__init__(task.peer._again)
        self._calls = calls
        self._task = task
        self._name = name
        self._made = made
        self._running = False
        self._first = task.received  # an earlier attempt made those before
        self._index = 0
        self.limit = task.limit
        task.peer = self

    def on_credits(self, limit: int) -> None:
        self.limit = limit
        self._calls._runtime.after(self.go_on)

    def on_cancel(self) -> None:
        self._task.fail(TaskCancelledError(f"{self._name} was cancelled while it ran"))
        self._calls._runtime.after(self.go_on)

    def go_on(self) -> None:
        """Make items until the end, or as many as may lie unread; one thread at a time does."""
        task = self._task
        lock = self._calls._runtime.lock
        with lock:
            if self._running:
                return
            self._running = True
        token = current_context.set(TaskContext(task.id, task.attempt, self._name, task.actor))
        try:
            while self._may_go_on():
                item = next(self._made, _END)
                if item is _END:
                    with lock:
                        if not task.done:
                            task.finish(m.Result(task.id, task.attempt), b"")
                    continue
                if self._index >= self._first:
                    hand_over_item(self._calls._runtime, task, item)
                self._index += 1
        except BaseException as error:
            self._calls.fail(task, self._name, error)
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            if task.peer is not self:
                close = getattr(self._made, "close", None)
                if close is not None:
                    close()
            current_context.reset(token)

    def _may_go_on(self) -> bool:
        """False, and another thread may go on later, if the reader has enough or the stream is over."""
        with self._calls._runtime.lock:
            allowed = self.limit < 0 or self._index < max(self._first + 1, self.limit)
            self._running = allowed and not self._task.done
            return self._running


def hand_over_item(runtime: InlineRuntime, task: PendingStream, item: Any) -> None:
    """Give an item of a stream to its reader."""
    struct = RefStruct(task.id + pack_u32(STREAM_SPACE | task.received), 0, 0, 0)
    payload = runtime.writer.write(struct, item, Language.PYTHON)
    with runtime.lock:
        if task.done:
            return
        before = len(task.items)
        task.on_item(task.attempt, task.received, _INLINE, payload.encoding, payload.layout, 0, payload.data)
        if len(task.items) > before:
            task.items[-1]._payload = payload  # with the references inside, which nobody else holds here


class InlinePool:
    """Takes the tasks of functions with the same needs."""

    def __init__(self, runtime: InlineRuntime, refusal: BowstringError | None) -> None:
        self._runtime = runtime
        self._refusal = refusal

    def submit(self, task: PendingTask) -> None:
        """Under the lock: run the task when the lock is free, or, in a thread of its own, once its arguments are."""
        if self._refusal is not None:
            task.fail(self._refusal)
        elif task.missing:
            task.on_ready = self._on_ready
        else:
            self._runtime.after(lambda: self._runtime.calls.run_task(task))

    def _on_ready(self, task: PendingTask) -> None:
        # Not in this thread: it belongs to the method whose result was awaited.
        self._runtime.start_thread(lambda: self._runtime.calls.run_task(task))


class InlinePools:
    """What stands for the leases of workers: everything runs here, but what no node could run is refused as there."""

    def __init__(self, runtime: InlineRuntime) -> None:
        self._runtime = runtime

    def pool(self, language: int, resources: tuple[tuple[str, int], ...], *_rest: Any, **_options: Any) -> InlinePool:
        refusal: BowstringError | None = None
        if language != Language.PYTHON:
            refusal = java_refusal()
        else:
            reason = self._runtime.never_fits(resources)
            if reason:
                refusal = TaskUnschedulableError(reason)
        return InlinePool(self._runtime, refusal)

    def cancel_children(self, _prefix: bytes, _force: bool) -> None:
        """Tasks are over when they are submitted."""


def java_refusal() -> BowstringError:
    """The error for Java in inline mode."""
    return CrossLanguageError("inline mode runs everything in this process, which is Python's: no Java can be called")


def task_of(frames: bytes) -> tuple[m.Task, bytes]:
    """The Task among frames that begin with it."""
    for kind, metadata, body in FrameParser(handshake_done=True).feed(frames):
        if kind == FrameType.TASK:
            return m.Task.decode(metadata), body
    raise InvalidArgumentError("no Task frame")


def units_text(units: int) -> str:
    """An amount of a resource for people."""
    return f"{units / _options.UNITS:g}"
