"""The caller's side of a stream: what is taken in, what is told to the worker, what is given up."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from bowstring._ids import TaskContext
from bowstring._object_reader import ObjectReader
from bowstring._pending_stream import PendingStream
from bowstring._runtime import Runtime
from bowstring._tasks import CallTemplate
from bowstring._values import Payload, decode_inline
from bowstring.errors import WorkerCrashedError
from bowstring.object_ref import HELD, KnownRefs
from bowstring_wire import messages as m
from bowstring_wire.messages import Encoding, FrameType, Layout, TaskFlag, ValueState
from bowstring_wire.protocol import FrameParser

INLINE, STORED = int(ValueState.INLINE), int(ValueState.STORED)
PYTHON, COMPACT = int(Encoding.PYTHON), int(Layout.COMPACT)


class Peer:
    def __init__(self) -> None:
        self.credits: list[m.Credits] = []
        self.cancels = 0

    def send(self, data: bytes, _now: bool) -> None:
        for kind, metadata, _ in FrameParser(handshake_done=True).feed(data):
            if kind == FrameType.CREDITS:
                self.credits.append(m.Credits.decode(metadata))
            else:
                assert kind == FrameType.CANCEL
                self.cancels += 1


@pytest.fixture
def runtime() -> Any:
    made = SimpleNamespace(
        process=7, node=8, known=KnownRefs(), lock=threading.RLock(), error_payload=Runtime.error_payload, stopped=None
    )
    made.log = SimpleNamespace(given_up=lambda task, payload: None)
    made.reader = SimpleNamespace(_add_waiter=ObjectReader._add_waiter)
    made.complete = lambda ref, payload: setattr(ref, "_payload", payload)
    return made


def stream_of(runtime: Any, backpressure: int = 0) -> PendingStream:
    template = CallTemplate(b"f" * 16, num_returns=-1, backpressure=backpressure)
    task = PendingStream(runtime, template, TaskContext(b"p" * 16, 0))
    task.peer = Peer()
    return task


def give(task: PendingStream, index: int, state: int = INLINE, attempt: int = 0) -> None:
    task.on_item(attempt, index, state, PYTHON, COMPACT, 0, b"data")


def frames(task: PendingStream) -> list[Any]:
    found = FrameParser(handshake_done=True).feed(task.frame(1))
    return [m.FRAME_TYPES[kind].decode(metadata) for kind, metadata, _ in found]


def test_items_have_the_ids_of_the_streams_index_space(runtime: Any) -> None:
    task = stream_of(runtime)
    give(task, 0)
    give(task, 1)
    assert [ref.id for ref in task.items] == [task.id + b"\0\0\0\x80", task.id + b"\1\0\0\x80"]


def test_an_item_that_was_not_asked_for_is_not_taken(runtime: Any) -> None:
    task = stream_of(runtime)
    give(task, 0)
    give(task, 0)
    give(task, 2)
    give(task, 1, attempt=3)
    assert task.received == len(task.items) == 1


def test_without_limits_a_task_has_no_credits(runtime: Any) -> None:
    (task,) = frames(stream_of(runtime))
    assert task.num_returns == -1
    assert not task.flags & TaskFlag.PACED


def test_an_attempt_after_items_came_asks_for_the_rest_only(runtime: Any) -> None:
    stream = stream_of(runtime)
    give(stream, 0)
    give(stream, 1)
    stream.attempt = 1
    task, credits = frames(stream)
    assert task.flags & TaskFlag.PACED
    assert (credits.attempt, credits.first, credits.limit) == (1, 2, -1)
    give(stream, 2, attempt=1)
    assert len(stream.items) == 3


def test_credits_follow_what_is_read_half_a_window_at_a_time(runtime: Any) -> None:
    stream = stream_of(runtime, backpressure=4)
    _, credits = frames(stream)
    assert (credits.first, credits.limit) == (0, 4)
    for index in range(4):
        give(stream, index)
        stream.take()
    assert [sent.limit for sent in stream.peer.credits] == [6, 8]
    assert all(sent.first <= sent.limit - 4 for sent in stream.peer.credits)


def test_what_comes_after_the_close_is_released(runtime: Any) -> None:
    stream = stream_of(runtime)
    give(stream, 0, STORED)
    assert stream.items[0]._flags & HELD
    stream.close()
    assert stream.peer.cancels == 1
    give(stream, 1, STORED)
    assert not stream.items
    released = [change[0] for change in runtime.known.changes()]
    assert released == [stream.id + b"\0\0\0\x80", stream.id + b"\1\0\0\x80"]


def test_an_error_is_the_last_item_and_comes_once(runtime: Any) -> None:
    stream = stream_of(runtime)
    completed = stream.completed
    give(stream, 0)
    stream.fail(WorkerCrashedError("gone"))
    stream.fail(WorkerCrashedError("gone again"))
    assert stream.done
    assert len(stream.items) == 2
    for ref in (stream.items[-1], completed):
        payload: Payload = ref._payload
        with pytest.raises(WorkerCrashedError, match=r"gone$"):
            decode_inline(*payload[:3])


def test_who_waits_is_woken_by_an_item_and_by_the_end(runtime: Any) -> None:
    stream = stream_of(runtime)
    woken = []
    waiter = SimpleNamespace(ready=lambda: woken.append(len(stream.items)), done=False)
    assert stream.wait_with(waiter)
    give(stream, 0)
    assert woken == [1]
    assert not stream.wait_with(waiter)
    stream.take()
    assert stream.wait_with(waiter)
    stream.finish(m.Result(stream.id), b"")
    assert woken == [1, 0]
    assert stream.take() is None
