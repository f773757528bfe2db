"""Inline mode: a runtime without a node, in which every call runs in this process.

`init(inline=True)` puts an InlineRuntime where the Runtime of a session would be; remote functions, actors' handles and
references do not notice. It shares with Runtime what concerns references and values, and answers by itself what would
go to the node or to a worker:

- tasks (`_inline_calls`) and actors' methods (`_inline_actors`) run when they are submitted, in the caller's thread, so
  that a debugger's breakpoint is hit and a stack shows who called;
- every value is in its ObjectRef, written as it would be for another process;
- a request that only a node can answer is refused, by name.

What needs processes is not here: crashes and their retries, time limits, forced cancellation, environments, Java. A
call that waits for what only a later one does waits for ever.
"""

from __future__ import annotations

import itertools
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import Any

from bowstring import _options
from bowstring._ids import current_context, random_u64, root_context
from bowstring._inline_actors import InlineActor, InlineActors
from bowstring._inline_calls import InlineCalls, InlinePools, units_text
from bowstring._inline_reactor import InlineReactor
from bowstring._object_reader import ObjectReader
from bowstring._object_writer import ObjectWriter
from bowstring._reactor import Waiter
from bowstring._runtime import Runtime
from bowstring._values import Payload
from bowstring.errors import BowstringError, ObjectLostError, RuntimeStoppedError
from bowstring.object_ref import BORROWED, KnownRefs, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Role, StateKind

PATROL_S = 0.2  # as often as an idle process of a session looks which references have gone
JOIN_S = 5.0  # how long the end waits for a call that runs in a thread
JOB = 1


class InlineRuntime(Runtime):
    """See the module's docstring. Made by `init(inline=True)`."""

    def __init__(self, totals: Mapping[str, float], namespace: str) -> None:
        # Runtime's own constructor connects to a node; what it makes besides is made here.
        reactor: Any = InlineReactor(self._drain_dropped)
        self.reactor = reactor
        self.lock = reactor.lock
        self.after = reactor.lock.after  # runs what it is given once this thread has released the lock
        self.session = "inline"
        self.role = Role.DRIVER
        self.process = random_u64()
        self.node = random_u64()
        self.node_pid = os.getpid()
        self.job = JOB
        self.namespace = namespace or f"inline-{self.process:016x}"
        self.inline_bytes_max = 1 << 62
        self.stopped = None
        self.on_log = None
        self.on_progress = None
        self.call_sites = {}
        self.waits = {}
        self.slab_lock = threading.RLock()
        self.known = KnownRefs()
        self.unacknowledged = []
        self.dropped_streams = deque()
        self.executor = _Here(self)
        self.root = root_context(JOB)
        environments: Any = _OneEnvironment()
        self.environments = environments
        nothing: Any = _Nothing()
        self.log = nothing
        store: Any = InlineStore()
        self.store = store
        self.writer = InlineWriter(self)
        self.reader = ObjectReader(self)
        leases: Any = InlinePools(self)
        self.leases = leases
        self.inline_actors = InlineActors(self)
        actors: Any = self.inline_actors
        self.actors = actors
        self.calls = InlineCalls(self)
        self._totals = {name: round(amount * _options.UNITS) for name, amount in totals.items()}
        self._functions: dict[bytes, m.Function] = {}
        self._blobs: dict[bytes, tuple[bytes, list[Any]]] = {}
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._patrolling = False
        self._ending = threading.Event()
        self._next_request = itertools.count(1).__next__
        self._answers: dict[int, Callable[[Any, bytes], tuple[Any, bytes]]] = {
            FrameType.FUNCTION_GET: self._function_get,
            FrameType.ACTOR_CREATE: self._actor_create,
            FrameType.ACTOR_LOOKUP: self._actor_lookup,
            FrameType.ACTOR_KILL: self._actor_kill,
            FrameType.STATE_QUERY: self._state_query,
        }

    # Threads ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Nothing reads in the background."""

    def start_thread(self, work: Callable[[], None]) -> None:
        """Run what was waiting for the result of an overlapping call, apart from that call's thread."""
        thread = threading.Thread(target=work, name="bowstring-inline", daemon=True)
        self._threads.add(thread)
        thread.start()

    def patrol(self) -> None:
        """Once calls overlap: see what was dropped although this thread calls nothing for a while."""
        with self.lock:
            if self._patrolling or self.stopped is not None:
                return
            self._patrolling = True
        self.start_thread(self._patrol)

    def _patrol(self) -> None:
        while not self._ending.wait(PATROL_S):
            with self.lock:
                pass  # its release looks

    def block(self, waiter: Waiter, deadline: float | None = None, *_what_for: Any, **_kind: Any) -> bool:
        """Wait for a call that overlaps."""
        return self.reactor.wait(waiter, deadline)

    def stop(self, error: BowstringError) -> None:
        """Nothing will run any more."""
        with self.lock:
            if self.stopped is not None:
                return
            self.stopped = error
        self._ending.set()
        self.inline_actors.end_all(error)

    def close(self) -> None:
        """The end."""
        self.stop(RuntimeStoppedError("Bowstring was shut down in this process"))
        deadline = monotonic() + JOIN_S
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - monotonic()))

    def forget_sockets(self) -> None:
        """There are none."""

    # References ------------------------------------------------------------------------------------------------------

    def _drain_dropped(self) -> None:
        """Under the lock: actors whose last handle has gone end, and streams that nobody reads."""
        for object_id, _, _, _, change, _ in self.known.changes():
            if change < 0:
                self.inline_actors.handle_gone(object_id[:16])
        while self.dropped_streams:
            self.dropped_streams.popleft().close()

    def escape(self, refs: Iterable[ObjectRef[Any]]) -> None:
        """These references are about to be pickled: whoever reads them must find them."""
        with self.lock:
            for ref in refs:
                self.known.note(ref)

    def borrow(self, object_id: bytes, owner: int, home: int) -> ObjectRef[Any]:
        """The ObjectRef for a reference that came inside a value: there is only the one that was written."""
        with self.lock:
            ref = self.known.find(object_id)
            if ref is None:
                ref = ObjectRef(self, object_id, owner, home, BORROWED)
                ref._payload = self.error_payload(
                    ObjectLostError(f"object {object_id.hex()} was freed before this reference was read")
                )
            return ref

    # What a node would be asked --------------------------------------------------------------------------------------

    def tell(self, kind: FrameType, message: Any, body: bytes = b"") -> None:
        """Nobody counts, logs or keeps what is told."""

    def ask(
        self,
        kind: FrameType,
        make: Callable[[int], Any],
        action: Callable[[Any, bytes, BowstringError | None], None],
        body: bytes = b"",
    ) -> int:
        """Under the lock: answer at once."""
        try:
            answer, answer_body = self.request_with_body(kind, make, body)
        except BowstringError as error:
            action(None, b"", error)
        else:
            action(answer, answer_body, None)
        return 0

    def forget_request(self, number: int) -> None:
        """None is ever pending."""

    def request_with_body(self, kind: FrameType, make: Callable[[int], Any], body: bytes = b"") -> tuple[Any, bytes]:
        """Answer a request."""
        if self.stopped is not None:
            raise self.stopped
        answer = self._answers.get(kind)
        if answer is None:
            raise BowstringError(
                f"{FrameType(kind).name} asks for what only a node can do; inline mode has none: "
                "leave inline=True away in init()"
            )
        return answer(make(self._next_request()), body)

    def export_function(
        self, key: bytes, language: int, module: str, name: str, signature: str, blob: bytes, contains: Any
    ) -> None:
        """Remember what a function's key stands for."""
        if key not in self._functions:
            self.escape(contains)
            self._blobs[key] = (blob, list(contains))
            self._functions[key] = m.Function(0, key, language, module, name, signature, len(blob))

    def _function_get(self, message: m.FunctionGet, _body: bytes) -> tuple[Any, bytes]:
        return self._functions[message.key], self._blobs[message.key][0]

    def _actor_create(self, message: m.ActorCreate, body: bytes) -> tuple[Any, bytes]:
        made = self.inline_actors.create(message, body)
        if isinstance(made, InlineActor):
            return m.Ack(message.request), b""
        return m.ActorInfo(message.request, made), b""

    def _actor_lookup(self, message: m.ActorLookup, _body: bytes) -> tuple[Any, bytes]:
        found = self.inline_actors.find(message.name, message.namespace or self.namespace)
        return m.ActorInfo(message.request, found), b""

    def _actor_kill(self, message: m.ActorKill, _body: bytes) -> tuple[Any, bytes]:
        actor = self.inline_actors.get(message.actor)
        if actor is not None:
            actor.kill(message.no_restart)
        return m.Ack(message.request), b""

    # State -----------------------------------------------------------------------------------------------------------

    def never_fits(self, resources: Iterable[tuple[str, int]]) -> str:
        """Why what is asked for could never be had; empty if it could."""
        for name, units in resources:
            total = self._totals.get(name, 0)
            if units > total:
                return f"{units_text(units)} {name} wanted, and the node has {units_text(total)} in all"
        return ""

    def _state_query(self, message: m.StateQuery, _body: bytes) -> tuple[Any, bytes]:
        import msgpack

        amounts = {name: units / _options.UNITS for name, units in self._totals.items()}
        rows: list[dict[str, Any]] = []
        if message.kind == StateKind.NODES:
            node = f"{self.node:016x}"
            rows = [{"node": node, "address": "inline", "pid": self.node_pid, "alive": True, "resources": amounts}]
        elif message.kind == StateKind.RESOURCES:
            rows = [{"name": name, "total": amount, "available": amount} for name, amount in amounts.items()]
        elif message.kind == StateKind.ACTORS:
            rows = self.inline_actors.rows()
        payload = msgpack.packb(rows)
        return m.StateReply(message.request, len(payload)), payload


class _Here:
    """What code asks of the worker that it runs in: which actor it is."""

    def __init__(self, runtime: InlineRuntime) -> None:
        self._runtime = runtime

    @property
    def actor(self) -> InlineActor | None:
        context = current_context.get()
        return None if context is None else self._runtime.inline_actors.get(context.actor)


class _OneEnvironment:
    """There is one process, and it has the environment that it was started in."""

    key = b""
    own = m.Environment()

    def key_for(self, runtime_env: Mapping[str, Any] | None) -> bytes:
        if runtime_env:
            warnings.warn(
                "inline mode runs everything in this process and its environment: runtime_env changes nothing",
                stacklevel=2,
            )
        return b""


class _Nothing:
    """A log that nobody reads."""

    def ended(self, *_facts: Any) -> None: ...
    def given_up(self, *_facts: Any) -> None: ...
    def span(self, *_facts: Any) -> None: ...


class InlineImage:
    """Ordinary memory in which an object is built."""

    __slots__ = ("image",)

    def __init__(self, image: Any) -> None:
        self.image = image

    def sealed(self, encoding: int) -> Payload:
        """The object, read in place, as one of the store is."""
        image = self.image.view()
        image.flags.writeable = False
        return Payload(int(encoding), int(m.Layout.IMAGE), memoryview(image))


class InlineStore:
    """Where a store would be: memory of this process for what is built in place."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[weakref.ref[Any], InlineImage]] = {}

    def empty(self, image_length: int) -> tuple[Any, InlineImage]:
        """Memory for an image, and what stands for it."""
        import numpy as np

        image = np.empty(image_length, np.uint8)
        return image, InlineImage(image)

    def note_in_place(self, array: Any, made: InlineImage, _image_length: int) -> None:
        """`array` is a part of the image."""
        number = id(array)
        self._made[number] = (weakref.ref(array, lambda _ref: self._made.pop(number, None)), made)

    def take_in_place(self, array: Any) -> InlineImage | None:
        """If `array` was made by `empty`: its image; from here on it is read-only."""
        entry = self._made.get(id(array))
        own: Any = None if entry is None else entry[0]()
        if entry is None or own is not array:
            return None
        del self._made[id(array)]
        own.flags.writeable = False
        return entry[1]


class InlineWriter(ObjectWriter):
    """Writes every value as bytes, but for those that were built in place."""

    def write(self, ref: Any, value: Any, reader: int) -> Payload:
        """Encode a value."""
        module = type(value).__module__
        store: Any = self._runtime.store
        if module == "numpy":
            made = store.take_in_place(value)
            if made is not None:
                sealed: Payload = made.sealed(m.Encoding.TENSOR)
                return sealed
        elif module == "bowstring.table_builder":
            made, _ = value._finish(self._runtime)
            value._let_go()
            sealed = made.sealed(m.Encoding.ARROW)
            return sealed
        return super().write(ref, value, reader)
