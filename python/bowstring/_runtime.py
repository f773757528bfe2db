"""One process's part of the runtime: its node connection, its objects, its requests.

Objects (spec chapters 3 and 6). A value stays where it was made: results and puts that are small live in `_payload` of
their ObjectRef. Only when a reference *escapes* does its home learn of it. An object that lives at its home (in the
store, or borrowed) is read with ObjectGet.

Locking: `lock` (the reactor's) guards everything that frames change. It is never held while user code runs or while
this process waits for another.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any

from bowstring import _call_sites, object_ref
from bowstring._actor_calls import ActorClients
from bowstring._environments import Environments
from bowstring._handshake import connect, read_token
from bowstring._ids import TaskContext, current_context, random_u64, root_context
from bowstring._leases import LeasePools
from bowstring._object_reader import ObjectReader
from bowstring._object_writer import ObjectWriter
from bowstring._peers import Peers
from bowstring._placing import NO_GROUP
from bowstring._reactor import Connection, Reactor, Waiter
from bowstring._store import StoreClient
from bowstring._task_log import SPAN_S_MIN, TaskLog
from bowstring._values import STORED_LAYOUT, Payload
from bowstring.errors import (
    BowstringError,
    NodeDiedError,
    RuntimeStoppedError,
    WireError,
    exception_from_record,
    make_record,
    record_from_exception,
)
from bowstring.object_ref import BORROWED, HELD, PUBLISHED, UNREPORTED, KnownRefs, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import (
    ErrorCode,
    FrameType,
    Role,
    ValueState,
)
from bowstring_wire.messages import (
    ObjectRef as RefStruct,
)
from bowstring_wire.protocol import ProtocolError, frame

if TYPE_CHECKING:
    pass

REF_CHANGES_MAX = 4096  # in one RefUpdate frame
_ERROR, _COMPACT = int(m.Encoding.ERROR), int(m.Layout.COMPACT)
_GET = int(m.SpanKind.GET)

_FORKED = (
    "this process was forked from one that uses Bowstring; the runtime can't be used here. "
    "Start the process anew (multiprocessing: the 'spawn' method), or call bowstring.init() in it"
)

_runtime: Runtime | None = None
_forked = False


def current_runtime() -> Runtime:
    """The runtime of this process.

    Raises:
        RuntimeStoppedError: there is none.
    """
    if _runtime is None:
        if _forked:
            raise RuntimeStoppedError(_FORKED)
        raise RuntimeStoppedError("Bowstring is not running in this process; call bowstring.init() first")
    return _runtime


def current_runtime_or_none() -> Runtime | None:
    return _runtime


def set_runtime(runtime: Runtime | None) -> None:
    global _runtime
    _runtime = runtime
    object_ref.set_borrower(None if runtime is None else runtime.borrow)


def _after_fork() -> None:
    """The child keeps none of our sockets (spec 1.1/4: the peers would think that we live)."""
    global _runtime, _forked
    runtime, _runtime = _runtime, None
    object_ref.set_borrower(None)
    if runtime is not None:
        _forked = True
        runtime.forget(RuntimeStoppedError(_FORKED))


os.register_at_fork(after_in_child=_after_fork)


class Inside(threading.local):
    """What the thread is reading: the handle on the object that holds what is found inside; None: nothing does."""

    outer: Any = None


class Runtime:
    """See the module's docstring. Made by `init` in drivers and by the worker's main."""

    group = NO_GROUP  # the placement group whose resources this worker uses
    captures = False  # what its tasks submit goes there too
    gpus: tuple[str, ...] = ()  # names of those that this worker may use

    def __init__(self, session: str, role: Role, **hello: Any) -> None:
        self.session = session
        self.role = role
        self.token = read_token(session)
        self.process = random_u64()
        sock, welcome, parser = connect(
            os.path.join(session, "node.sock"), self.token, role=role, pid=os.getpid(), process=self.process, **hello
        )
        self.node = welcome.node
        self.node_pid = welcome.pid
        self.job = welcome.job
        self.namespace = welcome.namespace
        self.inline_bytes_max = welcome.inline_bytes_max
        self.stopped: BowstringError | None = None
        self._goodbye: Waiter | None = None
        self.reactor = Reactor(self._broken_peer, self._drain_dropped)
        self.lock = self.reactor.lock
        self.slab_lock = threading.RLock()
        self.known = KnownRefs()
        self.unacknowledged: list[weakref.ref[ObjectRef[Any]]] = []  # what a worker's calls have borrowed so far
        self.inside = Inside()
        self._keeping = threading.Lock()
        self.noted: list[ObjectRef[Any]] | None = None  # what is borrowed while arguments are read that will be logged
        self.dropped_streams: deque[Any] = deque()  # whose generators nobody has any more
        self.executor: Any = None  # in workers: the Executor
        self.waits: dict[int, tuple[bytes, Collection[ObjectRef[Any]]]] = {}  # by thread: task, and what it waits for
        self.call_sites: dict[bytes, str] = {}  # by object, if they are recorded
        self.on_log: Callable[[m.LogLines], None] | None = None
        self.on_progress: Callable[[m.Progress], None] | None = None
        self.log = TaskLog(self)
        self.store = StoreClient(self)
        self.writer = ObjectWriter(self)
        self.reader = ObjectReader(self)
        if _call_sites.wanted():
            _call_sites.record(self)
        self.peers = Peers(self)
        self.leases = LeasePools(self)
        self.actors = ActorClients(self)
        self.environments = Environments(self)
        self.root = root_context(self.job)
        self._requests: dict[int, Callable[[Any, bytes, BowstringError | None], None]] = {}
        self._next_request = itertools.count(1).__next__
        self._exported: set[bytes] = set()
        self._handlers: dict[int, Callable[[Any, bytes], None]] = {
            FrameType.ACK: self._on_answer,
            FrameType.FAILURE: self._on_failure,
            FrameType.OBJECT_VALUE: self._on_answer,
            FrameType.EXTENT_GRANT: self._on_answer,
            FrameType.FUNCTION: self._on_answer,
            FrameType.ACTOR_INFO: self._on_answer,
            FrameType.STATE_REPLY: self._on_answer,
            FrameType.ENVIRONMENT_MADE: self._on_answer,
            FrameType.PLACEMENT_INFO: self._on_answer,
            FrameType.LEASE_GRANT: self.leases.on_grant,
            FrameType.LEASE_RECALL: self.leases.on_recall,
            FrameType.LEASE_ENDED: self.peers.on_ended,
            FrameType.ACTOR_STATE: self.actors.on_state,
            FrameType.SEGMENT_DROPPED: lambda message, _body: self.store.segment_dropped(message.segment),
            FrameType.SLAB_RECALL: lambda _message, _body: self._on_memory_short(),
            FrameType.LOG_LINES: self._on_log_lines,
            FrameType.INSPECT: self._on_inspect,
            FrameType.PROGRESS: self._on_progress,
            FrameType.GO_AWAY: self._on_go_away,
        }
        self.node_connection = Connection(
            self.reactor, sock, self._on_node_frames, self._on_node_closed, "the node", parser
        )
        self.node_pidfd = os.pidfd_open(self.node_pid)
        self.reactor.watch(self.node_pidfd, lambda _events: self._on_node_ended())

    def start(self) -> None:
        """Process what came with the handshake, and let the background thread read from now on."""
        with self.lock:
            self._on_node_frames(self.node_connection, self.node_connection.parser.feed(b""))
        self.reactor.start_background()

    def handle(self, kind: FrameType, handler: Callable[[Any, bytes], None]) -> None:
        """Register the handler of a frame type from the node; workers have more of them than drivers."""
        self._handlers[kind] = handler

    # The node's frames -------------------------------------------------------------------------------------------

    def _on_node_frames(self, _connection: Connection, frames: Iterable[tuple[int, bytes, bytes]]) -> None:
        for kind, metadata, body in frames:
            handler = self._handlers.get(kind)
            if handler is None:
                if kind < 0x8000:
                    raise ProtocolError(f"frame type {kind} from the node, which this process has no use for")
                continue
            handler(m.FRAME_TYPES[kind].decode(metadata), body)

    def _on_answer(self, message: Any, body: bytes) -> None:
        action = self._requests.pop(message.request, None)
        if action is not None:
            action(message, body, None)
        else:
            self.give_back(message)

    def give_back(self, message: Any) -> None:
        """Under the lock: nobody waits for this answer any more."""
        if isinstance(message, m.ObjectValue) and message.pin:
            self.tell(FrameType.OBJECT_UNPIN, m.ObjectUnpin((message.pin,)))
        elif isinstance(message, m.ExtentGrant):
            self.tell(FrameType.EXTENT_RETURN, m.ExtentReturn(message.extent))

    def _on_failure(self, message: m.Failure, body: bytes) -> None:
        action = self._requests.pop(message.request, None)
        if action is not None:
            action(None, body, exception_from_record(message.error or m.ErrorRecord()))

    def _on_log_lines(self, message: m.LogLines, _body: bytes) -> None:
        if self.on_log is not None:
            on_log = self.on_log
            self.reactor.call_out(lambda: on_log(message))

    def _on_progress(self, message: m.Progress, _body: bytes) -> None:
        if self.on_progress is not None:
            on_progress = self.on_progress
            self.reactor.call_out(lambda: on_progress(message))

    def _on_inspect(self, message: m.Inspect, _body: bytes) -> None:
        from bowstring._inspection import answer

        answer(self, message)

    def _on_go_away(self, message: m.GoAway, _body: bytes) -> None:
        self.stop(exception_from_record(message.error or m.ErrorRecord()))

    def _on_node_closed(self, _connection: Connection) -> None:
        if self.stopped is None:
            # The socket alone is not the node's end, but without it this process can't go on.
            self.stop(NodeDiedError(f"the connection to the node (pid {self.node_pid}) is closed"))

    def _on_node_ended(self) -> None:
        self.reactor.unwatch(self.node_pidfd)
        self.node_connection.drain()
        if self.stopped is None:
            self.stop(NodeDiedError(f"the node's process (pid {self.node_pid}) has ended"))

    def _broken_peer(self, connection: Connection, error: ProtocolError) -> None:
        """A peer broke the spec: tell it, cut it off (spec 1.5/1)."""
        record = make_record(ErrorCode.PROTOCOL, str(error))
        connection.send_now(frame(FrameType.GO_AWAY, m.GoAway(record).encode()))
        connection.broken = error
        connection.close()
        if connection is self.node_connection and self.stopped is None:
            self.stop(WireError(f"the node sent what is no frame: {error}"))

    def stop(self, error: BowstringError) -> None:
        """Under the lock: fail everything that waits, now and from now on."""
        if self.stopped is not None:
            return
        self.stopped = error
        requests, self._requests = self._requests, {}
        for action in requests.values():
            action(None, b"", error)
        self.leases.fail_all(error)
        self.actors.fail_all(error)
        self.node_connection.close()
        if self._goodbye is not None:
            self._goodbye.finish()
        if self.executor is not None:
            self.executor.on_node_lost(error)

    def end_node(self, reason: str, timeout_s: float) -> None:
        """Ask the node to end; returns when it says goodbye, which is after the last output of its workers."""
        with self.lock:
            waiter = self._goodbye = Waiter()
            self.tell(FrameType.SHUTDOWN, m.Shutdown(True, reason))
            self.node_connection.flush()
        self.reactor.wait(waiter, monotonic() + timeout_s)

    def close(self) -> None:
        """End this process's part of the runtime."""
        with self.lock:
            self.log.send()
            self.node_connection.flush()
            self.stop(RuntimeStoppedError("Bowstring was shut down in this process"))
            self.peers.close()
            self.reactor.unwatch(self.node_pidfd)
        self.reactor.close()
        self.store.close()
        os.close(self.node_pidfd)

    def forget(self, error: BowstringError) -> None:
        """In a forked child: close our copies without a word to the peers; whoever still uses this gets `error`."""
        self.stopped = error
        locks: tuple[Any, ...] = (self.slab_lock, self._keeping)
        for lock in locks:
            lock._at_fork_reinit()  # another thread may have held it, and is not here
        self.reactor.forget(error)

    # Requests ----------------------------------------------------------------------------------------------------

    def tell(self, kind: FrameType, message: Message, body: bytes = b"") -> None:
        """Buffer a frame for the node."""
        data = frame(kind, message.encode(), body)
        with self.lock:
            if not self.node_connection.closed:
                self.node_connection.send(data)

    def ask(
        self,
        kind: FrameType,
        make: Callable[[int], Message],
        action: Callable[[Any, bytes, BowstringError | None], None],
        body: bytes = b"",
    ) -> int:
        """Under the lock: send a request; `action(message, body, error)` runs under the lock when it is answered."""
        if self.stopped is not None:
            action(None, b"", self.stopped)
            return 0
        number = self._next_request()
        self._requests[number] = action
        self.node_connection.send(frame(kind, make(number).encode(), body))
        return number

    def forget_request(self, number: int) -> None:
        """Under the lock: no answer is awaited any more."""
        self._requests.pop(number, None)

    def request(self, kind: FrameType, make: Callable[[int], Message], body: bytes = b"") -> Any:
        """Send a request and wait for its answer; returns the answer's message.

        Raises:
            BowstringError: the node refused, or has ended.
        """
        return self.request_with_body(kind, make, body)[0]

    def request_with_body(
        self, kind: FrameType, make: Callable[[int], Message], body: bytes = b""
    ) -> tuple[Any, bytes]:
        """As `request`, with the answer's body."""
        waiter = Waiter()

        def answered(message: Any, answer_body: bytes, error: BowstringError | None) -> None:
            waiter.value = (message, answer_body)
            waiter.error = error
            waiter.finish()

        with self.lock:
            self._drain_dropped()
            number = self.ask(kind, make, answered, body)
        try:
            self.reactor.wait(waiter)
        except BaseException:
            with self.lock:
                self._requests.pop(number, None)
                if waiter.value is not None:
                    self.give_back(waiter.value[0])
            raise
        if waiter.error is not None:
            raise waiter.error
        answer: tuple[Any, bytes] = waiter.value
        return answer

    # References --------------------------------------------------------------------------------------------------

    def context(self) -> TaskContext:
        """The task that the calling code belongs to."""
        return current_context.get() or self.root

    def _on_memory_short(self) -> None:
        """Under the lock: give back what is of use to nobody here now."""
        self.reader.give_up_unread()
        self.store.recall_slabs()
        self._drain_dropped()
        self.node_connection.flush()

    def _drain_dropped(self) -> None:
        """Under the lock: tell the node which references, pins and extents have gone since the last time."""
        changes = self.known.changes()
        if changes and not self.node_connection.closed:
            for start in range(0, len(changes), REF_CHANGES_MAX):
                # Plain tuples pack as RefChange does.
                update = m.RefUpdate(changes[start : start + REF_CHANGES_MAX])  # type: ignore[arg-type]
                self.node_connection.send(frame(FrameType.REF_UPDATE, update.encode()))
        while self.dropped_streams:
            self.dropped_streams.popleft().close()
        if self.store.released:
            pins, extents = self.store.drain_released()
            for number in extents:
                self.tell(FrameType.EXTENT_RETURN, m.ExtentReturn(number))
            if pins:
                self.tell(FrameType.OBJECT_UNPIN, m.ObjectUnpin(tuple(pins)))

    def borrow(self, object_id: bytes, owner: int, home: int) -> ObjectRef[Any]:
        """The ObjectRef for a reference that came inside a value."""
        with self.lock:
            ref = self.known.find(object_id)
            if ref is not None:
                if self.noted is not None:
                    self.noted.append(ref)
                return ref
            outer = self.inside.outer
            if outer is not None and outer.release is not None:
                ref = ObjectRef(self, object_id, owner, home, BORROWED)
                self.known.contain(ref, outer)
                return ref
            in_arguments = self.executor is not None and self.executor.decoding_arguments()
            ref = ObjectRef(self, object_id, owner, home, BORROWED | (UNREPORTED if in_arguments else HELD))
            if in_arguments:
                self.known.note(ref)
            else:
                self.known.take(ref)
            if self.executor is not None:
                self.unacknowledged.append(weakref.ref(ref))
            if self.noted is not None:
                self.noted.append(ref)
            return ref

    def hold_kept(self) -> tuple[RefStruct, ...]:
        """At a task's end in a worker: hold what was kept of its references, acknowledged (spec 6.3/2).

        Calls of one actor may end at once: until the home has acknowledged, they stay in `unacknowledged`, so that no
        other call of theirs is answered before.
        """
        with self._keeping:
            with self.lock:
                borrowed = list(self.unacknowledged)
            kept = [ref for ref in (weak() for weak in borrowed) if ref is not None]
            structs = tuple(self.struct(ref) for ref in kept)
            if kept:
                self.request(FrameType.REF_HOLD, lambda request: m.RefHold(request, structs))
            with self.lock:
                del self.unacknowledged[: len(borrowed)]
                for ref in kept:
                    ref._flags = (ref._flags & ~UNREPORTED) | HELD
                    self.known.note(ref)
        return structs

    @staticmethod
    def struct(ref: ObjectRef[Any]) -> RefStruct:
        """The reference as it travels."""
        return RefStruct(ref._id, 0, ref._owner, ref._home)

    def escape(self, refs: Iterable[ObjectRef[Any]]) -> None:
        """Before a frame that carries these references is written: tell their home (spec 6.2/1)."""
        with self.lock:
            for ref in refs:
                if ref._flags & (PUBLISHED | BORROWED):
                    continue
                ref._flags |= PUBLISHED | HELD
                self.known.note(ref)
                payload = ref._payload
                if payload is None:
                    publish = m.ObjectPublish(self.struct(ref), ValueState.PENDING)
                    self.node_connection.send(frame(FrameType.OBJECT_PUBLISH, publish.encode()))
                    if ref._task is not None:
                        ref._task.deliver_home()
                elif payload.layout != STORED_LAYOUT:
                    self._publish(ref, payload)
            self.node_connection.flush()

    def _publish(self, ref: ObjectRef[Any], payload: Payload) -> None:
        self.publish_struct(self.struct(ref), payload)

    def publish_struct(self, ref: RefStruct, payload: Payload) -> None:
        """Under the lock: give the home an inline value."""
        publish = m.ObjectPublish(
            ref,
            ValueState.INLINE,
            payload.encoding,
            payload.layout,
            len(payload.data),
            tuple(self.struct(inner) for inner in payload.contains),
        )
        if not self.node_connection.closed:
            self.node_connection.send(frame(FrameType.OBJECT_PUBLISH, publish.encode(), bytes(payload.data)))

    def complete(self, ref: ObjectRef[Any], payload: Payload, delivered: bool = False) -> None:
        """Under the lock: the object is ready. `delivered`: its home has been told by the worker."""
        if ref._payload is not None:
            return
        ref._payload = payload
        ref._task = None
        flags = ref._flags
        if flags & PUBLISHED and not delivered and payload.layout != STORED_LAYOUT and not flags & BORROWED:
            self._publish(ref, payload)
        waiters = ref._waiters
        if waiters is not None:
            ref._waiters = None
            for waiter in waiters:
                waiter.ready(ref)

    def fail(self, ref: ObjectRef[Any], error: BaseException) -> None:
        """Under the lock: the object is an error."""
        self.complete(ref, self.error_payload(error))

    @staticmethod
    def error_payload(error: BaseException) -> Payload:
        return Payload(_ERROR, _COMPACT, record_from_exception(error).encode())

    # Waiting ---------------------------------------------------------------------------------------

    def block(
        self, waiter: Waiter, deadline: float | None = None, refs: Collection[ObjectRef[Any]] = (), kind: int = _GET
    ) -> bool:
        """Wait; in a task of a worker, let others have its CPU meanwhile (spec 4.5).

        `refs` and `kind` say what for, to those who ask why, and to the log.
        """
        started = perf_counter()
        executor = self.executor
        token = None if executor is None else executor.begin_block()
        if token is not None:
            thread = threading.get_ident()
            self.waits[thread] = (self.context().id, refs)
            try:
                done = self.reactor.wait(waiter, deadline)
            finally:
                self.waits.pop(thread, None)
                executor.end_block(token)
        else:
            done = self.reactor.wait(waiter, deadline)
        if perf_counter() - started >= SPAN_S_MIN:
            self.log.span(kind, started, 0, len(refs))
        return done

    # Functions ---------------------------------------------------------------------------------------------------

    def export_function(
        self, key: bytes, language: int, module: str, name: str, signature: str, blob: bytes, contains: Sequence[Any]
    ) -> None:
        """Before the first use of `key`: tell the node what it stands for (spec 4.1/1)."""
        if key in self._exported:
            return
        self.escape(contains)
        put = m.FunctionPut(
            key, language, module, name, signature, len(blob), tuple(self.struct(ref) for ref in contains)
        )
        with self.lock:
            self.tell(FrameType.FUNCTION_PUT, put, blob)
            self.node_connection.flush()
            self._exported.add(key)
