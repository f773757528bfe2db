"""Actors of inline mode: instances that live in this process.

Calls run in the caller's thread, one after the other, before `.remote(...)` returns. Where a class says that its calls
overlap they must, or one that waits for another would wait for ever: then they run in threads of this process
(max_concurrency above 1), or, if a method is async, in an event loop on a thread of its own.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bowstring._actor_host import Groups, is_async
from bowstring._ids import TaskContext, current_context
from bowstring._inline_calls import InlinePeer, hand_over_item, java_refusal, task_of
from bowstring._pending_stream import PendingStream
from bowstring.actor import ActorExit
from bowstring.errors import (
    ActorDiedError,
    ActorError,
    ActorNameTakenError,
    ActorNotFoundError,
    ActorUnschedulableError,
    BowstringError,
    FunctionNotFoundError,
    InvalidArgumentError,
    PendingCallsLimitExceeded,
    TaskCancelledError,
    record_from_exception,
)
from bowstring_wire import messages as m
from bowstring_wire.messages import Language

if TYPE_CHECKING:
    from bowstring._inline_runtime import InlineRuntime
    from bowstring._tasks import PendingTask

DEATHS_MAX = 1000  # that are remembered with their reasons
STOP_JOIN_S = 5.0  # how long the end of an actor waits for its threads
TERMINATE = "__bowstring_terminate__"  # spec 5.2/8
OUT_OF_SCOPE = "the last reference to the actor is gone"


class InlineActor:
    """One actor: its instance, and the calls that wait for their arguments."""

    def __init__(self, runtime: InlineRuntime, create: m.ActorCreate, creation: bytes) -> None:
        assert create.handle is not None
        self._runtime = runtime
        self._creation = task_of(creation)
        self.record = create.handle
        self.id = self.record.ref.id[:16]
        self.name = (self.record.class_name or self.record.module).rpartition(".")[2]
        self.registered = (create.namespace or runtime.namespace, create.name) if create.name else None
        self.detached = create.detached
        self.incarnation = 0
        self.restarts_left = create.max_restarts
        self.instance: Any = None
        self.death: BowstringError | None = None
        self._contained = [runtime.known.find(struct.id) for struct in create.contains]
        self._queue: deque[PendingTask] = deque()
        self._overlap: _Threads | _Loop | None = None
        self.in_flight: dict[bytes, PendingTask] = {}

    def start(self) -> None:
        """Run the constructor; if it raises, the actor is dead."""
        message, body = self._creation
        calls = self._runtime.calls
        name = f"{self.name}.__init__"
        try:
            cls = calls.functions.load(message.function)
            if any(is_async(function) for _, function in inspect.getmembers(cls, callable)):
                self._overlap = _Loop(self, Groups(self.record, cls))
            elif self.record.max_concurrency > 1 or self.record.concurrency_groups:
                self._overlap = _Threads(self, Groups(self.record, cls))
            context = TaskContext(message.id, self.incarnation, name, self.id)

            def construct() -> Any:
                token = current_context.set(context)
                try:
                    return calls.call(message, body, cls)
                finally:
                    current_context.reset(token)

            self.instance = construct() if self._overlap is None else self._overlap.construct(construct)
        except Exception as error:
            cause = record_from_exception(error, name, message.id)
            self.die(f"the constructor of {self.name} failed: {cause.type_name} {cause.message}\n{cause.traceback}")
            return
        if self._overlap is not None:
            self._runtime.patrol()

    # Calls -----------------------------------------------------------------------------------------------------------

    def submit(self, task: PendingTask, pending_max: int = -1) -> None:
        """Under the lock: run the call in its turn."""
        pending = len(self._queue) + len(self.in_flight)
        if 0 < pending_max <= pending:
            raise PendingCallsLimitExceeded(
                f"{pending} calls to {self.name} are pending, and max_pending_calls is {pending_max}"
            )
        if self.death is not None:
            task.fail(self.death)
            return
        if task.missing:
            task.on_ready = lambda _task: self._runtime.start_thread(self._pump)
        self._queue.append(task)
        self._runtime.after(self._pump)

    def _pump(self) -> None:
        """Start the calls that are ready, in the order in which they were made."""
        while True:
            with self._runtime.lock:
                if not self._queue or self._queue[0].missing:
                    return
                task = self._queue.popleft()
                if self.death is not None:
                    task.fail(self.death)
                    continue
                task.peer = InlinePeer(functools.partial(self._try_again, task))
            prepared = self._runtime.calls.prepare(task)
            if prepared is None:
                continue
            if self._overlap is None:
                self.run(task, *prepared)
            else:
                with self._runtime.lock:
                    self.in_flight[task.id] = task
                try:
                    self._overlap.start(task, *prepared)
                except InvalidArgumentError as error:
                    self.in_flight.pop(task.id, None)
                    self._runtime.calls.fail(task, self.label(prepared[0]), error)

    def _try_again(self, task: PendingTask) -> None:
        with self._runtime.lock:
            self.submit(task)

    def label(self, message: m.Task) -> str:
        """What people call the call."""
        return message.name or f"{self.name}.{message.method}"

    def target(self, message: m.Task) -> Callable[..., Any]:
        """The method of a call."""
        if message.method == TERMINATE:
            return _terminate
        function = getattr(self.instance, message.method, None)
        if function is None or not callable(function):
            raise FunctionNotFoundError(f"{self.name} has no method {message.method!r}")
        found: Callable[..., Any] = function
        return found

    def run(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        """Run a call in this thread."""
        calls = self._runtime.calls
        if calls.run(task, message, self.label(message), lambda: calls.call(message, body, self.target(message))):
            self.die("the actor exited by itself")

    # Life ------------------------------------------------------------------------------------------------------------

    def kill(self, no_restart: bool) -> None:
        """End the actor, or start it anew."""
        if self.death is not None:
            return
        if no_restart or not self.restarts_left:
            self.die("the actor was killed")
            return
        self.restarts_left -= self.restarts_left > 0
        self.incarnation += 1
        # Nothing runs now: what a checkpoint and the log behind it would come to is what the instance is.
        saved = self._runtime.writer.put(self.instance.save_checkpoint()) if self.record.checkpoint_interval else None
        self._stop_overlap()
        self.start()
        if saved is not None and self.death is None:
            self.instance.restore_checkpoint(self._runtime.reader.get_one(saved))

    def die(self, reason: str) -> None:
        """The actor is dead for good."""
        runtime = self._runtime
        with runtime.lock:
            if self.death is not None:
                return
            self.death = ActorDiedError(reason)
            self.instance = None
            self._contained = []
            runtime.inline_actors.forget(self)
            waiting = [*self._queue, *self.in_flight.values()]
            self._queue.clear()
            self.in_flight.clear()
            for task in waiting:
                if not task.done:
                    task.fail(self.death)
        self._stop_overlap()

    def _stop_overlap(self) -> None:
        overlap, self._overlap = self._overlap, None
        if overlap is not None:
            overlap.stop()


def _terminate() -> None:
    raise ActorExit


class _Threads:
    """Calls that overlap in threads."""

    def __init__(self, actor: InlineActor, groups: Groups) -> None:
        self._actor = actor
        self._groups = groups
        self._pools = {
            name: concurrent.futures.ThreadPoolExecutor(size, f"bowstring-{name or 'method'}")
            for name, size in groups.sizes.items()
        }

    def construct(self, work: Callable[[], Any]) -> Any:
        """Run the constructor."""
        return work()

    def start(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        self._pools[self._groups.of(message)].submit(self._run, task, message, body)

    def _run(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        try:
            if not task.done:
                self._actor.run(task, message, body)
        finally:
            with self._actor._runtime.lock:
                self._actor.in_flight.pop(task.id, None)

    def stop(self) -> None:
        # A thread that runs on after its actor's end has nobody left to tell.
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


class _Loop:
    """Calls that overlap in an event loop."""

    def __init__(self, actor: InlineActor, groups: Groups) -> None:
        self._actor = actor
        self._runtime = actor._runtime
        self._groups = groups
        self._loop = asyncio.new_event_loop()
        self._semaphores = {name: asyncio.Semaphore(size) for name, size in groups.sizes.items()}
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run_loop, name="bowstring-asyncio", daemon=True)
        self._thread.start()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def construct(self, work: Callable[[], Any]) -> Any:
        """Run the constructor in the loop's thread, where it finds the loop."""
        made: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def construct() -> None:
            try:
                made.set_result(work())
            except BaseException as error:
                made.set_exception(error)

        self._loop.call_soon_threadsafe(construct)
        return made.result()

    def start(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        self._loop.call_soon_threadsafe(self._start, task, message, body)

    def _start(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        with self._runtime.lock:
            if task.cancelled or task.done:
                self._actor.in_flight.pop(task.id, None)
                if not task.done:
                    task.fail(TaskCancelledError(f"{self._actor.label(message)} was cancelled before it started"))
                return
            running = self._loop.create_task(self._run(task, message, body))
            task.peer = InlinePeer(task.peer._again, lambda: self._loop.call_soon_threadsafe(running.cancel))
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)

    async def _run(self, task: PendingTask, message: m.Task, body: bytes) -> None:
        actor, calls = self._actor, self._runtime.calls
        name = actor.label(message)
        exiting = False
        try:
            async with self._semaphores[self._groups.of(message)]:
                current_context.set(TaskContext(message.id, message.attempt, name, message.actor))
                value = calls.call(message, body, actor.target(message))
                if inspect.iscoroutine(value):
                    value = await value
                if isinstance(task, PendingStream):
                    await self._send_items(task, name, value)
                else:
                    calls.finish(task, message, name, value)
        except ActorExit:
            exiting = True
            calls.finish(task, message, name, None)
        except asyncio.CancelledError:
            calls.fail(task, name, TaskCancelledError("the call was cancelled while it ran"))
        except BaseException as error:
            calls.fail(task, name, error)
        finally:
            with self._runtime.lock:
                actor.in_flight.pop(task.id, None)
        if exiting:
            actor.die("the actor exited by itself")

    async def _send_items(self, task: PendingStream, name: str, made: Any) -> None:
        stream = _LoopStream(self._runtime, task, asyncio.current_task())
        if hasattr(made, "__anext__"):
            async for item in made:
                await stream.hand_over(item)
        elif hasattr(made, "__next__"):
            for item in made:
                await stream.hand_over(item)
        else:
            raise InvalidArgumentError(
                f'{name} has num_returns="streaming" and must yield, or return an iterator; '
                f"it returned {type(made).__name__}"
            )
        with self._runtime.lock:
            if not task.done:
                task.finish(m.Result(task.id, task.attempt), b"")

    def stop(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel_all)
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_JOIN_S)

    def _cancel_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        # One turn for them to see it.
        self._loop.call_soon(lambda: self._loop.call_soon(self._loop.stop))


class _LoopStream(InlinePeer):
    """Hands the items of an async generator over, as fast as the reader lets it."""

    def __init__(self, runtime: InlineRuntime, task: PendingStream, running: Any) -> None:
        super().__init__(task.peer._again)
        self._runtime = runtime
        self._task = task
        self._running = running
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()
        self._limit = task.limit
        self._first = task.received  # an earlier attempt made those before
        self._index = 0
        task.peer = self

    def on_credits(self, limit: int) -> None:
        self._limit = limit
        self._loop.call_soon_threadsafe(self._more.set)

    def on_cancel(self) -> None:
        self._loop.call_soon_threadsafe(self._running.cancel)

    async def hand_over(self, item: Any) -> None:
        if self._index >= self._first:
            hand_over_item(self._runtime, self._task, item)
        self._index += 1
        while 0 <= self._limit <= self._index:
            self._more.clear()
            await self._more.wait()
        await asyncio.sleep(0)


class InlineActors:
    """The actors of this process, by id and by name."""

    def __init__(self, runtime: InlineRuntime) -> None:
        self._runtime = runtime
        self._by_id: dict[bytes, InlineActor] = {}
        self._by_name: dict[tuple[str, str], InlineActor] = {}
        self._dead: OrderedDict[bytes, InlineActor] = OrderedDict()

    def create(self, message: m.ActorCreate, body: bytes) -> InlineActor | m.ActorHandle:
        """Make an actor, or give the record of who has its name already."""
        assert message.handle is not None
        runtime = self._runtime
        if message.handle.language != Language.PYTHON:
            raise java_refusal()
        asked = {entry.name: entry.units for entry in message.resources}
        for entry in message.placement_resources:
            asked[entry.name] = max(asked.get(entry.name, 0), entry.units)
        reason = runtime.never_fits(tuple(asked.items()))
        with runtime.lock:
            key = (message.namespace or runtime.namespace, message.name)
            holder = self._by_name.get(key) if message.name else None
            if holder is not None:
                if message.get_if_exists:
                    return holder.record
                raise ActorNameTakenError(
                    f"an actor named {key[1]!r} is in namespace {key[0]!r} already:"
                    " choose another name, use get_if_exists, or kill it first"
                )
            actor = InlineActor(runtime, message, body)
            self._by_id[actor.id] = actor
            if message.name:
                self._by_name[key] = actor
        if reason:
            actor.die(reason)
            actor.death = ActorUnschedulableError(reason)
        else:
            actor.start()
        return actor

    def find(self, name: str, namespace: str) -> m.ActorHandle:
        """The record of a named actor."""
        with self._runtime.lock:
            actor = self._by_name.get((namespace, name))
        if actor is None:
            raise ActorNotFoundError(f"no actor named {name!r} is in namespace {namespace!r}")
        return actor.record

    def get(self, actor_id: bytes) -> InlineActor | None:
        """A living actor."""
        return self._by_id.get(actor_id)

    def client(self, actor_id: bytes, _record: Any) -> InlineActor | _Gone:
        """Under the lock: who takes calls of the actor."""
        return self._by_id.get(actor_id) or self._dead.get(actor_id) or _Gone()

    def forget(self, actor: InlineActor) -> None:
        """Under the lock: the actor is dead."""
        self._by_id.pop(actor.id, None)
        if actor.registered is not None and self._by_name.get(actor.registered) is actor:
            del self._by_name[actor.registered]
        self._dead[actor.id] = actor
        if len(self._dead) > DEATHS_MAX:
            self._dead.popitem(last=False)

    def handle_gone(self, actor_id: bytes) -> None:
        """Under the lock: no handle of the actor is left."""
        actor = self._by_id.get(actor_id)
        if actor is not None and not actor.detached:
            self._runtime.after(lambda: actor.die(OUT_OF_SCOPE))

    def rows(self) -> list[dict[str, Any]]:
        """The actors for a state query."""
        with self._runtime.lock:
            return [
                {
                    "actor": actor.id.hex(),
                    "class": actor.record.class_name,
                    "name": actor.registered[1] if actor.registered else "",
                    "namespace": actor.registered[0] if actor.registered else self._runtime.namespace,
                    "life": "ALIVE",
                    "incarnation": actor.incarnation,
                    "restarts_left": actor.restarts_left,
                    "pid": self._runtime.node_pid,
                }
                for actor in self._by_id.values()
            ]

    def cancel_children(self, _prefix: bytes) -> None:
        """Calls are over when they are made, but for those that overlap; their children end with them."""

    def end_all(self, error: ActorError | BowstringError) -> None:
        """The runtime ends."""
        for actor in list(self._by_id.values()):
            actor.die(str(error))


class _Gone:
    """Takes the calls of an actor that was forgotten long ago."""

    def submit(self, task: PendingTask, _pending_max: int = -1) -> None:
        task.fail(ActorDiedError("the actor has ended"))
