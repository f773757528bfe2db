"""Runs what callers send to this worker: tasks one at a time, an actor's methods as the actor wants them.

Tasks wait in `queue` in the order in which they came; the main thread takes them. A task that blocks hands back what is
queued behind it (spec 4.5), because what it waits for may be among it. Results are buffered and written when the queue
is empty, when a millisecond has passed, or before a task that must not run twice (EXACT).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bowstring._actor_host import Actor
from bowstring._answers import Answers, drawn
from bowstring._arguments import ArgumentReader
from bowstring._call import Call
from bowstring._functions import FunctionTable
from bowstring._ids import NO_ID, TaskContext, child_prefix, current_context, pack_u32
from bowstring._interruptions import Interruptions
from bowstring._options import NUM_RETURNS_MAX, STREAMING
from bowstring._reactor import Connection, Waiter
from bowstring._streams import pace_of, send_items
from bowstring._transcoding import transcode
from bowstring.actor import TERMINATE, ActorExit, exit_actor
from bowstring.errors import (
    BowstringError,
    FunctionNotFoundError,
    InvalidArgumentError,
    TaskCancelledError,
    TaskTimeoutError,
    make_record,
    record_from_exception,
)
from bowstring_wire import messages as m
from bowstring_wire.hot import single_task
from bowstring_wire.messages import (
    ArgKind,
    ErrorCode,
    FrameType,
    TaskFlag,
    TaskStatus,
)
from bowstring_wire.protocol import SKIPPABLE_TYPE_MIN, FrameParser, ProtocolError, frame

if TYPE_CHECKING:
    from bowstring._checkpoints import LoggedCalls
    from bowstring._runtime import Runtime

_EXACT, _DELIVER, _METHOD_FLAG = int(TaskFlag.EXACT), int(TaskFlag.DELIVER_HOME), int(TaskFlag.METHOD)
_RETIRE = int(TaskFlag.RETIRE)
_OK, _FAILED, _CANCELLED = int(TaskStatus.OK), int(TaskStatus.ERROR), int(TaskStatus.CANCELLED)
_PACKED, _VALUE, _REF = int(ArgKind.PACKED), int(ArgKind.VALUE), int(ArgKind.REF)
_TASK = int(FrameType.TASK)
_NO_OBJECT = bytes(20)

CHILDREN_S = 5.0  # how long a cancelled task waits for its children's end (spec 4.6/2)
FLUSH_S = 0.001  # results are not kept longer than this between tasks


class Executor:
    """See the module's docstring."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        runtime.executor = self
        self.functions = FunctionTable(runtime)
        self.queue: deque[Call] = deque()
        self.calls: dict[bytes, Call] = {}  # queued or running, by task
        self.actor: Actor | None = None
        self.idle: Waiter | None = None
        self._bound = Waiter()
        self._actor_start: tuple[m.ActorStart, bytes] | None = None
        self._revoked_epoch = 0
        self._epoch_running = 0
        self._revocations: list[tuple[int, int]] = []
        self._blocked = 0
        self._blocked_threads: set[int] = set()
        self._side_waits: set[object] = set()  # waits of threads that the running task has started
        reader = ArgumentReader(runtime)
        self.arguments = reader.read
        self.decoding_arguments = reader.decoding
        self._logged: LoggedCalls | None = None
        self.flush: Callable[[], None] = runtime.reactor.flush  # under the lock: write what is buffered for callers
        self.ending = False
        self.answers = Answers(self)
        self.interruptions = Interruptions(self, frozenset((Executor.run_call.__code__, send_items.__code__)))
        runtime.handle(FrameType.WORKER_BIND, self._on_bind)
        runtime.handle(FrameType.LEASE_REVOKE, self._on_revoke)
        runtime.handle(FrameType.ACTOR_START, self._on_actor_start)
        runtime.handle(FrameType.ACTOR_LOG, self._on_actor_log)
        runtime.handle(FrameType.SHUTDOWN, self._on_shutdown)
        runtime.handle(FrameType.TRANSCODE, self._on_transcode)

    def _on_transcode(self, message: m.Transcode, body: bytes) -> None:
        """On a thread of its own: a task may run, and reading the value may wait for the node."""
        arguments = (self.runtime, message, body)
        threading.Thread(target=transcode, args=arguments, name="bowstring-transcode", daemon=True).start()

    # Frames ------------------------------------------------------------------------------------------------------

    def on_caller_frames(self, connection: Connection, frames: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Under the lock: what a caller sent."""
        queue = self.queue
        for kind, metadata, body in frames:
            if kind == _TASK:
                task = single_task(metadata) or m.Task.decode(metadata)
                self._check(connection, task, body)
                call = Call(connection, task, body)
                if self._refuses(task):
                    self._return(call)
                    continue
                self.calls[task.id] = call
                queue.append(call)
            elif kind == FrameType.CANCEL:
                self._on_cancel(connection, m.Cancel.decode(metadata))
            elif kind == FrameType.RECALL:
                self._on_recall(connection, m.Recall.decode(metadata).count)
            elif kind == FrameType.DELIVER:
                wanted = self.calls.get(m.Deliver.decode(metadata).id)
                if wanted is not None and wanted.connection is connection:
                    wanted.task.flags |= _DELIVER
            elif kind == FrameType.CREDITS:
                self._on_credits(connection, m.Credits.decode(metadata))
            elif kind == FrameType.GO_AWAY:
                pass
            elif kind < SKIPPABLE_TYPE_MIN:
                raise ProtocolError(f"frame type {kind} from a caller")
        if queue and self.idle is not None:
            idle, self.idle = self.idle, None
            idle.finish()

    @staticmethod
    def _check(connection: Connection, task: m.Task, body: bytes) -> None:
        if task.id == NO_ID or task.owner != connection.peer:
            raise ProtocolError("a Task needs an id, and its owner must be the caller")
        if task.flags & _METHOD_FLAG:
            if task.actor == NO_ID:
                raise ProtocolError("a call names no actor")
            if task.epoch != connection.incarnation:
                connection.incarnation = task.epoch
            elif task.sequence <= connection.sequence:
                raise ProtocolError(f"a call's sequence is {task.sequence}, behind one with {connection.sequence}")
            connection.sequence = task.sequence
        elif task.function == NO_ID:
            raise ProtocolError("a Task names no function")
        if not -1 <= task.num_returns <= NUM_RETURNS_MAX:
            raise ProtocolError(f"a Task wants {task.num_returns} results; at most {NUM_RETURNS_MAX} are allowed")
        for arg in task.args:
            kind = arg.kind
            if kind == _REF:
                if arg.ref_id == _NO_OBJECT:
                    raise ProtocolError("a Task's argument is a reference to nothing")
            elif (kind != _PACKED and kind != _VALUE) or arg.offset + arg.length > len(body):
                raise ProtocolError(f"a Task's argument is out of its body of {len(body)} bytes: {arg}")

    def _refuses(self, task: m.Task) -> bool:
        """True if the task must be answered with Returned (spec 4.3/1, 4.5, 5.2/3)."""
        if self.ending:
            return True
        if task.flags & _METHOD_FLAG:
            actor = self.actor
            if actor is None:
                return self._actor_start is None
            return actor.id != task.actor or task.epoch != actor.incarnation
        return task.epoch <= self._revoked_epoch or self._blocked > 0

    def _return(self, call: Call) -> None:
        task = call.task
        self.calls.pop(task.id, None)
        if not call.connection.closed:
            call.connection.send(frame(FrameType.RETURNED, m.Returned(task.id, task.attempt).encode()))

    def _return_queued(self, epoch: int | None = None) -> None:
        """Hand back the tasks that are queued: all, or those up to an epoch."""
        kept: deque[Call] = deque()
        while self.queue:
            call = self.queue.popleft()
            if call.task.flags & _METHOD_FLAG or (epoch is not None and call.task.epoch > epoch):
                kept.append(call)
            else:
                self._return(call)
        self.queue.extend(kept)

    def _on_recall(self, connection: Connection, count: int) -> None:
        kept: list[Call] = []
        while self.queue and count:
            call = self.queue.pop()
            if call.connection is connection and not call.task.flags & _METHOD_FLAG:
                self._return(call)
                count -= 1
            else:
                kept.append(call)
        self.queue.extend(reversed(kept))
        connection.flush()

    def on_caller_closed(self, connection: Connection) -> None:
        """Under the lock: what a caller asked for and nobody awaits is not started, unless its home wants it.

        Streams that run are cancelled: only the connection could take what they make.
        """
        for call in list(self.queue):
            if call.connection is connection and not call.task.flags & _DELIVER:
                self.queue.remove(call)
                self.calls.pop(call.task.id, None)
        for call in list(self.calls.values()):
            if call.connection is connection and call.task.num_returns == STREAMING:
                self._cancel(call, False, True)

    def _on_credits(self, connection: Connection, credits: m.Credits) -> None:
        call = self.calls.get(credits.id)
        if call is None or call.connection is not connection:
            return
        if call.task.num_returns == STREAMING and call.task.attempt == credits.attempt:
            pace_of(call).update(credits)

    def _on_bind(self, bind: m.WorkerBind, _body: bytes) -> None:
        self.runtime.job = bind.job
        self.runtime.namespace = bind.namespace
        self.runtime.group, self.runtime.captures = bind.placement_group, bind.capture_children
        if bind.environment_key:
            self.runtime.environments.be_in(bind.environment_key, bind.environment or m.Environment())
        self.runtime.root = TaskContext(pack_u32(bind.job) + os.urandom(8) + bytes(4), 0)
        if bind.visible_gpus != "-":
            os.environ["CUDA_VISIBLE_DEVICES"] = bind.visible_gpus
            self.runtime.gpus = tuple(name for name in bind.visible_gpus.split(",") if name)
        if bind.working_directory:
            try:
                os.chdir(bind.working_directory)
            except OSError as error:
                print(f"the job's working directory can't be entered: {error}", file=sys.stderr)
        if bind.python_path:
            have = set(bind.python_path)
            sys.path[:] = [*bind.python_path, *(entry for entry in sys.path if entry not in have)]
        self._bound.finish()

    def _on_revoke(self, revoke: m.LeaseRevoke, _body: bytes) -> None:
        self._revoked_epoch = max(self._revoked_epoch, revoke.epoch)
        self._return_queued(revoke.epoch)
        if self._epoch_running and self._epoch_running <= revoke.epoch:
            self._revocations.append((revoke.lease, revoke.epoch))
        else:
            self.runtime.log.send()  # a worker whose job is over is ended as soon as it is free
            self.runtime.tell(FrameType.LEASE_REVOKED, m.LeaseRevoked(revoke.lease, revoke.epoch))
            self.runtime.node_connection.flush()

    def _on_actor_start(self, start: m.ActorStart, body: bytes) -> None:
        if start.handle is not None and start.handle.checkpoint_interval:
            from bowstring._checkpoints import LoggedCalls

            self._logged = LoggedCalls(self, start)
        self._actor_start = (start, body)
        self._revoked_epoch = 1 << 32  # an actor runs no tasks: they come back, whatever their epoch (spec 5.2/3)
        self._wake()

    def _on_actor_log(self, message: m.ActorLog, body: bytes) -> None:
        if self._logged is None:
            raise ProtocolError("ActorLog for an actor without checkpoints")
        self._logged.before(message, body)

    def _on_shutdown(self, shutdown: m.Shutdown, _body: bytes) -> None:
        if not shutdown.graceful:
            sys.stdout.flush()
            os._exit(0)
        self.ending = True
        self._wake()

    def on_node_lost(self, _error: BowstringError) -> None:
        """Without its node a worker is nothing."""
        os._exit(1)

    def _wake(self) -> None:
        if self.idle is not None:
            idle, self.idle = self.idle, None
            idle.finish()

    # The main loop -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run calls until the node ends this worker."""
        reactor, lock, queue = self.runtime.reactor, self.runtime.lock, self.queue
        while True:
            if not queue:
                with lock:
                    if not queue and self._actor_start is None:
                        if self.ending:
                            break
                        idle = self.idle = Waiter()
                    else:
                        idle = None
                if idle is not None:
                    try:
                        reactor.wait(idle)
                    except KeyboardInterrupt:
                        continue
            try:
                if self._actor_start is not None and (self.actor is None):
                    self._start_actor(*self._actor_start)
                    if self.actor is not None and self.actor.async_methods is not None and not self.ending:
                        self.actor.async_methods.run()
                    continue
                self._run_queue()
            except KeyboardInterrupt:
                continue  # a cancellation that came too late for its task
        self._finish()

    def _run_queue(self) -> None:
        """Run what is queued, flushing results as their age demands."""
        queue = self.queue
        flushed = time.perf_counter()
        while queue:
            try:
                call = queue.popleft()
            except IndexError:
                return
            now = self._dispatch(call)
            if not queue or now - flushed > FLUSH_S:
                with self.runtime.lock:
                    self.flush()
                flushed = now

    def _dispatch(self, call: Call) -> float:
        actor = self.actor
        if actor is None:
            if call.task.flags & _EXACT:
                with self.runtime.lock:
                    self.runtime.reactor.flush()
            return self.run_call(call, self.queue)
        if actor.dispatch is None:
            return self.run_call(call, self.queue)
        actor.dispatch(call)
        return time.perf_counter()

    def _finish(self) -> None:
        if self.actor is not None:
            self.actor.stop()
        with self.runtime.lock:
            self.runtime.log.send()
            self.runtime.reactor.flush()

    # One call ----------------------------------------------------------------------------------------------------

    def run_call(self, call: Call, behind: deque[Call]) -> float:
        """Run a call in this thread and answer it: at once, if no call is behind it in its queue.

        Returns:
            When it ended, by `time.perf_counter`.
        """
        task = call.task
        start_ns = call.start_ns = time.time_ns()
        started = time.perf_counter()
        token = current_context.set(TaskContext(task.id, task.attempt, task.name, task.actor))
        call.thread = threading.get_ident()
        plain = not task.flags & _METHOD_FLAG
        if plain:
            self._epoch_running = task.epoch
        exiting = False
        try:
            try:
                function = self.target(task)
                args, kwargs = self.arguments(task, call.body)
                self.interruptions.begin(call)
                value = function(*args, **kwargs)
                del args, kwargs
                if task.num_returns != 1:
                    if task.num_returns == STREAMING:
                        send_items(self, call, value)
                        value = None
                    else:
                        value = drawn(task.num_returns, value)
                status = _OK
            finally:
                self.interruptions.end(call)
        except ActorExit:
            status, value, exiting = _OK, None, True
            self.stop_taking_calls()
        except TaskCancelledError as error:
            status, value = (_CANCELLED if call.cancelled else _FAILED), error
        except BaseException as error:
            status, value = _FAILED, error
            if isinstance(error, TaskTimeoutError) and call.interruption is not None:
                value = call.interruption  # a thread that is no main thread gets the bare class
        finally:
            current_context.reset(token)
        if status == _CANCELLED and call.recursive:
            self._await_children(call)
        ended = time.perf_counter()
        self.answers.send(call, status, value, int((ended - started) * 1e9), start_ns, not behind)
        value = None
        if plain:
            if self._side_waits:
                self._end_side_waits()
            self._epoch_running = 0
            if self._revocations:
                self._acknowledge_revocations()
            if task.flags & _RETIRE:
                self.stop_taking_calls()  # the main loop ends
        if exiting:
            self.exit_actor()
        return ended

    def _await_children(self, call: Call) -> None:
        """Wait until the cancelled children of a cancelled call have ended (spec 4.6/2)."""
        prefix = child_prefix(call.task.id, call.task.attempt)
        runtime = self.runtime
        with runtime.lock:
            children = [*runtime.leases.children(prefix), *runtime.actors.children(prefix)]
            refs = [ref for child in children for ref in child.refs]
        del children
        if refs:
            runtime.reader.wait_ready(refs, len(refs), time.monotonic() + CHILDREN_S)

    def end_deaf(self, call: Call, error: BowstringError) -> None:
        """Under the lock: answer for a call whose user code does not heed its limit, and end the process under it."""
        self.runtime.unacknowledged.clear()  # what it keeps ends with it
        self.answers.send(call, _FAILED, error, call.task.timeout_ms * 1_000_000, time.time_ns(), True)
        self._return_queued()
        self.runtime.log.send()
        self.runtime.reactor.flush()
        os._exit(1)

    def waits(self, thread: int) -> bool:
        """Under the lock: whether a thread waits for an object on behalf of its task."""
        return thread in self._blocked_threads

    def _acknowledge_revocations(self) -> None:
        with self.runtime.lock:
            self.runtime.log.send()
            self.runtime.reactor.flush()
            for lease, epoch in self._revocations:
                self.runtime.tell(FrameType.LEASE_REVOKED, m.LeaseRevoked(lease, epoch))
            self._revocations.clear()
            self.runtime.node_connection.flush()

    def target(self, task: m.Task) -> Any:
        """What the task runs: a function, or a method of the actor."""
        if task.flags & _METHOD_FLAG:
            assert self.actor is not None
            if task.concurrency_group and not self.actor.record.concurrency_groups:
                raise InvalidArgumentError(f"{self.actor.name} has no concurrency group {task.concurrency_group!r}")
            function = getattr(self.actor.instance, task.method, None)
            if function is None or not callable(function):
                if task.method == TERMINATE:
                    return exit_actor
                raise FunctionNotFoundError(f"{self.actor.name} has no method {task.method!r}")
            return function
        if not self._bound.done:
            self.runtime.reactor.wait(self._bound)
        found = self.functions.known(task.function)
        return found if found is not None else self.functions.load(task.function)

    def name_of(self, task: m.Task) -> str:
        """What people call this task."""
        if task.name:
            return task.name
        if task.method:
            return f"{self.actor.name}.{task.method}" if self.actor else task.method
        return getattr(self.functions.known(task.function), "__qualname__", "")

    # Blocking ----------------------------------------------------------------------------------------------------

    def begin_block(self) -> object | None:
        """A task is about to wait for an object: free its CPU, hand back what is queued behind it (spec 4.5).

        A thread that the task has started counts as the task, which may be waiting for it, until the task ends.

        Returns:
            What `end_block` takes; None if no task waits.
        """
        runtime = self.runtime
        token = object()
        with runtime.lock:
            if current_context.get() is None:
                if not self._epoch_running:
                    return None
                self._side_waits.add(token)
            self._blocked += 1
            self._blocked_threads.add(threading.get_ident())
            if self._blocked == 1:
                if self.actor is None:
                    self._return_queued()
                runtime.tell(FrameType.BLOCKED, m.Blocked(self._epoch_running))
                runtime.reactor.flush()
        return token

    def end_block(self, token: object) -> None:
        """The task goes on."""
        with self.runtime.lock:
            self._blocked_threads.discard(threading.get_ident())
            if current_context.get() is None:
                if token not in self._side_waits:
                    return
                self._side_waits.discard(token)
            self._blocked -= 1
            if not self._blocked:
                self.runtime.tell(FrameType.UNBLOCKED, m.Unblocked(self._epoch_running))

    def _end_side_waits(self) -> None:
        """The task is over: threads that it leaves behind wait on their own account."""
        with self.runtime.lock:
            self._blocked -= len(self._side_waits)
            if self._side_waits and not self._blocked:
                self.runtime.tell(FrameType.UNBLOCKED, m.Unblocked(self._epoch_running))
            self._side_waits.clear()

    # Cancellation ------------------------------------------------------------------------------------------------

    def _on_cancel(self, connection: Connection, cancel: m.Cancel) -> None:
        """Under the lock: end a call of this caller if it has not ended (spec 4.6)."""
        call = self.calls.get(cancel.id)
        if call is not None and call.connection is connection:
            self._cancel(call, cancel.force, cancel.recursive)

    def _cancel(self, call: Call, force: bool, recursive: bool) -> None:
        """Under the lock: mark a queued call; interrupt a running one in its user code."""
        call.cancelled = True
        call.recursive = recursive
        if recursive:
            prefix = child_prefix(call.task.id, call.task.attempt)
            for child in [*self.runtime.leases.children(prefix), *self.runtime.actors.children(prefix)]:
                child.cancel(force and child.actor == NO_ID, True)
        if force and self.actor is None and call.interruptible:
            os._exit(1)
        when = "while it ran" if call.thread else "before it started"
        self.interruptions.interrupt(call, TaskCancelledError(f"the task was cancelled {when}"))

    # Actors ------------------------------------------------------------------------------------------------------

    def _start_actor(self, start: m.ActorStart, body: bytes) -> None:
        """Run the constructor, and tell the node how it went."""
        ((_kind, metadata, task_body),) = FrameParser(handshake_done=True).feed(body)
        task = m.Task.decode(metadata)
        actor = Actor(start, task.actor)
        runtime = self.runtime
        if not self._bound.done:
            runtime.reactor.wait(self._bound)
        context = TaskContext(task.id, start.incarnation, f"{actor.name}.__init__", actor.id)
        token = current_context.set(context)
        self.actor = actor
        record: m.ErrorRecord | None = None
        try:
            cls = self.functions.load(task.function)
            actor.prepare(self, cls)
            args, kwargs = self.arguments(task, task_body)
            actor.instance = cls(*args, **kwargs)
            del args, kwargs
            if self._logged is not None:
                actor.logged = self._logged
                actor.logged.begin(actor)
        except BaseException as error:
            cause = record_from_exception(error, f"{actor.name}.__init__", task.id)
            message = f"the constructor of {actor.name} failed: {cause.type_name} {cause.message}\n{cause.traceback}"
            record = make_record(ErrorCode.ACTOR_DIED, message, task=task.id, type_name=cause.type_name)
        finally:
            current_context.reset(token)
        if runtime.unacknowledged:
            runtime.hold_kept()
        with runtime.lock:
            self._actor_start = None
            runtime.tell(FrameType.ACTOR_STARTED, m.ActorStarted(actor.id, actor.incarnation, record is None, record))
            runtime.reactor.flush()
            if record is not None:
                self.ending = True

    def stop_taking_calls(self) -> None:
        """Before the last answer leaves: what is queued or comes later is handed back."""
        with self.runtime.lock:
            self.ending = True
            while self.queue:
                self._return(self.queue.popleft())

    def exit_actor(self) -> None:
        """The last answer is on its way: tell the node that the actor asked to end."""
        assert self.actor is not None
        with self.runtime.lock:
            self.runtime.reactor.flush()
            self.runtime.tell(FrameType.ACTOR_EXIT, m.ActorExit(self.actor.id))
            self.runtime.node_connection.flush()
            self._wake()
