"""Asking frontends what only they know: their tasks, stacks and references (spec 8.2).

A question goes to all at once. Who does not answer in time is left out, and named: one that is stopped, or that runs
native code without an end, must not hide what the others have to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        told: Each peer that answered, and the payloads of its answer, which `maps_of` reads.
        silent: Those that did not, or not to the end.
    """

    def __init__(self) -> None:
        self.told: list[tuple[Peer, list[bytes]]] = []
        self.silent: list[Peer] = []

    def rows(self) -> Iterator[tuple[Peer, dict[str, Any]]]:
        """Every map, and who told it."""
        for peer, payloads in self.told:
            for payload in payloads:
                for row, _ in maps_of(payload):
                    yield peer, row


def maps_of(payload: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The maps of a payload one by one, each with its bytes; what can't be read, and all behind it, is left out."""
    import msgpack  # here, so that a node that nobody asks starts without it

    unpacker = msgpack.Unpacker(max_buffer_size=max(len(payload), 1), max_ext_len=0)
    unpacker.feed(payload)
    try:
        for _ in range(unpacker.read_array_header()):
            begin = unpacker.tell()
            row = unpacker.unpack()
            if not isinstance(row, dict) or not all(isinstance(name, str) for name in row):
                return
            yield row, payload[begin : unpacker.tell()]
    except (ValueError, msgpack.UnpackException):
        return


class _Question:
    """One question to many."""

    __slots__ = ("answers", "done", "parts", "timer", "waiting")

    def __init__(self, done: Callable[[Answers], None]) -> None:
        self.done = done
        self.answers = Answers()
        self.waiting: dict[int, Peer] = {}  # by request
        self.parts: dict[int, list[bytes]] = {}  # by request
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
        self._wait(question)

    def _wait(self, question: _Question) -> None:
        """Give whoever has not answered its time, from now on."""
        if question.timer is not None:
            question.timer.cancel()
        question.timer = self._node.loop.call_later(limits.INSPECT_S, lambda: self._give_up(question))

    def _inspected(self, peer: Peer, message: Inspected, body: bytes) -> None:
        if not _FIRST_REQUEST <= message.request < self._next_request:
            raise ProtocolError(f"an answer to request {message.request}, which was not asked")
        question = self._asked.get(message.request)
        if question is None:
            return  # it comes too late
        if question.waiting[message.request] is not peer:
            raise ProtocolError(f"an answer to request {message.request}, which another process was asked")
        if message.length > len(body):
            raise ProtocolError(f"Inspected: a payload of {message.length} bytes in a body of {len(body)}")
        parts = question.parts.setdefault(message.request, [])
        parts.append(body[: message.length])
        if message.more:
            self._wait(question)
            return
        question.answers.told.append((peer, parts))
        self._settle(question, message.request)

    def failed(self, peer: Peer, request: int) -> bool:
        """A Failure came; whether it is an answer to a question.

        Raises:
            ProtocolError: another process was asked.
        """
        if not _FIRST_REQUEST <= request < self._next_request:
            return False
        question = self._asked.get(request)
        if question is not None:
            if question.waiting[request] is not peer:
                raise ProtocolError(f"an answer to request {request}, which another process was asked")
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
        for request, peer in question.waiting.items():
            del self._asked[request]
            if request in question.parts:
                question.answers.told.append((peer, question.parts[request]))
        question.waiting.clear()
        question.done(question.answers)
