"""A worker that plays what a case says: for what callers make of a worker that errs, dies or says too much.

It is a Python worker to a node that was told so (``--worker-module``), and a Java worker where a node finds this
program in the place of a JVM. A call names its play in one of its arguments: the text ``play:NAME``, which stands as it
is in every encoding; an actor names that of its constructor in its name. Plays are read from the file that
BOWSTRING_PLAYS names: for each name a list of what happens at each attempt (or life of the actor), each a list of
steps. A call without a play is answered with 1.

How a worker begins is played too: a file below the folder that BOWSTRING_STARTS names, whose name begins with "0 ", is
taken by the next worker that starts; what follows says where the worker dies, or what it says.
"""

from __future__ import annotations

import json
import mmap
import os
import re
import select
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import Encoding, FrameType, Language, Layout, Role, TaskStatus, ValueState
from bowstring_wire.protocol import PREFIX, FrameParser, frame, hello_proof, proof_is_valid
from bowstring_wire.values.payload import inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable
from conformance.wire.image import image_of
from conformance.wire.keys import function_key

_NUMBERS = {table: number for number, table in m.FRAME_TYPES.items()}
KNOWN_MAX_S = 5.0  # in which a node reads what was written to it
_PLAY = re.compile(rb"play:([a-z0-9-]+)")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def _taken_start() -> str:
    """What this worker is to play at its start; empty: nothing."""
    folder = os.environ.get("BOWSTRING_STARTS", "")
    for path in sorted(Path(folder).glob("**/0 *")) if folder else ():
        try:
            path.rename(path.with_name("taken-" + path.name.replace(" ", "-")))
        except FileNotFoundError:
            continue  # another worker was quicker
        return path.name.partition(" ")[2]
    return ""


class PlayedWorker:
    """One worker; see the module's docstring."""

    def __init__(self, session: str, slot: int, language: Language) -> None:
        self.plays: dict[str, list[list[dict[str, Any]]]] = json.loads(Path(os.environ["BOWSTRING_PLAYS"]).read_text())
        self.start = _taken_start()
        self.token = Path(session, "token").read_bytes()
        self.process = int.from_bytes(os.urandom(8), "little") | 1
        self.language, self.slot = language, slot
        self.path = os.path.join(session, f"worker-{slot}.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.job = 0
        self.revoked = 0
        self.requests = 0
        self.seen: Counter[bytes] = Counter()  # how often this process was sent a task
        self.hellos: dict[socket.socket, m.Hello] = {}
        self.nonces: dict[socket.socket, bytes] = {}
        self.waiting: list[tuple[str, socket.socket, Iterator[str]]] = []  # plays, and the frame that each awaits
        self.answers: list[tuple[Any, bytes]] = []  # of the node
        self._point("before connecting")
        self.node = socket.socket(socket.AF_UNIX)
        self.node.connect(os.path.join(session, "node.sock"))
        self.parsers = {self.node: FrameParser(handshake_done=True)}

    def _point(self, name: str) -> None:
        if self.start == f"dies {name}":
            _die()

    def send(self, sock: socket.socket, what: Message, body: bytes = b"") -> None:
        """Send one frame; a peer that has gone is not our affair."""
        try:
            sock.sendall(frame(_NUMBERS[type(what)], what.encode(), body))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def serve(self) -> None:
        """Play until the node ends this worker, or is gone."""
        while True:
            ready, _, _ = select.select([self.listener, *self.parsers], [], [])
            for sock in ready:
                if sock is self.listener:
                    self._accept()
                elif not self._read(sock):
                    return

    def _accept(self) -> None:
        sock, _ = self.listener.accept()
        self._point("when a caller connects")
        self.parsers[sock] = FrameParser(handshake_done=True)
        self.nonces[sock] = os.urandom(32)
        challenge = m.Challenge(1, 1, self.nonces[sock])
        if self.start == "offers newer versions alone":
            challenge = m.Challenge(7, 9, self.nonces[sock])
        elif self.start == "offers newer versions too":
            challenge = m.Challenge(1, 9, self.nonces[sock])
        elif self.start == "sends a short nonce":
            challenge = m.Challenge(1, 1, b"short")
        self.send(sock, challenge)

    def _read(self, sock: socket.socket) -> bool:
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            del self.parsers[sock]
            return sock is not self.node
        for kind, metadata, body in self.parsers[sock].feed(data):
            received = m.FRAME_TYPES[kind].decode(metadata)
            if sock is self.node:
                if not self._on_node(received, body):
                    return False
            else:
                self._on_caller(sock, received, body)
        return True

    # The node ----------------------------------------------------------------------------------------------------

    def _on_node(self, received: Any, body: bytes) -> bool:
        match received:
            case m.Challenge():
                self._point("before its hello")
                hello = m.Hello(1, 1, Role.WORKER, self.language, os.getpid(), self.process)
                hello.proof = hello_proof(self.token, received.nonce)
                hello.worker_slot, hello.address = self.slot, self.path
                version = ".".join(map(str, sys.version_info[:3]))
                hello.language_version = version if self.language == Language.PYTHON else "17.0.1"
                self.send(self.node, hello)
                self._point("after its hello")
            case m.Welcome():
                self._point("after its welcome")
            case m.WorkerBind():
                self._point("when it is bound")
                self.job = received.job
            case m.LeaseRevoke():
                self.revoked = received.epoch
                self.send(self.node, m.LeaseRevoked(received.lease, received.epoch))
            case m.ActorStart():
                assert received.handle is not None
                actor = received.handle.ref.id[:16]
                play = self._play(received.name.encode(), received.incarnation)
                self._go_on(self.node, self._constructed(actor, received.incarnation, play))
            case m.Inspect():
                self.send(self.node, m.Inspected(received.request, 1), b"\x90".ljust(8, b"\0"))
            case m.Shutdown():
                return False
            case m.ExtentGrant() | m.Function() | m.Ack() | m.Failure() | m.StateReply():
                self.answers.append((received, body))
        return True

    def _constructed(self, actor: bytes, incarnation: int, steps: list[dict[str, Any]]) -> Iterator[str]:
        for step in steps:
            if "die" in step:
                _die()
        self.send(self.node, m.ActorStarted(actor, incarnation, True))
        yield from ()

    def _ask(self, request: Any, kind: type[Any]) -> tuple[Any, bytes]:
        """Ask the node, and wait for its answer."""
        self.requests += 1
        request.request = self.requests
        self.send(self.node, request)
        while not any(isinstance(answer, kind) for answer, _ in self.answers):
            if not self._read(self.node):
                sys.exit(0)
        return self.answers.pop()

    # Callers -----------------------------------------------------------------------------------------------------

    def _on_caller(self, sock: socket.socket, received: Any, body: bytes) -> None:
        match received:
            case m.Hello():
                self._point("after a caller's hello")
                assert proof_is_valid(self.token, self.nonces[sock], received.proof)
                self.hellos[sock] = received
                version = 9 if self.start == "welcomes in another version" else 1
                if self.start == "refuses its callers":
                    record = m.ErrorRecord(m.ErrorCode.AUTHENTICATION, message="this worker refuses everybody")
                    self.send(sock, m.GoAway(record))
                    sock.close()
                    del self.parsers[sock]
                    return
                self.send(sock, m.Welcome(version, 0, self.process, os.getpid(), 1, inline_bytes_max=102_400))
            case m.Task():
                stale = not received.flags & m.TaskFlag.METHOD and received.epoch <= self.revoked
                if stale:
                    self.send(sock, m.Returned(received.id, received.attempt))
                    return
                lives = received.epoch if received.flags & m.TaskFlag.METHOD else 0
                steps = self._play(body, lives + received.attempt + self.seen[received.id])
                self.seen[received.id] += 1
                self._go_on(sock, self._played(sock, received, steps))
            case _:
                kind = type(received).__name__
                for entry in list(self.waiting):
                    if entry[0] == kind and entry[1] is sock:
                        self.waiting.remove(entry)
                        self._go_on(sock, entry[2])

    def _play(self, body: bytes, attempt: int) -> list[dict[str, Any]]:
        found = _PLAY.search(body)
        if found is None:
            return [{"answer": 1}]
        attempts = self.plays[found[1].decode()]
        return attempts[min(attempt, len(attempts) - 1)]

    def _go_on(self, sock: socket.socket, play: Iterator[str]) -> None:
        awaited = next(play, None)
        if awaited is not None:
            self.waiting.append((awaited, sock, play))

    def _played(self, sock: socket.socket, task: m.Task, steps: list[dict[str, Any]]) -> Iterator[str]:
        """Carry out the steps of a call; yields what must come first."""
        for step in steps:
            match next(iter(step)):
                case "die":
                    _die()
                case "await":
                    yield step["await"]
                case "answer":
                    self._answer(sock, task, step)
                case "answer_error":
                    self._answer_error(sock, task, step)
                case "answer_fields":
                    lacking = [flag for flag in step.get("flags", ()) if not task.flags & m.TaskFlag[flag]]
                    values = [getattr(task, name) for name in step["answer_fields"]]
                    self._answer(sock, task, {"answer": f"it lacks {lacking}" if lacking else values})
                case "half_answer":
                    data = self._answer_frame(task, {"answer": step["half_answer"]})
                    sock.sendall(data[: len(data) - 8])
                case "item":
                    self._item(sock, task, step)
                case "send":
                    self.send(sock, self._message(task, step))
                case "bytes":
                    sock.sendall(bytes.fromhex(step["bytes"]))
                case "frame":
                    sock.sendall(PREFIX.pack(16, step["frame"], 0, 0xB1, 0) + m.Returned.ROOT.ljust(16, b"\0"))
                case "block":
                    self.send(self.node, m.Blocked(task.epoch))
                case "store":
                    self._store(task, step["store"])
                case "answer_hello":
                    hello = self.hellos[sock]
                    facts = [hello.process == task.owner, hello.job == self.job, hello.worker_slot == 0]
                    self._answer(sock, task, {"answer": facts})
                case "answer_function":
                    answer, _ = self._ask(m.FunctionGet(0, task.function), m.Function)
                    self._answer(sock, task, {"answer": answer.name})
                case "answer_key":
                    answer, blob = self._ask(m.FunctionGet(0, task.function), m.Function)
                    blob = blob[: answer.length]
                    made = function_key(answer.language, answer.module, answer.name, blob, answer.signature)
                    self._answer(sock, task, {"answer": [made == task.function, blob[:1] in (b"", b"\0")]})
                case "answer_family":
                    # The ids of the calls so far: of the job, of one parent, and counted from 1 on in their order.
                    ids = [*self.seen]
                    facts = [
                        all(id_[:4] == self.job.to_bytes(4, "little") for id_ in ids),
                        len({id_[4:12] for id_ in ids}) == 1,
                        [int.from_bytes(id_[12:], "little") - int.from_bytes(ids[0][12:], "little") for id_ in ids],
                    ]
                    self._answer(sock, task, {"answer": facts})
                case "answer_objects":
                    deadline = time.monotonic() + KNOWN_MAX_S
                    while len(found := self._objects_of(task.owner)) < step["answer_objects"]:
                        if time.monotonic() > deadline:
                            break  # what was written to the node's socket before the task has long been read
                    self._answer(sock, task, {"answer": found})
                case other:
                    raise ValueError(f"a play has no step {other}")

    def _objects_of(self, owner: int) -> list[str]:
        """The states of the objects of an owner that the node knows."""
        query = m.StateQuery(0, m.StateKind.OBJECTS, (m.StateFilter("owner", m.FilterOp.EQ, f"{owner:016x}"),))
        answer, body = self._ask(query, m.StateReply)
        rows: Any = decode_portable(read_payload(Encoding.PORTABLE, Layout.COMPACT, body[: answer.length]))
        return [row["state"] for row in rows]

    def _answer_error(self, sock: socket.socket, task: m.Task, step: dict[str, Any]) -> None:
        """Answer with an error; every entry is the same bytes."""
        written = step["answer_error"]
        record: Any = m.ErrorRecord(written["code"], message=written["message"], type_name=written.get("type", ""))
        data = record.encode()
        entry = m.Return(ValueState.INLINE, Encoding.ERROR, Layout.COMPACT, 0, 0, len(data), 0)
        result = m.Result(task.id, task.attempt, TaskStatus.ERROR, 1, (entry,) * max(1, task.num_returns))
        sock.sendall(frame(FrameType.RESULT, result.encode(), data))

    def _message(self, task: m.Task, step: dict[str, Any]) -> Message:
        from conformance.wire.notation import Names, message  # reads the schemas: most plays can do without

        names = Names(lambda: self.job)
        names["task"], names["attempt"] = task.id, task.attempt
        return message(step["send"], step.get("fields", {}), names)

    def _answer_frame(self, task: m.Task, step: dict[str, Any]) -> bytes:
        layout, payload = inline_payload(encode_portable(step["answer"]))
        payload = bytes.fromhex(step["payload"]) if "payload" in step else payload
        encoding = int(Encoding[step["encoding"]]) if "encoding" in step else int(Encoding.PORTABLE)
        entry = m.Return(ValueState.INLINE, encoding, layout, 0, 0, len(payload), 0)
        entry = entry._replace(**step.get("return", {}))
        result = m.Result(task.id, task.attempt, TaskStatus.OK, 1, (entry,) * step.get("returns", 1))
        for name, value in step.get("fields", {}).items():
            setattr(result, name, value if isinstance(value, int) else bytes.fromhex(value))
        return frame(FrameType.RESULT, result.encode(), payload)

    def _answer(self, sock: socket.socket, task: m.Task, step: dict[str, Any]) -> None:
        if task.num_returns == -1 and "returns" not in step:
            result = m.Result(task.id, task.attempt, TaskStatus.OK, 1)
            sock.sendall(frame(FrameType.RESULT, result.encode()))
            return
        sock.sendall(self._answer_frame(task, step))

    def _item(self, sock: socket.socket, task: m.Task, step: dict[str, Any]) -> None:
        layout, payload = inline_payload(encode_portable(step["item"]))
        entry = m.Return(ValueState.INLINE, Encoding.PORTABLE, layout, 0, 0, len(payload), 0)
        item = m.StreamItem(task.id, task.attempt + step.get("attempt", 0), step["index"], entry)
        self.send(sock, item, payload)

    def _store(self, task: m.Task, written: Any) -> None:
        """Write a value in the store, as the task's result."""
        image = image_of(written)
        grant, _ = self._ask(m.ExtentAllocate(0, len(image)), m.ExtentGrant)
        fd = os.open(grant.segment_path, os.O_RDWR)
        with mmap.mmap(fd, grant.segment_length) as mapped:
            mapped[grant.offset : grant.offset + len(image)] = image
        os.close(fd)
        self.send(self.node, m.SegmentMapped(grant.segment))
        ref = m.ObjectRef(task.id + bytes(4), 0, task.owner, task.home)
        location = m.Location(grant.segment, 0, grant.offset, len(image))
        self.send(self.node, m.ObjectSeal(ref, location, grant.extent, Encoding.PORTABLE))
        self._ask(m.RefHold(0), m.Ack)  # it is there


def main(session: str, slot: int, language: Language = Language.PYTHON) -> None:
    """Be a worker of the session."""
    PlayedWorker(session, slot, language).serve()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[-2], int(sys.argv[-1]), Language.JAVA)
