"""Calls of an actor with checkpoints: applied once each, whenever the process is killed (spec 5.4).

What protects a call is an order of writes. Its ActorLog goes to the node's socket to the end before its Result goes to
the caller's; a process that is killed leaves behind what it has written and nothing else. So there are two cases: the
node has the log, and the next incarnation runs the call again to come to the same state, and has its Result; or the
node has no log, and neither the state nor the caller has heard of the call, and the caller sends it again.

Results wait in `_held` until the log is written; a batch of calls is logged with one write. A state travels in the log
of the call after which it was saved: there is no moment in which one is there and the other is not.
"""

from __future__ import annotations

import sys
import time
import traceback
from itertools import count
from typing import TYPE_CHECKING, Any

from bowstring import _pickling
from bowstring._ids import TaskContext, current_context, random_u64
from bowstring._options import STREAMING
from bowstring._reactor import Waiter
from bowstring._values import Payload
from bowstring.actor import CHECKPOINT_HOOKS, ActorExit
from bowstring.errors import BowstringError, InvalidArgumentError, TaskCancelledError, WorkerCrashedError
from bowstring.object_ref import ObjectRef
from bowstring_wire import messages as m
from bowstring_wire import values
from bowstring_wire.messages import Encoding, FrameType, TaskStatus
from bowstring_wire.protocol import BODY_BYTES_MAX, FrameParser, frame

if TYPE_CHECKING:
    from bowstring._actor_host import Actor
    from bowstring._call import Call
    from bowstring._executor import Executor
    from bowstring._reactor import Connection

_OK, _FAILED, _CANCELLED = int(TaskStatus.OK), int(TaskStatus.ERROR), int(TaskStatus.CANCELLED)
_PYTHON = int(Encoding.PYTHON)
_NO_REF = m.ObjectRef(bytes(20), 0, 0, 0)

SAVE_BYTES = 4 << 20  # a log of this size has the state saved (spec 5.4/3)
LOG_CALLS_MAX = 16_384  # calls, and bytes, that are logged while the state can't be saved (spec 5.4/4)
LOG_BYTES_MAX = 32 << 20
LOSSES_MAX = 16  # workers that may end while a call is next in line (spec 5.4/7)
HELD_S = 0.004  # Results do not wait longer for their log while a call runs (spec 4.4/6 allows 5 ms)


class _Capture:
    """Stands for a caller's connection while a Result is made: it is to be logged before it is sent."""

    __slots__ = ("data",)
    closed = False

    def __init__(self) -> None:
        self.data = b""

    def send(self, data: bytes) -> None:
        """Keep the frame."""
        self.data = data

    send_now = send


class LoggedCalls:
    """Runs and logs the calls of the actor that this worker is."""

    def __init__(self, executor: Executor, start: m.ActorStart) -> None:
        assert start.handle is not None
        self._executor = executor
        self._runtime = executor.runtime
        self._start = start
        self._actor: Actor
        self._interval = start.handle.checkpoint_interval
        self._losses_max = start.handle.max_task_retries or LOSSES_MAX
        self._history: list[tuple[m.ActorLog, bytes]] = []
        self._history_waiter = Waiter(start.replay)
        self._marks = {mark.process: mark.sequence for mark in start.callers}
        self._kept: dict[int, dict[int, bytes]] = {}  # Results of earlier incarnations, by caller and sequence
        self._held: list[tuple[Connection, bytes, m.CallerMark]] = []  # Results whose log is not written
        self._unsent: dict[Connection, list[m.CallerMark]] = {}  # Results that a full socket did not take
        self._calls = 0  # in the log since the state was saved
        self._bytes = 0
        self._save_at = (self._interval, SAVE_BYTES)  # calls or bytes, whichever comes first
        self._save_failure = ""
        self._timer_runs = False
        # Ids of children and puts come from the attempt: no two runs of one call may make the same.
        self._next_attempt = count(random_u64() & 0x3FFF_FFFF | 1).__next__

    # The life before -------------------------------------------------------------------------------------------------

    def before(self, message: m.ActorLog, body: bytes) -> None:
        """Under the lock: an entry of the log of earlier incarnations."""
        self._history.append((message, body))
        self._history_waiter.ready()

    def begin(self, actor: Actor) -> None:
        """Once the constructor is done: come to where the last incarnation was.

        Raises:
            BaseException: what the hooks raise; the actor is not started.
        """
        self._actor = actor
        self._check_class(type(actor.instance))
        runtime = self._runtime
        runtime.reactor.wait(self._history_waiter)
        saved = self._start.state
        if saved.id != _NO_REF.id:
            ref = runtime.borrow(saved.id, saved.owner, saved.home)
            (state,) = runtime.reader.get([ref])[0]
            actor.instance.restore_checkpoint(state)
            del state, ref
        for message, body in self._history:
            result = body[message.task_length :]
            if not message.applied:
                self._replay(body[: message.task_length])
            if result:
                self._kept.setdefault(message.caller, {})[message.sequence] = result
                self._marks[message.caller] = max(message.sequence, self._marks.get(message.caller, -1))
            self._bytes += len(body)
        self._calls = len(self._history)
        self._history.clear()
        if runtime.unacknowledged:
            runtime.hold_kept()  # the node lets go of the log's references when the state is saved
        if saved.id == _NO_REF.id or self._calls:
            state_ref = self._save()
            if state_ref is None and self._save_failure and saved.id == _NO_REF.id and not self._calls:
                raise BowstringError(f"save_checkpoint failed: {self._save_failure}")
            if state_ref is not None:
                self._log_state(state_ref)
        actor.dispatch = self.run
        self._executor.flush = self.flush

    def _check_class(self, cls: type) -> None:
        """Whoever made the actor in another language could not look at its class.

        Raises:
            InvalidArgumentError: the class can't have checkpoints.
        """
        missing = [name for name in CHECKPOINT_HOOKS if not callable(getattr(cls, name, None))]
        if missing:
            raise InvalidArgumentError(
                f"{self._actor.name} is made with a checkpoint interval, which needs the methods "
                f"{' and '.join(CHECKPOINT_HOOKS)}; missing: {', '.join(missing)}"
            )
        if self._actor.async_methods is not None:
            raise InvalidArgumentError(
                f"{self._actor.name} is made with a checkpoint interval, and has async methods: one call runs at a time"
            )

    def _replay(self, data: bytes) -> None:
        """Run a call again for its effect; its result, or its error, is known."""
        ((_kind, metadata, body),) = FrameParser(handshake_done=True).feed(data)
        task = m.Task.decode(metadata)
        token = current_context.set(TaskContext(task.id, self._next_attempt(), task.name, task.actor))
        try:
            function = self._executor.target(task)
            args, kwargs = self._executor.arguments(task, body)
            function(*args, **kwargs)
        except BaseException:
            pass  # so it ended before
        finally:
            current_context.reset(token)

    # Calls -----------------------------------------------------------------------------------------------------------

    def run(self, call: Call) -> None:
        """In the main thread: answer a call that is applied already; else apply it."""
        task = call.task
        kept = self._kept.get(task.owner)
        if kept:
            for sequence in [number for number in kept if number < task.sequence]:
                del kept[sequence]  # the caller has its Result, or has asked before and is being answered
        if task.sequence <= self._marks.get(task.owner, -1):
            self._answer_again(call, (kept or {}).get(task.sequence))
        elif (refused := self._refusal(call)) is not None:
            status = _CANCELLED if isinstance(refused, TaskCancelledError) else _FAILED
            self._executor.answers.send(call, status, refused, 0, time.time_ns())
        else:
            if self._runtime.node_connection.stuck:
                self._wait_until_written()
            self._apply(call)
        if task.attempt:
            # A worker ended when this was next in line. If the one behind it is to blame, this must be seen to be done.
            self.stop()

    def _answer_again(self, call: Call, result: bytes | None) -> None:
        task = call.task
        if result is None:
            error = BowstringError(f"{self._executor.name_of(task)} was applied before, and its result is gone")
            self._executor.answers.send(call, _FAILED, error, 0, time.time_ns())
            return
        ((_kind, metadata, body),) = FrameParser(handshake_done=True).feed(result)
        answer = m.Result.decode(metadata)
        answer.attempt = task.attempt
        with self._runtime.lock:
            self._executor.calls.pop(task.id, None)
            # Among those that are held, so that the next state is told that it may not have been written.
            mark = m.CallerMark(task.owner, task.sequence)
            self._held.append((call.connection, frame(FrameType.RESULT, answer.encode(), body), mark))
            self._flush_later()

    def _refusal(self, call: Call) -> BaseException | None:
        """Why the call is not to be started."""
        task = call.task
        name = self._executor.name_of(task)
        if call.cancelled:
            return TaskCancelledError("the call was cancelled before it started")
        if task.num_returns == STREAMING:
            return InvalidArgumentError(f"{name}: a method of an actor with checkpoints can't stream")
        if 0 <= self._losses_max <= task.attempt:
            return WorkerCrashedError(
                f"{name} was next in line {task.attempt} times when the actor's process ended; it is not applied"
            )
        if len(call.body) > BODY_BYTES_MAX // 2:
            return InvalidArgumentError(f"{name}: {len(call.body)} bytes of arguments can't be logged; put them first")
        if self._calls >= LOG_CALLS_MAX or self._bytes >= LOG_BYTES_MAX:
            state = self._save()
            if state is None:
                return BowstringError(
                    f"{name} is not started: {self._calls} calls are logged and the actor's state can't be saved: "
                    f"{self._save_failure}"
                )
            self._log_state(state)
        return None

    def _apply(self, call: Call) -> None:
        executor, runtime, task = self._executor, self._runtime, call.task
        connection = call.connection
        start_ns = time.time_ns()
        started = time.perf_counter()
        token = current_context.set(TaskContext(task.id, self._next_attempt(), task.name, task.actor))
        references: list[ObjectRef[Any]] = []  # alive until the log, which names them, is on its way
        exiting = False
        try:
            function = executor.target(task)
            runtime.noted = references
            try:
                args, kwargs = executor.arguments(task, call.body)
            finally:
                runtime.noted = None
            value = function(*args, **kwargs)
            del args, kwargs
            status = _OK
        except ActorExit:
            status, value, exiting = _OK, None, True
        except BaseException as error:
            status, value = _FAILED, error
        finally:
            current_context.reset(token)
        duration_ns = int((time.perf_counter() - started) * 1e9)
        if exiting:
            executor.stop_taking_calls()
            self.stop()
            executor.answers.send(call, status, None, duration_ns, start_ns)
            executor.exit_actor()
            return
        capture = _Capture()
        call.connection = capture  # type: ignore[assignment]
        executor.answers.send(call, status, value, duration_ns, start_ns)
        value = None
        asked = frame(FrameType.TASK, task.encode(), call.body)
        if len(asked) + len(capture.data) > BODY_BYTES_MAX:
            refused = BowstringError(f"{executor.name_of(task)}: {len(capture.data)} bytes of results can't be logged")
            executor.answers.send(call, _FAILED, refused, duration_ns, start_ns)
        self._log(connection, task, asked, capture.data, references)

    # The log ---------------------------------------------------------------------------------------------------------

    def _log(
        self, connection: Connection, task: m.Task, asked: bytes, result: bytes, references: list[ObjectRef[Any]]
    ) -> None:
        """Log a call that was applied, with the state if that is due, and hold its Result until the log is written."""
        runtime = self._runtime
        mark = m.CallerMark(task.owner, task.sequence)
        self._marks[task.owner] = task.sequence
        self._calls += 1
        self._bytes += len(asked) + len(result)
        due = self._calls >= self._save_at[0] or self._bytes >= self._save_at[1]
        state = self._save() if due else None
        entry = m.ActorLog(
            self._actor.id,
            self._actor.incarnation,
            task.owner,
            task.sequence,
            len(asked),
            tuple({ref._id: runtime.struct(ref) for ref in references}.values()),
        )
        with runtime.lock:
            if state is not None:
                entry.state = runtime.struct(state)
                entry.unanswered = self._unanswered()
            runtime.node_connection.send(frame(FrameType.ACTOR_LOG, entry.encode(), asked + result))
            self._held.append((connection, result, mark))
            self._flush_later()

    def _log_state(self, state: ObjectRef[Any]) -> None:
        """Log a state between two calls."""
        runtime = self._runtime
        with runtime.lock:
            entry = m.ActorLog(
                self._actor.id,
                self._actor.incarnation,
                state=runtime.struct(state),
                unanswered=self._unanswered(),
            )
            runtime.node_connection.send(frame(FrameType.ACTOR_LOG, entry.encode()))

    def _unanswered(self) -> tuple[m.CallerMark, ...]:
        """Under the lock: calls whose Results may not have reached their callers."""
        marks = [mark for _, _, mark in self._held]
        for unsent in self._unsent.values():
            marks += unsent
        for caller, results in self._kept.items():
            marks += [m.CallerMark(caller, sequence) for sequence in results]
        return tuple(marks)

    def _save(self) -> ObjectRef[Any] | None:
        """Make an object of the actor's state; None: it can't be saved now."""
        runtime = self._runtime
        token = current_context.set(None)  # the state's id must not depend on the call before it
        try:
            data, contains = _pickling.dumps((self._actor.instance.save_checkpoint(),))
            encoded = values.Encoded(_PYTHON, [data], contains=contains)
            if encoded.nbytes > runtime.inline_bytes_max:
                ref = runtime.writer.put_encoded(encoded)
            else:
                if contains:
                    runtime.escape(contains)
                layout, payload = values.inline_payload(encoded)
                ref = ObjectRef(runtime, runtime.root.put_id(), runtime.process, runtime.node)
                ref._payload = Payload(_PYTHON, layout, payload, contains)
                runtime.escape([ref])
        except Exception as error:
            if not self._save_failure:
                print(f"{self._actor.name}: the state can't be saved, and is tried again later:", file=sys.stderr)
                traceback.print_exc()
            self._save_failure = f"{type(error).__name__}: {error}"
            self._save_at = (self._calls + self._interval, self._bytes + SAVE_BYTES)
            return None
        finally:
            current_context.reset(token)
        self._save_failure = ""
        self._calls = self._bytes = 0
        self._save_at = (self._interval, SAVE_BYTES)
        return ref

    # Results ---------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Under the lock: write the log; then, if it is written to its end, the Results that wait for it."""
        runtime = self._runtime
        node = runtime.node_connection
        node.flush()
        if node.out:
            self._flush_later()
        else:
            for connection, result, mark in self._held:
                if not connection.closed:
                    connection.send(result)
                    self._unsent.setdefault(connection, []).append(mark)
            self._held.clear()
        runtime.reactor.flush()
        for connection in [connection for connection in self._unsent if connection.closed or not connection.out]:
            del self._unsent[connection]

    def _flush_later(self) -> None:
        """Under the lock: a call that runs for long must not hold up the Results before it."""
        if not self._timer_runs:
            self._timer_runs = True
            self._runtime.reactor.call_later(HELD_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer_runs = False
        if self._held:
            self.flush()

    def _wait_until_written(self) -> None:
        """Wait until the node has taken what is logged: what it does not read must not pile up here."""
        runtime = self._runtime
        while True:
            waiter = Waiter()
            with runtime.lock:
                if not runtime.node_connection.stuck:
                    return
                runtime.node_connection.draining.append(waiter)
            runtime.reactor.wait(waiter)

    def stop(self) -> None:
        """See every Result off."""
        while True:
            with self._runtime.lock:
                self.flush()
                if not self._held:
                    return
            self._wait_until_written()
