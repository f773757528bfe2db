"""What the worker of an actor with checkpoints logs, answers and keeps, call by call, without a process."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from bowstring._call import Call
from bowstring._checkpoints import LoggedCalls
from bowstring._ids import TaskContext
from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, TaskFlag
from bowstring_wire.protocol import FrameParser, frame

CALLER = 7
ACTOR = b"a" * 16


class Socket:
    """A connection that takes nothing while it is `full`."""

    def __init__(self) -> None:
        self.closed = self.full = False
        self.out: deque[bytes] = deque()
        self.draining: list[Any] = []
        self.written: list[bytes] = []

    @property
    def stuck(self) -> bool:
        return self.full and bool(self.out)

    def send(self, data: bytes) -> None:
        self.out.append(data)

    def flush(self) -> None:
        while self.out and not self.full:
            self.written.append(self.out.popleft())


class Reactor:
    """Writes what sockets take; nothing comes later here."""

    def __init__(self, *sockets: Socket) -> None:
        self._sockets = sockets

    def wait(self, waiter: Any) -> None:
        assert waiter.done

    def flush(self) -> None:
        for socket in self._sockets:
            socket.flush()

    def call_later(self, _delay_s: float, _action: Any) -> None:
        """Never."""


class World:
    """Stands for the executor, its answers, the runtime and the actor."""

    def __init__(self, interval: int = 1, history: list[tuple[m.ActorLog, bytes]] | None = None, **start: Any) -> None:
        self.lock = threading.RLock()
        self.node_connection, self.connection = Socket(), Socket()
        self.inline_bytes_max, self.process, self.node = 1 << 16, 9, 1
        self.unacknowledged: list[Any] = []
        self.noted: Any = None
        self.root = TaskContext(bytes(16), 0)
        self.reactor = Reactor(self.connection, self.node_connection)
        self.runtime = self.answers = self
        self.calls: dict[bytes, Call] = {}
        self.applied: list[int] = []
        self.instance = self
        self.dispatch = self.async_methods = None
        self.id, self.incarnation, self.name = ACTOR, 1, "Actor"
        handle = m.ActorHandle(checkpoint_interval=interval)
        self.logged = LoggedCalls(self, m.ActorStart(handle, 1, replay=len(history or []), **start))  # type: ignore[arg-type]
        for message, body in history or []:
            self.logged.before(message, body)
        self.logged.begin(self)  # type: ignore[arg-type]

    # The runtime

    def escape(self, _refs: Any) -> None:
        """The home is told of nothing here."""

    @staticmethod
    def struct(ref: Any) -> m.ObjectRef:
        return m.ObjectRef(ref._id, 0, ref._owner, ref._home)

    # The executor and its answers

    def target(self, task: m.Task) -> Any:
        return lambda: self.applied.append(task.sequence)

    def arguments(self, _task: m.Task, _body: bytes) -> tuple[Any, Any]:
        return (), {}

    def name_of(self, _task: m.Task) -> str:
        return "Actor.method"

    def send(self, call: Call, status: int, _value: Any, _duration_ns: int, _start_ns: int) -> None:
        call.connection.send(result(call.task.sequence, call.task.attempt, status))

    # The actor

    def save_checkpoint(self) -> int:
        return len(self.applied)

    def restore_checkpoint(self, state: int) -> None:
        raise AssertionError(f"no state was saved, and {state} is restored")

    # What is asked and seen

    def call(self, sequence: int, attempt: int = 0) -> None:
        call = Call(self.connection, task(sequence, attempt), b"")  # type: ignore[arg-type]
        self.logged.run(call)

    def log(self) -> list[m.ActorLog]:
        """What the node has, or will have, in its socket."""
        data = b"".join([*self.node_connection.written, *self.node_connection.out])
        return [m.ActorLog.decode(metadata) for _, metadata, _ in FrameParser(handshake_done=True).feed(data)]

    def answered(self) -> list[int]:
        data = b"".join(self.connection.written)
        return [m.Result.decode(metadata).id[0] for _, metadata, _ in FrameParser(handshake_done=True).feed(data)]


def task(sequence: int, attempt: int = 0) -> m.Task:
    identity = bytes([sequence]) + b"t" * 15
    flags = int(TaskFlag.METHOD)
    return m.Task(identity, actor=ACTOR, owner=CALLER, sequence=sequence, flags=flags, attempt=attempt, num_returns=1)


def result(sequence: int, attempt: int = 0, status: int = 1) -> bytes:
    message = m.Result(bytes([sequence]) + b"t" * 15, attempt, m.TaskStatus(status))
    return frame(FrameType.RESULT, message.encode())


def before(sequence: int, applied: bool = False) -> tuple[m.ActorLog, bytes]:
    """An entry of the log of an earlier incarnation."""
    asked = b"" if applied else frame(FrameType.TASK, task(sequence).encode())
    entry = m.ActorLog(ACTOR, 1, CALLER, sequence, len(asked), applied=applied)
    return entry, asked + result(sequence)


def marks(entry: m.ActorLog) -> list[int]:
    return sorted(mark.sequence for mark in entry.unanswered)


def test_a_result_is_not_written_before_its_log() -> None:
    world = World()
    world.logged.flush()
    world.node_connection.full = True
    world.call(0)
    world.logged.flush()
    assert world.applied == [0]
    assert world.answered() == []
    world.node_connection.full = False
    world.logged.flush()
    assert world.answered() == [0]


def test_a_result_that_a_full_socket_does_not_take_is_told_with_the_next_state() -> None:
    world = World()
    world.connection.full = True
    world.call(0)
    world.logged.flush()
    world.call(1)
    assert marks(world.log()[-1]) == [0]
    world.connection.full = False
    world.logged.flush()
    world.call(2)
    assert marks(world.log()[-1]) == []


def test_calls_that_were_logged_are_run_again_before_new_ones_and_answered_without() -> None:
    world = World(interval=10, history=[before(0), before(1)])
    assert world.applied == [0, 1]
    world.call(1, attempt=1)
    world.call(2)
    world.logged.flush()
    assert world.applied == [0, 1, 2]
    assert world.answered() == [1, 2]


def test_a_call_that_its_state_covers_is_not_run_again() -> None:
    world = World(history=[before(3, applied=True)], callers=(m.CallerMark(CALLER, 3),))
    world.call(3, attempt=1)
    assert world.applied == []
    assert world.answered() == [3]  # its worker ended when it was first: it is seen off at once


@pytest.mark.rule("5.4/6")
def test_results_that_are_asked_for_again_are_kept_until_they_are_written() -> None:
    world = World(history=[before(0), before(1)])
    world.applied.clear()
    for sequence in (0, 1, 2):  # all that was in flight comes at once
        world.call(sequence)
    assert world.applied == [2]
    assert marks(world.log()[-1]) == [0, 1]
    world.logged.flush()
    world.call(3)
    assert marks(world.log()[-1]) == []


@pytest.mark.rule("5.4/6")
def test_a_kept_result_is_dropped_when_its_caller_goes_on_without_it() -> None:
    world = World(history=[before(0), before(1)])
    assert marks(world.log()[-1]) == [0, 1]
    world.call(2)
    assert marks(world.log()[-1]) == []


def test_the_state_is_saved_after_as_many_calls_as_the_interval_says() -> None:
    world = World(interval=3)
    for sequence in range(7):
        world.call(sequence)
    saved = [entry.sequence for entry in world.log() if entry.caller and entry.state.id != bytes(20)]
    assert saved == [2, 5]
    assert world.log()[0].caller == 0  # when the constructor was done
    assert world.log()[0].state.id != bytes(20)
