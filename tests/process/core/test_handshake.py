"""Who gets in, and what a bad frame does."""

import json
import os

import pytest

from bowstring_wire.messages import Ack, ErrorCode, GoAway, Language, LeaseReturn, RefHold, Role, StateQuery, StateReply
from bowstring_wire.protocol import PREFIX
from tests.process.core.wire_client import ConnectionEnded


def ended_with(client) -> GoAway:
    message, _ = client.receive(GoAway)
    with pytest.raises(ConnectionEnded):
        client.receive(Ack)
    return message


def test_driver_that_knows_the_token_is_welcomed(node):
    client = node.driver(namespace="mine")
    assert client.welcome.job == 1
    assert client.welcome.pid == node.pid
    assert client.welcome.namespace == "mine"
    assert client.welcome.session_path == str(node.session)


def test_every_driver_has_its_own_job(node):
    assert [node.driver().welcome.job for _ in range(3)] == [1, 2, 3]


def test_session_is_private(node):
    assert os.stat(node.session).st_mode & 0o777 == 0o700
    assert os.stat(node.session / "token").st_mode & 0o777 == 0o600
    assert json.loads((node.session / "session.json").read_text())["pid"] == node.pid


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"proof": b"x" * 32}, ErrorCode.AUTHENTICATION),
        ({"proof": b""}, ErrorCode.AUTHENTICATION),
        ({"min_version": 2, "max_version": 9}, ErrorCode.VERSION),
        ({"role": Role.NODE}, ErrorCode.PROTOCOL),
        ({"language": Language.UNSPECIFIED}, ErrorCode.PROTOCOL),
        ({"process": 0}, ErrorCode.PROTOCOL),
        ({"role": Role.WORKER, "worker_slot": 77, "address": "/x"}, ErrorCode.AUTHENTICATION),
    ],
)
def test_wrong_hello_is_refused_with_the_reason(node, fields, code):
    client = node.stranger()
    client.hello(**fields)
    assert ended_with(client).error.code == code


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        PREFIX.pack(16, 2, 0, 0xB1, 0) + bytes(16),
        PREFIX.pack(1 << 20, 2, 0, 0xB1, 0),
        PREFIX.pack(16, 2, 0, 0xB1, 8),
        PREFIX.pack(16, 52, 0, 0xB1, 0) + bytes(16),
    ],
)
def test_garbage_ends_the_connection_and_nothing_else(node, data):
    client = node.stranger()
    client.sock.sendall(data)
    assert ended_with(client).error.code == ErrorCode.PROTOCOL
    node.driver()


def test_frame_of_another_role_is_a_protocol_error(node):
    from bowstring_wire.messages import LeaseRevoked

    client = node.driver()
    client.send(LeaseRevoked(1, 1))
    assert ended_with(client).error.code == ErrorCode.PROTOCOL


def test_request_zero_is_a_protocol_error(node):
    client = node.driver()
    client.send(StateQuery(0, 1))
    assert ended_with(client).error.code == ErrorCode.PROTOCOL


def test_frame_types_for_experiments_are_skipped(node):
    client = node.driver()
    client.sock.sendall(PREFIX.pack(16, 0x9000, 0, 0xB1, 0) + bytes(16))
    client.send(RefHold(1, ()))
    assert client.expect(Ack).request == 1


def test_frames_may_come_in_any_pieces(node):
    from bowstring_wire.protocol import frame

    client = node.driver()
    for byte in frame(51, RefHold(7, ()).encode()):
        client.sock.sendall(bytes([byte]))
    assert client.expect(Ack).request == 7


def test_returning_an_unknown_lease_is_harmless(node):
    client = node.driver()
    client.send(LeaseReturn(99))
    client.send(StateQuery(1, 1))
    assert client.expect(StateReply).request == 1
