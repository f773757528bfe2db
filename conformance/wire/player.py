"""Plays one side of a conversation as a case's script says, against a peer that is real.

A player has connections by name. Those of the case's subject are the ones that the script opens; ``node`` is one that
is there already where the subject is a worker: the driver that has leased it. Frames that nobody expects yet are kept,
so the order between different types does not matter unless a step says ``next``.
"""

from __future__ import annotations

import mmap
import os
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import ErrorCode, FrameType, Language, Layout, Role
from bowstring_wire.protocol import MARK, PREFIX, SPEC_VERSION_MAX, SPEC_VERSION_MIN, frame, hello_proof
from bowstring_wire.values.payload import inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable
from conformance.languages.python.notation import difference as value_difference
from conformance.languages.python.notation import make
from conformance.wire import notation
from conformance.wire.notation import Names
from tests.process.core.wire_client import TYPE_NUMBERS, ConnectionEnded, WireClient
from tests.process.waiting import wait_until

WITHIN_S = float(os.environ.get("BOWSTRING_CONFORMANCE_WITHIN_S", "30"))  # for what must come
_TABLES = {kind.__name__: kind for kind in m.FRAME_TYPES.values()}


class Mismatch(Exception):
    """A step came to something else than the case says."""


def _decoded(encoding: int, layout: int, payload: bytes) -> Any:
    value = decode_portable(read_payload(m.Encoding(encoding), Layout(layout), payload))
    return bytes(value) if isinstance(value, memoryview) else value


class Player:
    """Runs the steps of one case.

    Args:
        subject: The path of the socket of the side that is tested.
        token: The session's secret.
        process, job, node: What the connections to the subject say of themselves, and where objects live.
        epoch: Of the lease on the subject, if it is a worker.
        key: The key of a function of the library in the subject's language, by its name; puts it at the node first.
        node_client: A driver's connection to the node, if the subject is a worker.
        folder: For files.
    """

    def __init__(
        self,
        subject: str,
        token: bytes,
        folder: Path,
        process: int,
        job: int = 0,
        node: int = 0,
        epoch: int = 0,
        key: Callable[[str], bytes] = lambda name: bytes(16),
        node_client: WireClient | None = None,
    ) -> None:
        self.subject, self.token, self.folder, self.process, self.key = subject, token, folder, process, key
        self.clients: dict[str, WireClient] = {}
        self.job = job
        self.names = Names(lambda: self.job)
        self.names["epoch"] = epoch
        self.names["process"] = process
        self.names["pid"] = os.getpid()
        self.names["node"] = node
        self.names["job"] = job
        self.names["none"] = bytes(16)
        self.names["folder"] = str(folder)
        self.is_worker = node_client is not None
        if node_client is not None:
            self.clients["node"] = node_client
        self.current = ""
        self.mapped: list[mmap.mmap] = []

    def run(self, steps: list[dict[str, Any]]) -> None:
        """Run the steps in order.

        Raises:
            Mismatch: one came to something else; the message names it.
        """
        for number, step in enumerate(steps, 1):
            try:
                self.step(step)
            except (Mismatch, TimeoutError, ConnectionEnded, KeyError, ValueError, AssertionError) as error:
                what = f"{type(error).__name__}: {error}" if not isinstance(error, Mismatch) else str(error)
                raise Mismatch(f"step {number} {str(step)[:300]}: {what}") from error

    def close(self) -> None:
        """Close what was opened."""
        for name, client in self.clients.items():
            if name != "node":
                client.close()

    def step(self, step: dict[str, Any]) -> None:
        """Run one step; its first key says what it is."""
        kind = next(key for key in step if key != "on")
        if "on" in step:
            self.current = step["on"]
        getattr(self, f"do_{kind}")(step)

    @property
    def client(self) -> WireClient:
        """The connection that steps without a name mean."""
        return self.clients[self.current]

    def do_steps(self, step: dict[str, Any]) -> None:
        """Several steps in the place of one."""
        for inner in step["steps"]:
            self.step(inner)

    # Connections -------------------------------------------------------------------------------------------------

    def do_connect(self, step: dict[str, Any]) -> None:
        """A connection that has said nothing yet."""
        name = step["connect"]
        client = WireClient(self.names.resolve(step.get("to", self.subject)), self.token)
        client.process = self.process
        self.clients[name] = client
        self.current = name

    def do_greet(self, step: dict[str, Any]) -> None:
        """Connect, and do the handshake."""
        self.do_connect({**step, "connect": step["greet"]})
        self.do_hello({"hello": step.get("fields", {})})
        welcome = self.client.expect(m.Welcome, WITHIN_S)
        assert isinstance(welcome, m.Welcome)
        self.client.welcome = welcome
        if not self.is_worker:
            self.job = welcome.job
            for name in ("job", "node"):
                self.names[name] = getattr(welcome, name)
            self.names["session"] = welcome.session_path

    def do_hello(self, step: dict[str, Any]) -> None:
        """Answer the Challenge; fields replace what a good Hello says."""
        challenge = self.client.expect(m.Challenge, WITHIN_S)
        assert isinstance(challenge, m.Challenge)
        self.names["nonce"] = challenge.nonce
        self.names["proof"] = hello_proof(self.token, challenge.nonce)
        role = Role.DRIVER
        fields = {"process": "$process", "job": "$job" if self.is_worker else 0, **step["hello"]}
        hello: Any = m.Hello(SPEC_VERSION_MIN, SPEC_VERSION_MAX, role, Language.OTHER, os.getpid())
        hello.proof = hello_proof(self.token, challenge.nonce)
        for name, value in self._fields("Hello", fields).items():
            setattr(hello, name, value)
        self.client.process = hello.process
        self.client.send(hello)

    def do_close(self, step: dict[str, Any]) -> None:
        self.clients.pop(step["close"]).close()

    def do_closed(self, step: dict[str, Any]) -> None:
        """The peer has closed; nothing but what ``unless`` names came before."""
        try:
            message, _ = self.client.receive(timeout_s=WITHIN_S)
        except ConnectionEnded:
            return
        raise Mismatch(f"{message} instead of the connection's end")

    def do_goaway(self, step: dict[str, Any]) -> None:
        """The peer said why, and closed."""
        try:
            message = self.client.expect(m.GoAway, WITHIN_S)
        except ConnectionEnded:
            raise Mismatch(f"the connection ended without GoAway; there came {self._kept()}") from None
        assert isinstance(message, m.GoAway)
        record = message.error or m.ErrorRecord()
        self._check_error(record, step["goaway"], step)
        if not record.message:
            raise Mismatch("the GoAway does not say what was wrong")
        try:
            while True:
                self.client.receive(timeout_s=WITHIN_S)
        except ConnectionEnded:
            pass

    def do_alive(self, step: dict[str, Any]) -> None:
        """The subject answers on the connection, or on a fresh one where it names none."""
        before = self.current
        if step["alive"] == "anew":
            if self.is_worker:
                self.do_greet({"greet": "anew", "fields": {"process": "$process"}})
            else:
                self.do_greet({"greet": "anew", "fields": {"process": int.from_bytes(os.urandom(8), "little") | 1}})
        else:
            self.current = step["alive"]
        self.round_trip()
        if step["alive"] == "anew":
            self.do_close({"close": "anew"})
        self.current = before

    def round_trip(self) -> None:
        """Ask something on the current connection, and take the answer."""
        if not self.is_worker or self.current == "node":
            self.client.send(m.RefHold(self.client.request(), ()))
            while True:
                ack = self.client.expect(m.Ack, WITHIN_S)
                assert isinstance(ack, m.Ack)
                if ack.request == self.client.requests:
                    return
        probe = f"probe{time.monotonic_ns()}"
        self.do_task({"task": "echo", "args": [probe], "id": f"task:{probe}"})
        self.do_result({"result": probe, "of": f"$task:{probe}"})

    # Frames out --------------------------------------------------------------------------------------------------

    def _fields(self, table: str, written: dict[str, Any]) -> dict[str, Any]:
        made = notation.message(table, written, self.names)
        return {name: getattr(made, name) for name in written}

    def _encoded(self, step: dict[str, Any]) -> bytes:
        table = step["send"]
        made: Any = notation.message(table, step.get("fields", {}), self.names)
        if "request" in made.__slots__ and "request" not in step.get("fields", {}):
            made.request = self.client.request()
        if step.get("as"):
            self.names[step["as"]] = made.request
        kind = step.get("type", TYPE_NUMBERS[type(made)])
        return frame(kind, made.encode(), self._body(step))

    @staticmethod
    def _body(step: dict[str, Any]) -> bytes:
        if "body_hex" in step:
            return bytes.fromhex(step["body_hex"])
        if "body" in step:
            _, payload = inline_payload(encode_portable(make(step["body"])))
            return payload
        if "body_text" in step:
            return str(step["body_text"]).encode()
        return b""

    def do_send(self, step: dict[str, Any]) -> None:
        """Send one frame."""
        self.client.sock.sendall(self._encoded(step) * step.get("times", 1))

    def do_together(self, step: dict[str, Any]) -> None:
        """Send several frames with one write."""
        parts = [
            self._task(part) if "task" in part or "method" in part else self._encoded(part) for part in step["together"]
        ]
        self.client.sock.sendall(b"".join(parts))

    def do_bytes(self, step: dict[str, Any]) -> None:
        """Send bytes as they are."""
        try:
            self.client.sock.sendall(bytes.fromhex(step["bytes"]))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_prefix(self, step: dict[str, Any]) -> None:
        """Send a prefix, and behind it as many zero bytes as ``zeros`` says."""
        facts = step["prefix"]
        kind = facts["type"]
        prefix = PREFIX.pack(
            facts.get("metadata", 16),
            int(FrameType[kind]) if isinstance(kind, str) else kind,
            facts.get("flags", 0),
            facts.get("mark", MARK),
            facts.get("body", 0),
        )
        try:
            self.client.sock.sendall(prefix + bytes(step.get("zeros", 0)))
        except (BrokenPipeError, ConnectionResetError):
            pass

    def do_drip(self, step: dict[str, Any]) -> None:
        """Send frames that are skipped, so many bytes at a time."""
        data = frame(0x9000, m.Ack(1).encode(), bytes(8)) * 2
        for at in range(0, len(data), step["drip"]):
            self.client.sock.sendall(data[at : at + step["drip"]])

    def do_damaged(self, step: dict[str, Any]) -> None:
        """Send a frame in which bytes are replaced by ``hex``, from ``at`` on: in the metadata, or from ``text`` on."""
        part = step["damaged"]
        data = bytearray(self._task(part) if "task" in part else self._encoded(part))
        at = data.index(step["text"].encode()) if "text" in step else 16
        at, new = at + step["at"], bytes.fromhex(step["hex"])
        data[at : at + len(new)] = new
        self.client.sock.sendall(bytes(data))

    def _task(self, step: dict[str, Any]) -> bytes:
        """A call of the library's function, or of a method; ``fields`` replace what it says."""
        id_ = self.names[step.get("id", "task:task")]
        body = b""
        args = []
        for written in step.get("args", ()):
            if isinstance(written, dict) and "$ref" in written:
                object_ = self.names.resolve(written["$ref"])
                args.append(m.Arg(m.ArgKind.REF, 0, 0, 0, 0, 0, 0, object_, 0, self.process, self.names["node"]))
                continue
            if isinstance(written, dict) and "$path" in written:
                written = str(self.folder / written["$path"])
            encoded = encode_portable(make(written))
            layout, payload = inline_payload(encoded)
            args.append(
                m.Arg(m.ArgKind.VALUE, encoded.encoding, layout, 0, len(body), len(payload), 0, bytes(20), 0, 0, 0)
            )
            body += payload + bytes(-len(payload) % 8)
        task: Any = m.Task(id_, owner=self.process, home=self.names["node"], args=tuple(args), num_returns=1)
        task.caller_language = Language.OTHER
        if "method" in step:
            task.method, task.flags, task.actor = step["method"], m.TaskFlag.METHOD, self.names["actor"]
            task.function, task.epoch = self.names["class"], self.names["incarnation"]
        else:
            task.function, task.epoch = self.key(step["task"]), self.names["epoch"]
        for name, value in self._fields("Task", step.get("fields", {})).items():
            setattr(task, name, value)
        return frame(FrameType.TASK, task.encode(), body)

    def do_task(self, step: dict[str, Any]) -> None:
        """Send a Task that names a function of the library."""
        self.client.sock.sendall(self._task(step) * step.get("times", 1))

    def do_task_bytes(self, step: dict[str, Any]) -> None:
        """Send a Task with one argument whose payload is as it is written."""
        payload = bytes.fromhex(step["hex"])
        arg = {
            "kind": "VALUE",
            "encoding": step.get("encoding", "PORTABLE"),
            "layout": step.get("layout", "COMPACT"),
            "length": len(payload),
            "reserved": step.get("reserved", 0),
            "flags": step.get("reserved", 0),
        }
        part = {"id": step.get("id", "task:task"), "fields": {"args": [arg]}}
        whole = self._task({"task": step["task_bytes"], **part})
        metadata = whole[16:]
        self.client.sock.sendall(frame(FrameType.TASK, metadata, payload))

    def do_until_back(self, step: dict[str, Any]) -> None:
        """Send a call, which comes back because the worker waits; then it has taken what was sent before."""
        id_ = f"task:back{time.monotonic_ns()}"
        self.do_task({"task": step["until_back"], "args": [0], "id": id_})
        self.do_expect({"expect": "Returned", "fields": {"id": f"${id_}"}})

    def do_known(self, step: dict[str, Any]) -> None:
        """The node knows the object with this index (big-endian) of the task."""
        if self._state_of(self._item(step["known"])) in ("", "unknown"):
            raise Mismatch("the node does not know the object")

    def do_unknown(self, step: dict[str, Any]) -> None:
        """The node has not heard of the object with this index of the task."""
        state = self._state_of(self._item(step["unknown"]))
        if state not in ("", "unknown"):
            raise Mismatch(f"the object is {state}")

    def _item(self, index: str) -> bytes:
        return bytes(self.names["task:task"]) + bytes.fromhex(index)[::-1]

    def _state_of(self, object_: bytes) -> str:
        """What the node says of an object."""
        client = self.client
        client.send(m.StateQuery(client.request(), m.StateKind.OBJECTS, (m.StateFilter("object", 1, object_.hex()),)))
        message, body = client.receive(m.StateReply, timeout_s=WITHIN_S)
        assert isinstance(message, m.StateReply)
        rows = _decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length])
        return rows[0]["state"] if rows else ""

    def do_create(self, step: dict[str, Any]) -> None:
        """Send an ActorCreate; its parts say in what it differs from a good one."""
        facts = step["create"]
        if "job" in facts:
            self.job = facts["job"]
        actor, key = self.names["task:actor"], self.names["key:class"]
        ref = m.ObjectRef(actor + bytes(4), 0, self.process, self.names["node"])
        ref = ref._replace(**self._fields_of(facts.get("ref", {})))
        handle = m.ActorHandle(ref, Language.PYTHON, 1, class_name="Counter", class_key=key)
        task = m.Task(actor, key, owner=self.process, home=self.names["node"], flags=m.TaskFlag.CREATION)
        task.num_returns = 1
        for name, value in self._fields("Task", facts.get("task", {})).items():
            setattr(task, name, value)
        body = frame(FrameType.TASK, task.encode()) * (2 if "twice" in facts else 1)
        if "inner" in facts:
            body = frame(FrameType[facts["inner"]], m.Ack(1).encode())
        if "body_hex" in facts:
            body = bytes.fromhex(facts["body_hex"])
        self.client.send(m.ActorCreate(self.client.request(), handle), body)

    def _fields_of(self, written: dict[str, Any]) -> dict[str, Any]:
        return {name: self.names.resolve(value) for name, value in written.items()}

    def do_references(self, step: dict[str, Any]) -> None:
        """Connections take (+) and drop (-) a reference, one after the other."""
        ref = self._fields_of(step["ref"])
        for part in step["references"]:
            self.current = part[0]
            change = m.RefChange(ref["id"], 0, ref["owner"], ref["home"], 1 if part[1] == "+" else -1, 0)
            self.client.send(m.RefUpdate((change,)))
            self.round_trip()

    def do_object(self, step: dict[str, Any]) -> None:
        """The node says that an object is in a state; "" if it does not know it, or knows it as freed."""
        state = self._state_of(self.names.resolve(step["object"]))
        if state != step["is"]:
            raise Mismatch(f"the object is {state!r}")

    def do_backed(self, step: dict[str, Any]) -> None:
        """The memory of the file takes no more room when it is written."""
        path, length = self.names.resolve(step["backed"]), step["length"]
        blocks = os.stat(path).st_blocks * 512
        if blocks < length:
            raise Mismatch(f"{blocks} bytes of {length} are backed")

    def do_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for writing."""
        fd = os.open(self.names.resolve(step["writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096).close()
        finally:
            os.close(fd)

    def do_not_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for reading alone."""
        fd = os.open(self.names.resolve(step["not_writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096, prot=mmap.PROT_READ).close()
            mmap.mmap(fd, 4096).close()
        except PermissionError:
            return
        finally:
            os.close(fd)
        raise Mismatch("it can be mapped for writing")

    def do_archive(self, step: dict[str, Any]) -> None:
        """Make a zip archive."""
        with zipfile.ZipFile(self.folder / step["archive"], "w") as archive:
            for name in step["entries"]:
                archive.writestr(name, "inside = True\n")
            for name in step.get("links", ()):
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, "/etc/passwd")

    def do_send_archive(self, step: dict[str, Any]) -> None:
        """Ask for an environment with it."""
        environment = m.Environment(modules=(str(self.folder / step["send_archive"]),))
        self.client.send(m.EnvironmentMake(self.client.request(), environment))

    def do_nowhere(self, step: dict[str, Any]) -> None:
        """No such file was made: not beside the archive, not above it, not below the session's folder."""
        name = step["nowhere"]
        session = Path(self.names["session"])
        found = [path for path in (self.folder.parent / name, Path("/tmp") / name) if path.exists()]
        found += session.rglob(name)
        if found:
            raise Mismatch(f"there is {found}")

    def do_call(self, step: dict[str, Any]) -> None:
        """Send a Task that names a method of the actor."""
        self.client.sock.sendall(self._task({**step, "method": step["call"]}))

    # Frames in ---------------------------------------------------------------------------------------------------

    def _kept(self) -> list[Message]:
        return [message for message, _ in self.client._frames]

    def _receive(self, kind: str, step: dict[str, Any]) -> tuple[Any, bytes]:
        if not step.get("next"):
            return self.client.receive(_TABLES[kind], timeout_s=step.get("within", WITHIN_S))
        message, body = self.client.receive(timeout_s=step.get("within", WITHIN_S))
        if type(message).__name__ != kind:
            raise Mismatch(f"{message} came instead of {kind}")
        return message, body

    def do_expect(self, step: dict[str, Any]) -> None:
        """The frame comes, and its fields are so."""
        message, body = self._receive(step["expect"], step)
        found = notation.difference(message, step.get("fields", {}), self.names)
        if found:
            raise Mismatch(f"{message}: {found}")
        if "error" in step:
            self._check_error(message.error or m.ErrorRecord(), step["error"], step)
        for name, field in step.get("as", {}).items():
            self.names[name] = getattr(message, field)
        if "value" in step:
            self._check_value(message, body, step["value"])

    def _check_value(self, message: Any, body: bytes, written: Any) -> None:
        """Of an ObjectValue, a StateReply or the like: its payload."""
        payload = body[: message.length]
        portable = isinstance(message, m.StateReply | m.Inspected)
        encoding = m.Encoding.PORTABLE if portable else message.encoding
        layout = Layout.COMPACT if portable else message.layout
        found = value_difference(_decoded(encoding, layout, payload), written)
        if found:
            raise Mismatch(found)

    def do_result(self, step: dict[str, Any]) -> None:
        """A Result of a task comes; with a value, or with ``error``."""
        wanted = self.names.resolve(step.get("of", "$task:task"))
        message, body = self._receive("Result", step)
        others = []
        while message.id != wanted:
            if step.get("next"):
                raise Mismatch(f"{message} is of another task than {wanted.hex()}")
            others.append((message, body))
            message, body = self._receive("Result", step)
        self.client._frames[:0] = others
        fields = notation.difference(message, step.get("fields", {}), self.names)
        if fields:
            raise Mismatch(f"{message}: {fields}")
        if "error_of" in step:
            if message.returns[0].encoding != m.Encoding.ERROR:
                raise Mismatch(f"{message} is no error")
            return
        if "error" in step:
            for entry in message.returns:
                if entry.encoding != m.Encoding.ERROR:
                    raise Mismatch(f"{message} is no error")
                record = m.ErrorRecord.decode(body[entry.offset : entry.offset + entry.length])
                self._check_error(record, step["error"], step)
            return
        if step["result"] is None and "of" not in step and not message.returns:
            return
        entry = message.returns[0]
        payload = body[entry.offset : entry.offset + entry.length]
        if entry.encoding == m.Encoding.ERROR:
            raise Mismatch(f"the error {m.ErrorRecord.decode(payload)}")
        found = value_difference(_decoded(entry.encoding, entry.layout, payload), step["result"])
        if found:
            raise Mismatch(found)

    def do_item(self, step: dict[str, Any]) -> None:
        """A StreamItem comes."""
        message, body = self._receive("StreamItem", step)
        found = notation.difference(message, step.get("fields", {}), self.names)
        if found:
            raise Mismatch(f"{message}: {found}")
        entry = message.value
        payload = body[entry.offset : entry.offset + entry.length]
        difference = value_difference(_decoded(entry.encoding, entry.layout, payload), step["item"])
        if difference:
            raise Mismatch(difference)

    def do_failure(self, step: dict[str, Any]) -> None:
        """A request fails; the last one unless ``request`` names another."""
        message, _ = self._receive("Failure", step)
        wanted = self.names.resolve(step["request"]) if "request" in step else self.client.requests
        if message.request != wanted:
            raise Mismatch(f"{message} answers another request than {wanted}")
        self._check_error(message.error or m.ErrorRecord(), step["failure"], step)

    @staticmethod
    def _check_error(record: m.ErrorRecord, code: str, step: dict[str, Any]) -> None:
        if ErrorCode(record.code).name != code:
            raise Mismatch(f"the error is {ErrorCode(record.code).name}: {record.message[:600]}, expected {code}")
        if step.get("says", "") not in record.message:
            raise Mismatch(f"the message lacks {step['says']!r}: {record.message[:600]}")
        if "may_have_executed" in step and record.may_have_executed is not step["may_have_executed"]:
            raise Mismatch(f"may_have_executed is {record.may_have_executed}")

    def do_never(self, step: dict[str, Any]) -> None:
        """None of these frames has come by the time that a question asked now is answered."""
        self.round_trip()
        there = [message for message in self._kept() if type(message).__name__ in step["never"]]
        if there:
            raise Mismatch(f"there came {there}")

    # The world around --------------------------------------------------------------------------------------------

    def do_touch(self, step: dict[str, Any]) -> None:
        (self.folder / step["touch"]).touch()

    def do_file(self, step: dict[str, Any]) -> None:
        """The peer has made a file."""
        path = self.folder / step["file"]
        wait_until(path.exists, WITHIN_S, f"there is {path.name}")

    def do_lease_over(self, step: dict[str, Any]) -> None:
        """The worker has acknowledged that the lease is over, and the node knows."""
        rows: list[dict[str, Any]] = []
        wait_until(lambda: not self._leases(step["lease_over"], rows), WITHIN_S, f"the lease is over: {rows}")

    def do_leased(self, step: dict[str, Any]) -> None:
        """The node has not heard yet that the lease is over."""
        if not self._leases(step["leased"], []):
            raise Mismatch("the lease is over")

    def _leases(self, lease: Any, rows: list[dict[str, Any]]) -> bool:
        client = self.clients["node"]
        client.send(m.StateQuery(client.request(), m.StateKind.LEASES))
        message, body = client.receive(m.StateReply, timeout_s=WITHIN_S)
        assert isinstance(message, m.StateReply)
        rows[:] = _decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length])
        return any(row["lease"] == self.names.resolve(lease) for row in rows)

    def do_shows_stacks(self, step: dict[str, Any]) -> None:
        """The worker tells the node its stacks, whatever it does."""
        client = self.clients["node"]
        client.send(m.StateQuery(client.request(), m.StateKind.STACKS))
        message, body = client.receive(m.StateReply, timeout_s=WITHIN_S)
        assert isinstance(message, m.StateReply)
        rows = _decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length])
        worker = f"{self.names.resolve(step['shows_stacks']):016x}"
        if not any(row["process"] == worker and step["says"] in row["stack"] for row in rows):
            raise Mismatch(f"no stack of {worker} with {step['says']} among {len(rows)}")

    def do_told(self, step: dict[str, Any]) -> None:
        """The node has been told that the task ran."""
        client = self.clients["node"]
        task = self.names.resolve(step["told"]).hex()
        client.send(m.StateQuery(client.request(), m.StateKind.TASKS, (m.StateFilter("task", 1, task),)))
        message, body = client.receive(m.StateReply, timeout_s=WITHIN_S)
        assert isinstance(message, m.StateReply)
        states = [row["state"] for row in _decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length])]
        if states != [step["state"]]:
            raise Mismatch(f"the task is {states}")

    def do_flood(self, step: dict[str, Any]) -> None:
        """Send many calls with large values and read no answer before the last is written; then all of them."""
        value = {"$pattern": step["size"]}
        count = step["flood"]
        for number in range(count):
            self.do_task({"task": "echo", "args": [value], "id": f"task:flood{number}"})
        for number in range(count):
            self.do_result({"result": value, "of": f"$task:flood{number}"})

    def do_no_file(self, step: dict[str, Any]) -> None:
        if (self.folder / step["no_file"]).exists():
            raise Mismatch(f"there is {step['no_file']}")
