"""A player that is both node and caller of a worker."""

from __future__ import annotations

from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Language
from bowstring_wire.protocol import frame
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable
from conformance.wire.actor_player import ALIVE_MAX_S, COUNTERS, ActorPlayer
from conformance.wire.conversation import WITHIN_S, Mismatch
from conformance.wire.keys import function_key
from conformance.wire.played_node import PlayedNode


class LonePlayer(ActorPlayer):
    """Knows what a node sends to a worker besides frames that are sent as they are written."""

    def __init__(self, node: PlayedNode, language: str, *arguments: Any) -> None:
        super().__init__(language, *arguments)
        self.played = node

    def run(self, steps: list[dict[str, Any]]) -> None:
        try:
            super().run(steps)
        except Mismatch as mismatch:
            status = self.played.worker.poll()
            if status is None:
                raise
            raise Mismatch(f"{mismatch}; the worker has ended with status {status}") from mismatch

    def do_begin(self, step: dict[str, Any]) -> None:
        """Have the worker be an actor, a Counter, and connect to it once it has started.

        With `shared` it has an address of its own. It is not connected to where `started` is false: its error is
        that code then.
        """
        name, incarnation = step["begin"], step.get("incarnation", 0)
        module, class_name = COUNTERS[self.language]
        key = function_key(self.number, module, class_name)
        self.played.knows(key, self.number, module, class_name)
        actor, home = self.names[f"task:{name}"], self.names["node"]
        ref = m.ObjectRef(actor + bytes(4), 0, self.process, home)
        handle = m.ActorHandle(ref, self.number, 1, module=module, class_name=class_name, class_key=key)
        encoded = encode_portable(step.get("start", 0))
        layout, payload = inline_payload(encoded)
        arg = m.Arg(m.ArgKind.VALUE, encoded.encoding, layout, 0, 0, len(payload), 0, bytes(20), 0, 0, 0)
        task = m.Task(actor, key, actor, self.process, home, flags=m.TaskFlag.CREATION, args=(arg,), num_returns=1)
        task.caller_language = Language.OTHER
        start: Any = m.ActorStart(handle, incarnation)
        address = str(self.played.folder / f"{name}{incarnation}.sock") if step.get("shared") else self.subject
        start.address = address if step.get("shared") else ""
        self.clients["node"].send(start, frame(FrameType.TASK, task.encode(), payload))
        started: Any = self.clients["node"].expect(m.ActorStarted, ALIVE_MAX_S)
        if (started.actor, started.incarnation, started.ok) != (actor, incarnation, step.get("started", True)):
            raise Mismatch(f"{started} is another actor, or it has come to another end")
        if not started.ok:
            self._check_error(started.error, step["error"], step)
            return
        self.names["actor"], self.names["class"], self.names["incarnation"] = actor, key, incarnation
        self.names[f"address of {name}"] = address
        self.actors[name] = {"actor": actor, "function": key, "epoch": incarnation}
        self.do_greet({"greet": name, "to": address})

    def do_value(self, step: dict[str, Any]) -> None:
        """Answer the worker's ObjectGet of an object with a value that is inline."""
        get: Any = self.clients["node"].expect(m.ObjectGet, WITHIN_S)
        if get.ref.id != self.names.resolve(step["value"]):
            raise Mismatch(f"{get} is of another object")
        layout, payload = inline_payload(encode_portable(step["is"]))
        answer = m.ObjectValue(get.request, m.ValueState.INLINE, m.Encoding.PORTABLE, layout, len(payload))
        self.clients["node"].send(answer, payload + bytes(-len(payload) % 8))

    def do_transcode(self, step: dict[str, Any]) -> None:
        """Ask the worker for the portable form of an object; the step's names hold its bytes, for each language."""
        payload = bytes.fromhex(self.names[self.language])
        node = self.clients["node"]
        ref = m.ObjectRef(self.names.resolve(step["transcode"]), 0, self.process, self.names["node"])
        own = m.Encoding.PYTHON if self.language == "python" else m.Encoding.JAVA
        asked = m.Transcode(node.request(), ref, m.Encoding.PORTABLE, m.ValueState.INLINE, own, m.Layout.COMPACT)
        asked.length = len(payload)
        node.send(asked, payload + bytes(-len(payload) % 8))

    def do_not_yet(self, step: dict[str, Any]) -> None:
        """No such frame has come on the connection before the worker has answered what it is asked now."""
        node = self.clients["node"]
        node.send(m.Inspect(node.request(), m.InspectKind.STACKS))
        node.expect(m.Inspected, WITHIN_S)
        kind = getattr(m, step["not_yet"])
        if not self.client.silent(kind, for_s=0):
            raise Mismatch(f"{step['not_yet']} has come")

    def do_behind(self, step: dict[str, Any]) -> None:
        """The frame has come to the node already: what came later was waited for."""
        kind = getattr(m, step["behind"])
        try:
            self.clients["node"].receive(kind, timeout_s=0)
        except TimeoutError as error:
            raise Mismatch(str(error)) from None

    def do_gone(self, step: dict[str, Any]) -> None:
        """Nobody listens at the address."""
        try:
            self.do_connect({"connect": "gone", "to": step["gone"]})
        except (FileNotFoundError, ConnectionRefusedError):
            return
        raise Mismatch("somebody listens there")
