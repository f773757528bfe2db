"""Steps about what the node knows: of objects and who holds them, of leases, of tasks and stacks."""

from __future__ import annotations

import time
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType, Layout
from bowstring_wire.protocol import frame
from conformance.wire.conversation import WITHIN_S, Conversation, Mismatch, decoded
from tests.process.waiting import wait_until


class NodeSteps(Conversation):
    """The node is asked for rows of its state, and these are compared."""

    def do_create(self, step: dict[str, Any]) -> None:
        """Send an ActorCreate; its parts say in what it differs from a good one."""
        facts = step["create"]
        if "job" in facts:
            self.job = facts["job"]
        actor, key = self.names["task:actor"], self.names["key:class"]
        ref = m.ObjectRef(actor + bytes(4), 0, self.process, self.names["node"])
        ref = ref._replace(**self._fields_of(facts.get("ref", {})))
        language = m.Language[facts.get("language", "PYTHON")]
        handle = m.ActorHandle(ref, language, 1, class_name="Counter", class_key=key)
        task = m.Task(actor, key, owner=self.process, home=self.names["node"], flags=m.TaskFlag.CREATION)
        task.num_returns = 1
        for name, value in self._fields("Task", facts.get("task", {})).items():
            setattr(task, name, value)
        body = frame(FrameType.TASK, task.encode()) * (2 if "twice" in facts else 1)
        if "inner" in facts:
            body = frame(FrameType[facts["inner"]], m.Ack(1).encode())
        if "body_hex" in facts:
            body = bytes.fromhex(facts["body_hex"])
        create = m.ActorCreate(self.client.request(), handle)
        for name, value in self._fields("ActorCreate", facts.get("fields", {})).items():
            setattr(create, name, value)
        self.client.send(create, body)

    def do_life(self, step: dict[str, Any]) -> None:
        """The node comes to tell that an actor is so far; ``as`` names parts of the state."""
        actor, wanted = self.names.resolve(step.get("of", "$task:actor")), m.ActorLife[step["life"]]
        while True:
            state: Any = self.client.expect(m.ActorState, WITHIN_S)
            if state.actor == actor and state.life == wanted:
                break
            if state.life == m.ActorLife.DEAD:
                raise Mismatch(f"{state} came before {wanted.name}")
        if "error" in step:
            self._check_error(state.error or m.ErrorRecord(), step["error"], step)
        for name, field in step.get("as", {}).items():
            self.names[name] = getattr(state, field)

    def do_references(self, step: dict[str, Any]) -> None:
        """Connections take (+) and drop (-) a reference, one after the other."""
        ref = self._fields_of(step["ref"])
        for part in step["references"]:
            self.current = part[0]
            change = m.RefChange(ref["id"], 0, ref["owner"], ref["home"], 1 if part[1] == "+" else -1, 0)
            self.client.send(m.RefUpdate((change,)))
            self.round_trip()

    def do_rows(self, step: dict[str, Any]) -> None:
        """The node tells these rows of a kind, and no others; of each the fields that are named count.

        With `soon` they come to be told. A filter is a list: field, operator, value.
        """
        filters = tuple(
            m.StateFilter(field, m.FilterOp[op], str(self.names.resolve(value)))
            for field, op, value in step.get("where", ())
        )
        deadline = time.monotonic() + (WITHIN_S if "soon" in step else 0)
        while True:
            try:
                self._check_rows(self._rows(m.StateKind[step["rows"]], filters), step["are"])
                return
            except Mismatch:
                if time.monotonic() > deadline:
                    raise

    def _rows(self, kind: m.StateKind, filters: tuple[m.StateFilter, ...] = ()) -> list[dict[str, Any]]:
        client = self.clients["node"] if self.is_worker else self.client
        client.send(m.StateQuery(client.request(), kind, filters))
        message, body = client.receive(m.StateReply, timeout_s=WITHIN_S)
        assert isinstance(message, m.StateReply)
        rows: list[dict[str, Any]] = decoded(m.Encoding.PORTABLE, Layout.COMPACT, body[: message.length])
        return rows

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

    def do_object(self, step: dict[str, Any]) -> None:
        """The node says that an object is in a state; "" if it does not know it, or knows it as freed."""
        state = self._state_of(self.names.resolve(step["object"]))
        if state != step["is"]:
            raise Mismatch(f"the object is {state!r}")

    def _state_of(self, object_: bytes) -> str:
        """What the node says of an object; "" if nothing."""
        rows = self._rows(m.StateKind.OBJECTS, (m.StateFilter("object", m.FilterOp.EQ, object_.hex()),))
        return str(rows[0]["state"]) if rows else ""

    def do_lines(self, step: dict[str, Any]) -> None:
        """The node tells what the worker has written, in whole lines."""
        text = ""
        while len(text) < len(step["lines"]):
            message: Any = self.client.expect(m.LogLines, WITHIN_S)
            if not message.text.endswith("\n") or message.stream != step["stream"]:
                raise Mismatch(f"{message} is no whole lines of stream {step['stream']}")
            text += message.text
        if text != step["lines"]:
            raise Mismatch(f"the lines are {text!r}")

    def do_lease_over(self, step: dict[str, Any]) -> None:
        """The worker has acknowledged that the lease is over, and the node knows."""
        rows: list[dict[str, Any]] = []
        wait_until(lambda: not self._leases(step["lease_over"], rows), WITHIN_S, f"the lease is over: {rows}")

    def do_leased(self, step: dict[str, Any]) -> None:
        """The node has not heard yet that the lease is over."""
        if not self._leases(step["leased"], []):
            raise Mismatch("the lease is over")

    def _leases(self, lease: Any, rows: list[dict[str, Any]]) -> bool:
        rows[:] = self._rows(m.StateKind.LEASES)
        return any(row["lease"] == self.names.resolve(lease) for row in rows)

    def do_shows_stacks(self, step: dict[str, Any]) -> None:
        """The worker tells the node its stacks, whatever it does."""
        rows = self._rows(m.StateKind.STACKS)
        worker = f"{self.names.resolve(step['shows_stacks']):016x}"
        if not any(row["process"] == worker and step["says"] in row["stack"] for row in rows):
            raise Mismatch(f"no stack of {worker} with {step['says']} among {len(rows)}")

    def do_told(self, step: dict[str, Any]) -> None:
        """The node has been told that the task ran."""
        task = self.names.resolve(step["told"]).hex()
        rows = self._rows(m.StateKind.TASKS, (m.StateFilter("task", m.FilterOp.EQ, task),))
        states = [row["state"] for row in rows]
        if states != [step["state"]]:
            raise Mismatch(f"the task is {states}")
