"""Sends mutated and truncated frames to one peer of a session: `python -m tests.process.fuzz.client`.

Every connection does a good handshake first. A frame that breaks the spec must be answered with GoAway and an end of
the connection; one that is still valid after its mutation may be answered or ignored. Prints a line of JSON: how many
frames were sent, and how often the peer said why before it closed, or closed because our side had.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import socket
from pathlib import Path

from bowstring_wire import messages as m
from bowstring_wire import protocol
from bowstring_wire.flat import Message
from bowstring_wire.messages import FrameType, Language, Role
from bowstring_wire.protocol import FrameParser, ProtocolError, frame

CLOSE_TIMEOUT_S = 10.0


def _id(rng: random.Random, size: int) -> bytes:
    return rng.randbytes(size)


def _ref(rng: random.Random) -> m.ObjectRef:
    return m.ObjectRef(_id(rng, 20), 0, rng.getrandbits(64), rng.getrandbits(64))


def node_messages(rng: random.Random) -> list[tuple[FrameType, Message, bytes]]:
    """A plausible message of each kind that a driver sends to its node."""
    number = rng.randrange(1, 1 << 32)
    return [
        (FrameType.LEASE_REQUEST, m.LeaseRequest(number, 1, 1, 1, resources=(m.Resource("nowhere", 10_000),)), b""),
        (FrameType.LEASE_RETURN, m.LeaseReturn(number), b""),
        (FrameType.LEASE_WITHDRAW, m.LeaseWithdraw(number), b""),
        (FrameType.OBJECT_PUBLISH, m.ObjectPublish(_ref(rng), 2, 5, 1, 16, (_ref(rng),)), rng.randbytes(16)),
        (FrameType.OBJECT_PUBLISH, m.ObjectPublish(_ref(rng), 1), b""),
        (FrameType.OBJECT_SEAL, m.ObjectSeal(_ref(rng), m.Location(1, 0, 0, 64), 1, 2, (_ref(rng),)), b""),
        (FrameType.REF_UPDATE, m.RefUpdate((m.RefChange(*_ref(rng), 1, 0), m.RefChange(*_ref(rng), -1, 0))), b""),
        (FrameType.REF_HOLD, m.RefHold(number, (_ref(rng), _ref(rng))), b""),
        (FrameType.OBJECT_GET, m.ObjectGet(number, _ref(rng), 1, 1), b""),
        (FrameType.OBJECT_GET_CANCEL, m.ObjectGetCancel(number), b""),
        (FrameType.OBJECT_UNPIN, m.ObjectUnpin((number, 1)), b""),
        (FrameType.EXTENT_ALLOCATE, m.ExtentAllocate(number, 1 << 62, False), b""),
        (FrameType.EXTENT_RETURN, m.ExtentReturn(number), b""),
        (FrameType.SEGMENT_MAPPED, m.SegmentMapped(number), b""),
        (FrameType.FUNCTION_PUT, m.FunctionPut(_id(rng, 16), 1, "a", "b", "", 8, (_ref(rng),)), rng.randbytes(8)),
        (FrameType.FUNCTION_GET, m.FunctionGet(number, _id(rng, 16)), b""),
        (FrameType.ACTOR_SUBSCRIBE, m.ActorSubscribe(_id(rng, 16)), b""),
        (FrameType.ACTOR_KILL, m.ActorKill(number, _id(rng, 16), True), b""),
        (FrameType.ACTOR_LOOKUP, m.ActorLookup(number, "nobody", ""), b""),
        (FrameType.STATE_QUERY, m.StateQuery(number, rng.randrange(1, 16), _filters(rng), rng.randrange(3)), b""),
        (FrameType.STATE_QUERY, m.StateQuery(number, 6, cursor=rng.randrange(3)), b""),
        (FrameType.INSPECTED, m.Inspected((1 << 48) + rng.randrange(4), 1, rng.random() < 0.5), b"\x90" + bytes(7)),
        (FrameType.TASK_EVENTS, _events(rng), b""),
        (FrameType.TASK, m.Task(_id(rng, 16)), b""),
        (FrameType.ENVIRONMENT_MAKE, m.EnvironmentMake(number, _environment(rng)), b""),
        (FrameType.LEASE_REQUEST, m.LeaseRequest(number, 1, 1, 1, environment=_id(rng, 16)), b""),
        (FrameType.LEASE_REQUEST, m.LeaseRequest(number, 1, 1, 1, placement_group=_id(rng, 16), bundle=number), b""),
        (FrameType.PLACEMENT_CREATE, m.PlacementCreate(number, _group(rng)), b""),
        (FrameType.PLACEMENT_REMOVE, m.PlacementRemove(number, _id(rng, 16)), b""),
        (FrameType.PLACEMENT_LOOKUP, m.PlacementLookup(number, _id(rng, 16), "nobody's"), b""),
    ]


def _filters(rng: random.Random) -> tuple[m.StateFilter, ...]:
    task = m.StateFilter("task", 1, _id(rng, 16).hex())
    return rng.choice(((), (task,), (task, m.StateFilter("pid", rng.randrange(9), "1"))))


def _events(rng: random.Random) -> m.TaskEvents:
    event = m.TaskEvent(_id(rng, 16), _id(rng, 16), 1, 2, 0, 2, 1, rng.randrange(3), rng.getrandbits(64), 3)
    span = m.TaskSpan(_id(rng, 16), 1, 2, 3, rng.randrange(9), 0, 0, 1)
    return m.TaskEvents((event,), ("name",), (m.TaskFailure(rng.randrange(3), 1, "Error", "no"),), (span,))


def _environment(rng: random.Random) -> m.Environment:
    """One that can be had at once, or is refused before anything is read."""
    variables = (m.Variable("NAME", "${HOME}"), m.Variable("OTHER", ""))
    return m.Environment(variables, rng.choice(("", "relative", "package:00")), modules=rng.choice(((), ("here",))))


def _group(rng: random.Random) -> m.PlacementGroup:
    """One that can never be placed."""
    bundles = (m.Bundle((m.Resource("nowhere", 10_000),)), m.Bundle((m.Resource("GPU", 5_000),)))
    return m.PlacementGroup(_id(rng, 16), "name", "", rng.randrange(1, 5), bundles=bundles)


def worker_messages(rng: random.Random, process: int) -> list[tuple[FrameType, Message, bytes]]:
    """A plausible message of each kind that a caller sends to a worker. No task may run: their epoch is over."""
    arg = m.Arg(3, 5, 1, 0, 0, 8, 0, bytes(20), 0, 0, 0)
    task = m.Task(_id(rng, 16), _id(rng, 16), owner=process, args=(arg,), num_returns=1, caller_language=1, method="x")
    return [
        (FrameType.TASK, task, rng.randbytes(8)),
        (FrameType.CANCEL, m.Cancel(_id(rng, 16), False, True), b""),
        (FrameType.RECALL, m.Recall(rng.getrandbits(32)), b""),
        (FrameType.DELIVER, m.Deliver(_id(rng, 16)), b""),
        (FrameType.CREDITS, m.Credits(rng.choice((task.id, _id(rng, 16))), 0, rng.getrandbits(32), 1 << 40), b""),
    ]


def mutated(rng: random.Random, data: bytes) -> bytes:
    """`data` with a few bytes changed, cut off, repeated or inserted."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(out))
        what = rng.random()
        if what < 0.5:
            out[at] = rng.randrange(256)
        elif what < 0.7:
            out[at] ^= 1 << rng.randrange(8)
        elif what < 0.85:
            size = rng.choice((1, 2, 4, 8))
            out[at : at + size] = rng.choice((b"\xff", b"\0", b"\x7f", b"\x80")) * size
        elif what < 0.95:
            del out[at:]
        else:
            out[at:at] = rng.randbytes(rng.randrange(1, 64))
        if not out:
            out.append(0)
    return bytes(out)


class Client:
    """One connection that is past its handshake."""

    def __init__(self, address: str, token: bytes, process: int, job: int) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(CLOSE_TIMEOUT_S)
        self.sock.connect(address)
        self.parser = FrameParser()
        challenge = m.Challenge.decode(self._next(FrameType.CHALLENGE))
        hello = m.Hello(
            1, 1, Role.DRIVER, Language.PYTHON, os.getpid(), process, job=job,
            proof=protocol.hello_proof(token, challenge.nonce),
        )  # fmt: skip
        self.sock.sendall(frame(FrameType.HELLO, hello.encode()))
        self._next(FrameType.WELCOME)
        self.parser.handshake_done = True

    def _next(self, kind: FrameType) -> bytes:
        while True:
            data = self.sock.recv(65536)
            if not data:
                raise AssertionError(f"closed before {kind.name}")
            for got, metadata, _ in self.parser.feed(data):
                if got != kind:
                    raise AssertionError(f"frame type {got} instead of {kind.name}")
                return metadata

    def send(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def ended(self, timeout_s: float) -> str:
        """ "told", "closed" or "open", as the peer stands within the time."""
        told = False
        while True:
            ready, _, _ = select.select([self.sock], [], [], timeout_s)
            if not ready:
                return "open"
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            if not data:
                return "told" if told else "closed"
            for kind, metadata, _ in self.parser.feed(data):
                if kind == FrameType.GO_AWAY:
                    record = m.GoAway.decode(metadata).error
                    told = record is not None and bool(record.message)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("session")
    parser.add_argument("address")
    parser.add_argument("target", choices=("node", "worker"))
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    token = (Path(options.session) / "token").read_bytes()
    counts = {"sent": 0, "told": 0, "closed": 0, "open": 0}
    client: Client | None = None
    process = 0
    while counts["sent"] < options.count:
        if client is None:
            process = rng.getrandbits(64) | 1
            client = Client(options.address, token, process, 1)
        choices = node_messages(rng) if options.target == "node" else worker_messages(rng, process)
        kind, message, body = rng.choice(choices)
        data = mutated(rng, frame(kind, message.encode(), body))
        counts["sent"] += 1
        client.send(data)
        try:
            list(FrameParser(handshake_done=True).feed(data))
            broken = False
        except ProtocolError:
            broken = True
        # What no reader could take for a frame must be told at once. The rest may be valid, or wait for more bytes:
        # the end of our side ends that wait.
        if not broken:
            client.sock.shutdown(socket.SHUT_WR)
        state = client.ended(CLOSE_TIMEOUT_S)
        if state == "open":
            raise AssertionError(f"the peer did not end the connection after {data.hex()}")
        if broken and state != "told":
            raise AssertionError(f"the peer closed without a word after {data.hex()}")
        counts[state] += 1
        client.sock.close()
        client = None
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
