"""One side of a conversation, as a case's script says it: connections, handshakes, and frames that must come.

A conversation has connections by name. Those of the case's subject are the ones that the script opens; ``node`` is one
that is there already where the subject is a worker: the driver that has leased it. Frames that nobody expects yet are
kept, so the order between different types does not matter unless a step says ``next``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import ErrorCode, Language, Layout, Role
from bowstring_wire.protocol import SPEC_VERSION_MAX, SPEC_VERSION_MIN, hello_proof
from bowstring_wire.values.payload import read_payload
from bowstring_wire.values.portable import decode_portable
from conformance.languages.python.notation import difference as value_difference
from conformance.wire import notation
from conformance.wire.notation import Names
from tests.process.core.wire_client import ConnectionEnded, WireClient

WITHIN_S = float(os.environ.get("BOWSTRING_CONFORMANCE_WITHIN_S", "30"))  # for what must come
_TABLES = {kind.__name__: kind for kind in m.FRAME_TYPES.values()}


class Mismatch(Exception):
    """A step came to something else than the case says."""


def decoded(encoding: int, layout: int, payload: bytes) -> Any:
    """The value that a payload holds."""
    value = decode_portable(read_payload(m.Encoding(encoding), Layout(layout), payload))
    return bytes(value) if isinstance(value, memoryview) else value


class Conversation:
    """Runs the steps of one case; the step ``{"X": ...}`` is the method ``do_X``.

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
        self.actors: dict[str, dict[str, Any]] = {}  # by connection: what calls of its actor carry

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

    def do_names(self, step: dict[str, Any]) -> None:
        """Give names to values, so that variants of a case can differ in them."""
        for name, value in step["names"].items():
            self.names[name] = self.names.resolve(value)

    def do_same(self, step: dict[str, Any]) -> None:
        """Two values are one."""
        first, second = map(self.names.resolve, step["same"])
        if first != second:
            raise Mismatch(f"{first!r} and {second!r} differ")

    def do_different(self, step: dict[str, Any]) -> None:
        """Two values differ."""
        first, second = map(self.names.resolve, step["different"])
        if first == second:
            raise Mismatch(f"both are {first!r}")

    def do_steps(self, step: dict[str, Any]) -> None:
        """Several steps in the place of one."""
        for inner in step["steps"]:
            self.step(inner)

    def do_connect(self, step: dict[str, Any]) -> None:
        """A connection that has said nothing yet."""
        name = step["connect"]
        client = WireClient(self.names.resolve(step.get("to", self.subject)), self.token)
        if name in self.clients:
            self.clients[name].close()
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

    def do_ended_without(self, step: dict[str, Any]) -> None:
        """The connection ends, and no such frame came before."""
        came = []
        try:
            while True:
                came.append(self.client.receive(timeout_s=WITHIN_S)[0])
        except ConnectionEnded:
            pass
        if any(type(message).__name__ == step["ended_without"] for message in came):
            raise Mismatch(f"there came {came}")

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
        """Ask the node something on the current connection, and take the answer."""
        self.client.send(m.RefHold(self.client.request(), ()))
        while True:
            ack = self.client.expect(m.Ack, WITHIN_S)
            assert isinstance(ack, m.Ack)
            if ack.request == self.client.requests:
                return

    def _fields(self, table: str, written: dict[str, Any]) -> dict[str, Any]:
        made = notation.message(table, written, self.names)
        return {name: getattr(made, name) for name in written}

    def _fields_of(self, written: dict[str, Any]) -> dict[str, Any]:
        return {name: self.names.resolve(value) for name, value in written.items()}

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
        """The frame comes, and its fields are so; with ``among`` others of its type may come before."""
        message, body = self._receive(step["expect"], step)
        found = notation.difference(message, step.get("fields", {}), self.names)
        while found and step.get("among"):
            message, body = self._receive(step["expect"], step)
            found = notation.difference(message, step.get("fields", {}), self.names)
        if found:
            raise Mismatch(f"{message}: {found}")
        if "error" in step:
            self._check_error(message.error or m.ErrorRecord(), step["error"], step)
        for name, field in step.get("as", {}).items():
            self.names[name] = getattr(message, field)
        for entry, wanted in zip(getattr(message, "returns", ()), step.get("returns", ()), strict="returns" in step):
            if any(getattr(entry, name) != value for name, value in wanted.items()):
                raise Mismatch(f"{entry} has not {wanted}")
        if "value" in step:
            self._check_value(message, body, self.names.resolve(step["value"]))
        if "rows" in step:
            self._check_rows(decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length]), step["rows"])

    def _check_rows(self, found: list[dict[str, Any]], written: list[dict[str, Any]]) -> None:
        """Rows of state: as many as are expected, and each with the fields that are named."""
        expected = [self._fields_of(row) for row in written]
        same = len(found) == len(expected) and all(
            row.items() >= wanted.items() for row, wanted in zip(found, expected, strict=True)
        )
        if not same:
            raise Mismatch(f"the rows are {str(found)[:2000]}, expected {str(expected)[:1000]}")

    def _check_value(self, message: Any, body: bytes, written: Any) -> None:
        """Of an ObjectValue, a StateReply or the like: its payload."""
        payload = body[: message.length]
        portable = isinstance(message, m.StateReply | m.Inspected)
        encoding = m.Encoding.PORTABLE if portable else message.encoding
        layout = Layout.COMPACT if portable else message.layout
        found = value_difference(decoded(encoding, layout, payload), written)
        if found:
            raise Mismatch(found)

    def do_failure(self, step: dict[str, Any]) -> None:
        """A request fails; the last one unless ``request`` names another."""
        message, _ = self._receive("Failure", step)
        wanted = self.names.resolve(step["request"]) if "request" in step else self.client.requests
        if message.request != wanted:
            raise Mismatch(f"{message} answers another request than {wanted}")
        self._check_error(message.error or m.ErrorRecord(), self.names.resolve(step["failure"]), step)

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
