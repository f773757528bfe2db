"""A connection writes later, in order, what the socket did not take at once; and copies it once, not each time."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bowstring._reactor import WRITE_BYTES_MAX, Connection

FRAME = 10_000


class Poller:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.events = select.EPOLLIN

    def modify(self, _fd: int, events: int) -> None:
        self.events = events


@pytest.fixture
def ends() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    reactor: Any = SimpleNamespace(dirty=[], asleep=False, poller=Poller(), add=lambda connection: None)
    with ours, theirs:
        yield Connection(reactor, ours, lambda *_: None, lambda *_: None, "peer"), theirs


def read_all(connection: Connection, peer: socket.socket, size: int) -> bytes:
    received = bytearray()
    while len(received) < size:
        received += peer.recv(1 << 20)
        if connection.stuck:
            connection.on_event(select.EPOLLOUT)
    return bytes(received)


def test_a_backlog_arrives_whole_and_in_order(ends: tuple[Connection, socket.socket]) -> None:
    connection, peer = ends
    frames = [bytes([number % 251]) * FRAME for number in range(2000)]
    for data in frames:
        connection.send(data)
    assert connection.stuck
    assert read_all(connection, peer, len(frames) * FRAME) == b"".join(frames)
    assert (connection.out_bytes, len(connection.out), connection.stuck) == (0, 0, False)


def test_a_frame_larger_than_any_buffer_arrives_whole(ends: tuple[Connection, socket.socket]) -> None:
    connection, peer = ends
    data = bytes(range(256)) * 40_000
    connection.send_now(data)
    connection.send(b"behind")
    assert read_all(connection, peer, len(data) + 6) == data + b"behind"


def test_no_write_joins_more_than_a_socket_takes(ends: tuple[Connection, socket.socket]) -> None:
    connection, _ = ends
    for _ in range(2000):
        connection.send(bytes(FRAME))
    assert len(connection._next_write()) <= 2 * WRITE_BYTES_MAX


def test_output_to_a_peer_that_has_gone_is_dropped(ends: tuple[Connection, socket.socket]) -> None:
    connection, peer = ends
    peer.close()
    connection.send_now(b"unheard")
    assert (connection.out_bytes, len(connection.out)) == (0, 0)
