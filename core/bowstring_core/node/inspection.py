"""Asking frontends what only they know: their tasks, stacks and references (spec 8.2).

A question goes to all at once. Who does not answer in time is left out, and named: one that is stopped, or that runs
native code without an end, must not hide what the others have to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from bowstring_core import limits
from bowstring_core.node import loop as loops
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import FrameType, Inspect, Inspected, InspectKind, Role
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

# Far from the numbers of the node's other requests to frontends.
_FIRST_REQUEST = 1 << 48


class Answers:
    """What the frontends have told.

    Attributes:
        told: Each peer that answered, and its rows.
        silent: Those that did not.
    """

    def __init__(self) -> None:
        self.told: list[tuple[Peer, list[dict[str, Any]]]] = []
        self.silent: list[Peer] = []


class _Question:
    """One question to many."""

    __slots__ = ("answers", "done", "timer", "waiting")

    def __init__(self, done: Callable[[Answers], None]) -> None:
        self.done = done
        self.answers = Answers()
        self.waiting: dict[int, Peer] = {}  # by request
        self.timer: loops.Timer | None = None


class Inspection:
    """Questions that are under way."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._next_request = _FIRST_REQUEST
        self._asked: dict[int, _Question] = {}  # by request
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        node.handle(FrameType.INSPECTED, Inspected, frontends, self._inspected)

    def ask(self, kind: InspectKind, done: Callable[[Answers], None]) -> None:
        """Ask every frontend; `done` is called once all have answered, or in time."""
        question = _Question(done)
        for peer in list(self._node.peers.values()):
            if peer.role not in (Role.DRIVER, Role.WORKER):
                continue
            request, self._next_request = self._next_request, self._next_request + 1
            question.waiting[request] = peer
            self._asked[request] = question
            peer.send(FrameType.INSPECT, Inspect(request, kind))
        if not question.waiting:
            done(question.answers)
            return
        question.timer = self._node.loop.call_later(limits.INSPECT_S, lambda: self._give_up(question))

    def _inspected(self, peer: Peer, message: Inspected, body: bytes) -> None:
        if not _FIRST_REQUEST <= message.request < self._next_request:
            raise ProtocolError(f"an answer to request {message.request}, which was not asked")
        question = self._asked.get(message.request)
        if question is None:
            return  # it comes too late
        if question.waiting[message.request] is not peer:
            raise ProtocolError(f"an answer to request {message.request}, which another process was asked")
        question.answers.told.append((peer, _rows(message, body)))
        self._settle(question, message.request)

    def failed(self, request: int) -> bool:
        """A Failure came; whether it is an answer to a question."""
        if not _FIRST_REQUEST <= request < self._next_request:
            return False
        question = self._asked.get(request)
        if question is not None:
            self._settle(question, request)
        return True

    def peer_gone(self, peer: Peer) -> None:
        """Nothing more comes from a process."""
        mine = [(request, question) for request, question in self._asked.items() if question.waiting[request] is peer]
        for request, question in mine:
            self._settle(question, request)

    def _settle(self, question: _Question, request: int) -> None:
        del self._asked[request]
        del question.waiting[request]
        if not question.waiting:
            if question.timer is not None:
                question.timer.cancel()
            question.done(question.answers)

    def _give_up(self, question: _Question) -> None:
        question.answers.silent = list(question.waiting.values())
        for request in question.waiting:
            del self._asked[request]
        question.waiting.clear()
        question.done(question.answers)


def _rows(message: Inspected, body: bytes) -> list[dict[str, Any]]:
    import msgpack  # here, so that a node that nobody asks starts without it

    if not message.length <= len(body):
        raise ProtocolError(f"Inspected: a payload of {message.length} bytes in a body of {len(body)}")
    try:
        rows = msgpack.unpackb(body[: message.length], max_ext_len=0)
    except (ValueError, msgpack.UnpackException) as error:
        raise ProtocolError(f"Inspected: the payload can't be read: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ProtocolError("Inspected: the payload is not a list of maps")
    return _checked(rows)


def _checked(rows: Iterable[dict[Any, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        if not all(isinstance(name, str) for name in row):
            raise ProtocolError("Inspected: a map has a key that is no string")
    return list(rows)
