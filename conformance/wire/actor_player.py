"""A player that can have the node make actors of a worker's language."""

from __future__ import annotations

import os
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import Language
from bowstring_wire.protocol import frame
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable
from conformance.wire.conversation import Mismatch
from conformance.wire.keys import function_key
from conformance.wire.player import Player

ALIVE_MAX_S = 60.0
COUNTERS = {"python": ("conformance.languages.python.library", "Counter"), "java": ("conformance.Counter", "")}


class ActorPlayer(Player):
    """A player that can have the node make an actor of the subject's language."""

    def __init__(self, language: str, number: Language, module: str, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.language, self.number, self.module = language, number, module
        self._late_blob = b"\0" + os.urandom(16)  # tells its key apart from all that were put before
        self.names["late_key"] = function_key(number, module, "echo", self._late_blob)

    def do_put_late(self, step: dict[str, Any]) -> None:
        """Put the function whose key is ``$late_key``."""
        blob = self._late_blob
        put = m.FunctionPut(self.names["late_key"], self.number, self.module, step["put_late"], "", len(blob))
        self.clients["node"].send(put, blob)

    def do_actor(self, step: dict[str, Any]) -> None:
        """Make a Counter, wait until it is alive, and connect to it."""
        driver = self.clients["node"]
        module, name = COUNTERS[self.language]
        name = step.get("class", name)
        key = function_key(self.number, module, name)
        driver.send(m.FunctionPut(key, self.number, module, name))
        actor = self.names[f"task:{step['actor']}"]
        home = self.names["node"]
        handle = m.ActorHandle(
            m.ObjectRef(actor + bytes(4), 0, driver.process, home), self.number, 1,
            max_pending_calls=-1, module=module, class_name=name, class_key=key, **step.get("handle", {}),
        )  # fmt: skip
        encoded = encode_portable(step.get("start", 0))
        layout, payload = inline_payload(encoded)
        arg = m.Arg(m.ArgKind.VALUE, encoded.encoding, layout, 0, 0, len(payload), 0, bytes(20), 0, 0, 0)
        creation = m.Task(actor, key, actor, driver.process, home, flags=m.TaskFlag.CREATION, args=(arg,))
        creation.num_returns, creation.caller_language = 1, Language.OTHER
        body = frame(m.FrameType.TASK, creation.encode(), payload)
        driver.send(m.ActorCreate(driver.request(), handle, **step.get("fields", {})), body)
        driver.send(m.ActorSubscribe(actor))
        self.names["actor"], self.names["class"] = actor, key
        if step.get("alive", True):
            self.do_alive_actor({"alive_actor": step["actor"]})

    def do_actor_dead(self, step: dict[str, Any]) -> None:
        """The actor is dead, and the node says why."""
        driver = self.clients["node"]
        while True:
            state = driver.expect(m.ActorState, ALIVE_MAX_S)
            assert isinstance(state, m.ActorState)
            if state.life == m.ActorLife.DEAD:
                break
        self._check_error(state.error or m.ErrorRecord(), step["actor_dead"], step)

    def do_alive_actor(self, step: dict[str, Any]) -> None:
        """Wait until the actor takes calls, and connect to it."""
        driver = self.clients["node"]
        actor = self.names[step["of"]] if "of" in step else self.names["actor"]
        others = []
        while True:
            state, body = driver.receive(m.ActorState, timeout_s=ALIVE_MAX_S)
            assert isinstance(state, m.ActorState)
            if state.actor != actor:
                others.append((state, body))
            elif state.life == m.ActorLife.ALIVE:
                break
            elif state.life == m.ActorLife.DEAD:
                raise Mismatch(f"the actor is dead: {state.error}")
        driver._frames[:0] = others
        self.names["incarnation"] = state.incarnation
        self.names["address"] = state.address
        self.names["actor_worker"] = state.worker
        name = step["alive_actor"]
        self.names[f"address of {name}"] = state.address
        self.actors[name] = {"actor": actor, "function": self.names["class"], "epoch": state.incarnation}
        self.do_greet({"greet": name, "to": "$address"})
