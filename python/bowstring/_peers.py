"""Connections to workers, and the calls in flight on them.

A peer is one worker's process. The connection is opened when a lease or an actor first needs it, without blocking, and
kept while the process lives. `in_flight` holds what was sent and not answered, in the order in which it was sent: when
the process ends, that order tells which attempt may have run (spec 4.4/4).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from bowstring._handshake import LANGUAGE_VERSION, check_challenge, check_welcome
from bowstring._options import STREAMING
from bowstring._reactor import Connection
from bowstring.errors import (
    BowstringError,
    VersionMismatchError,
    WorkerCrashedError,
    exception_from_record,
    make_record,
)
from bowstring_wire import messages as m
from bowstring_wire import protocol
from bowstring_wire.hot import single_result
from bowstring_wire.messages import ErrorCode, FrameType, Language, ValueState
from bowstring_wire.protocol import FrameParser, ProtocolError, frame

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring._tasks import PendingTask

_RESULT, _STREAM_ITEM = int(FrameType.RESULT), int(FrameType.STREAM_ITEM)
_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)
RECONNECT_S = 0.1  # before another try to reach a worker that lives and did not greet us
PEERS_IDLE_MAX = 256  # cached connections without a lease or an actor


class PeerUser(Protocol):
    """Who has calls on a peer: a lease's holder or an actor's client. Called under the lock."""

    def on_answered(self, duration_ns: int) -> None: ...
    def on_returned(self, peer: Peer, task: PendingTask) -> None: ...
    def on_retry(self, task: PendingTask) -> None: ...
    def on_batch_end(self, peer: Peer) -> None: ...
    def on_peer_ended(self, peer: Peer, error: BowstringError) -> None: ...
    def on_peer_broken(self, peer: Peer, error: BowstringError) -> None: ...


class Peer:
    """One worker's process, as this process sees it."""

    __slots__ = (
        "address",
        "backlog",
        "calls",
        "connection",
        "ended",
        "greeted",
        "in_flight",
        "open",
        "peers",
        "place",
        "user",
        "worker",
    )

    def __init__(self, peers: Peers, worker: int, address: str) -> None:
        self.peers = peers
        self.place = worker, address
        self.worker = worker
        self.address = address
        self.connection: Connection | None = None
        self.in_flight: dict[bytes, PendingTask] = {}
        self.user: PeerUser | None = None
        self.open = False
        self.greeted = False  # the handshake was done once; before that it was sent nothing
        self.ended: BowstringError | None = None
        self.calls: dict[bytes, int] = {}  # of functions after some of which the worker ends (max_calls)
        self.backlog: list[bytes] = []  # frames that wait for the handshake

    def send(self, data: bytes, now: bool) -> None:
        """Write a frame; `now` if the worker would idle otherwise."""
        connection = self.connection
        if not self.open or connection is None:
            self.backlog.append(data)
        elif now:
            connection.send_now(data)
        else:
            connection.send(data)

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            sock.connect(self.address)
        except BlockingIOError:
            # It listens, and has many callers before us that it has not accepted yet.
            sock.close()
            self.peers.runtime.reactor.call_later(RECONNECT_S, self._connect_again)
            return
        except OSError:
            # Nobody listens: the process is about to be reported as ended (spec 1.1/4).
            sock.close()
            return
        self.connection = Connection(
            self.peers.runtime.reactor, sock, self._on_handshake, self._on_closed, "a worker", FrameParser()
        )

    def _on_handshake(self, connection: Connection, frames: Iterable[tuple[int, bytes, bytes]]) -> None:
        runtime = self.peers.runtime
        for kind, metadata, _body in frames:
            if kind == FrameType.CHALLENGE:
                challenge = m.Challenge.decode(metadata)
                try:
                    check_challenge(challenge)
                except VersionMismatchError as error:
                    connection.broken = error
                    connection.close()
                    return
                hello = m.Hello(
                    min_version=protocol.SPEC_VERSION_MIN,
                    max_version=protocol.SPEC_VERSION_MAX,
                    role=runtime.role,
                    language=Language.PYTHON,
                    pid=os.getpid(),
                    process=runtime.process,
                    job=runtime.job,
                    language_version=LANGUAGE_VERSION,
                    proof=protocol.hello_proof(runtime.token, challenge.nonce),
                )
                connection.send_now(frame(FrameType.HELLO, hello.encode()))
            elif kind == FrameType.WELCOME:
                check_welcome(m.Welcome.decode(metadata))
                connection.parser.handshake_done = True
                connection.on_frames = self._on_frames
                self.open = self.greeted = True
                for data in self.backlog:
                    connection.send(data)
                self.backlog.clear()
                connection.flush()
                self._on_frames(connection, frames)
                return
            elif kind == FrameType.GO_AWAY:
                self._told_to_go(connection, metadata)
                return
            else:
                raise ProtocolError(f"frame type {kind} from a worker before its Welcome")

    def _on_frames(self, connection: Connection, frames: Iterable[tuple[int, bytes, bytes]]) -> None:
        in_flight = self.in_flight
        user = self.user
        for kind, metadata, body in frames:
            if kind == _RESULT:
                single = single_result(metadata)
                if single is not None:
                    task = in_flight.get(single[1])
                    if task is not None and task.attempt == single[2]:
                        state, encoding, layout, contains, offset, length = single[8:14]
                        if offset + length > len(body) or (state != _INLINE and state != _STORED):
                            raise ProtocolError(
                                f"a Result's value is not in its body of {len(body)} bytes: {single[8:]}"
                            )
                        if len(task.refs) == 1:
                            del in_flight[single[1]]
                            task.finish_single(state, encoding, layout, contains, body[offset : offset + length])
                        else:
                            task.check_unseen(encoding)
                            del in_flight[single[1]]
                            task.finish_unseen(body[offset : offset + length])
                        if user is not None:
                            user.on_answered(single[4])
                    continue
                result = m.Result.decode(metadata)
                task = in_flight.get(result.id)
                if task is not None and task.attempt == result.attempt:
                    task.check(result, len(body))
                    del in_flight[result.id]
                    task.finish(result, body)
                    if user is not None:
                        user.on_answered(result.duration_ns)
            elif kind == _STREAM_ITEM:
                self._on_stream_item(m.StreamItem.decode(metadata), body)
            elif kind == FrameType.RETURNED:
                returned = m.Returned.decode(metadata)
                task = in_flight.get(returned.id)
                if task is not None and task.attempt == returned.attempt:
                    del in_flight[returned.id]
                    if self.user is not None:
                        self.user.on_returned(self, task)
            elif kind == FrameType.GO_AWAY:
                self._told_to_go(connection, metadata)
                return
            elif kind < protocol.SKIPPABLE_TYPE_MIN:
                raise ProtocolError(f"frame type {kind} from a worker")
        if self.user is not None:
            self.user.on_batch_end(self)

    def _on_stream_item(self, item: m.StreamItem, body: bytes) -> None:
        task: Any = self.in_flight.get(item.id)
        if task is None:
            return
        if task.template.num_returns != STREAMING:
            raise ProtocolError("a StreamItem of a task that makes no stream")
        state, encoding, layout, contains, offset, length, _ = item.value
        if offset + length > len(body):
            raise ProtocolError(f"a StreamItem's value ends outside of its body of {len(body)} bytes")
        task.on_item(item.attempt, item.index, state, encoding, layout, contains, body[offset : offset + length])

    @staticmethod
    def _told_to_go(connection: Connection, metadata: bytes) -> None:
        record = m.GoAway.decode(metadata).error
        connection.broken = exception_from_record(record or make_record(ErrorCode.PROTOCOL, "it gave no reason"))
        connection.close()

    def _on_closed(self, connection: Connection) -> None:
        self.open = False
        if connection.broken is not None:
            self._cut_off(connection.broken)
        elif not self.greeted:
            # A handshake takes its time on a machine that is too busy, and is cut off then. Nothing was sent.
            self.peers.runtime.reactor.call_later(RECONNECT_S, self._connect_again)

    def _cut_off(self, why: BaseException) -> None:
        """One side broke the protocol, and the worker may live: nothing more is heard of what is in flight (1.5/7)."""
        if self.ended is not None:
            return
        record = make_record(ErrorCode.PROTOCOL, f"the connection to the worker was broken off: {why}")
        if isinstance(why, BowstringError):
            record.code = why.code
        record.may_have_executed = self.greeted
        self.ended = exception_from_record(record)
        if self.peers.by_place.get(self.place) is self:
            del self.peers.by_place[self.place]
        user, self.user = self.user, None
        if user is not None:
            user.on_peer_broken(self, self.ended)

    def _connect_again(self) -> None:
        if self.ended is None and self.peers.by_place.get(self.place) is self:
            self.connect()

    def end(self, error: BowstringError) -> None:
        """Under the lock: the process has ended. Read what it sent before, then tell the user."""
        if self.ended is not None:
            return
        if self.connection is not None:
            self.connection.drain()
        self.ended = error
        self.peers.by_place.pop(self.place, None)
        user, self.user = self.user, None
        if user is not None:
            user.on_peer_ended(self, error)


class Peers:
    """The peers of one process, by the worker's process id (64 bits) and its address, of which it may have several."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.by_place: dict[tuple[int, str], Peer] = {}

    def get(self, worker: int, address: str) -> Peer:
        """Under the lock: the peer, connecting if need be."""
        place = worker, address
        peer = self.by_place.get(place)
        if peer is None:
            peer = self.by_place[place] = Peer(self, worker, address)
            if len(self.by_place) > PEERS_IDLE_MAX:
                self._drop_idle()
            peer.connect()
        return peer

    def _drop_idle(self) -> None:
        for place, peer in list(self.by_place.items()):
            if peer.user is None and not peer.in_flight and peer.open and peer.connection is not None:
                del self.by_place[place]
                peer.connection.close()
                return

    def on_ended(self, message: m.LeaseEnded, _body: bytes) -> None:
        """The node tells that a worker's process has ended."""
        error: Any = exception_from_record(message.error) if message.error else WorkerCrashedError("a worker ended")
        for peer in [peer for peer in self.by_place.values() if peer.worker == message.worker]:
            peer.end(error)
        self.runtime.leases.on_ended(message.lease)

    def close(self) -> None:
        peers = list(self.by_place.values())
        self.by_place.clear()
        for peer in peers:
            if peer.connection is not None:
                peer.connection.close()
