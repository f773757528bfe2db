"""Who is tested: a node in a process of its own, and its workers, each behind a player that speaks to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import Language, Role
from bowstring_wire.values.payload import inline_payload
from bowstring_wire.values.portable import encode_portable
from conformance.runner import LANGUAGES, ROOT, read_languages
from conformance.wire.player import Player
from tests.process.core.node_process import NodeProcess
from tests.process.core.wire_client import WireClient

START_MAX_S = 60.0
_LIBRARY = {
    "python": (Language.PYTHON, "conformance.languages.python.library"),
    "java": (Language.JAVA, "conformance.ConformanceLibrary"),
}
_COUNTER = {"python": ("conformance.languages.python.library", "Counter"), "java": ("conformance.Counter", "")}


def function_key(language: int, module: str, name: str, blob: bytes = b"") -> bytes:
    """The key of a function (spec 2.3/1)."""
    from hashlib import blake2b

    parts = [module.encode(), name.encode(), b"", blob]
    data = bytes([language]) + b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    return blake2b(data, digest_size=16).digest()


class NodeSubject:
    """A node; each case's player connects to it as a stranger."""

    def __init__(self, node: NodeProcess) -> None:
        self.node = node

    def player(self, folder: Path) -> Player:
        process = int.from_bytes(os.urandom(8), "little") | 1
        return Player(str(self.node.session / "node.sock"), self.node.token, folder, process)

    def done(self, player: Player) -> None:
        player.close()


class WorkerSubject:
    """A worker of a language, leased anew for each case by a driver whose caller the player is."""

    def __init__(self, node: NodeProcess, language: str) -> None:
        self.node, self.language = node, language
        self.number, self.module = _LIBRARY[language]
        known = read_languages()[language]
        known.prepare()
        self.class_path = tuple(known.fill(known.class_path)) if language == "java" else ()
        self._lease = 0

    def player(self, folder: Path) -> Player:
        driver = self.node.driver(
            Role.DRIVER, language=Language.OTHER, python_path=(str(ROOT),), class_path=self.class_path
        )
        resources = (m.Resource("CPU", 10_000),)
        driver.send(m.LeaseRequest(driver.request(), self.number, 1, 1, resources=resources))
        grant: Any
        grant, _ = driver.receive(m.LeaseGrant, m.Failure, timeout_s=START_MAX_S)
        assert isinstance(grant, m.LeaseGrant), grant
        self._lease = grant.lease
        player = ActorPlayer(
            self, grant.address, self.node.token, folder, driver.process, driver.welcome.job, driver.welcome.node,
            grant.epoch, self._key(driver), driver,
        )  # fmt: skip
        player.names["lease"] = grant.lease
        player.names["worker"] = grant.worker
        player.names["language"] = self.number
        return player

    def _key(self, driver: WireClient) -> Callable[[str], bytes]:
        known: dict[str, bytes] = {}

        def key(name: str) -> bytes:
            if name not in known:
                known[name] = function_key(self.number, self.module, name)
                driver.send(m.FunctionPut(known[name], self.number, self.module, name))
            return known[name]

        return key

    def done(self, player: Player) -> None:
        player.close()
        driver = player.clients["node"]
        driver.send(m.LeaseReturn(self._lease))
        driver.close()
        self.node.clients.remove(driver)


class ActorPlayer(Player):
    """A player that can have the node make an actor of the subject's language."""

    def __init__(self, worker: WorkerSubject, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.worker = worker
        self._late_blob = b"\0" + os.urandom(16)  # tells its key apart from all that were put before
        self.names["late_key"] = function_key(worker.number, worker.module, "echo", self._late_blob)

    def do_put_late(self, step: dict[str, Any]) -> None:
        """Put the function whose key is ``$late_key``."""
        worker, blob = self.worker, self._late_blob
        put = m.FunctionPut(self.names["late_key"], worker.number, worker.module, step["put_late"], "", len(blob))
        self.clients["node"].send(put, blob)

    def do_actor(self, step: dict[str, Any]) -> None:
        """Make a Counter, wait until it is alive, and connect to it."""
        driver = self.clients["node"]
        module, name = _COUNTER[self.worker.language]
        name = step.get("class", name)
        key = function_key(self.worker.number, module, name)
        driver.send(m.FunctionPut(key, self.worker.number, module, name))
        actor = self.names[f"task:{step['actor']}"]
        home = self.names["node"]
        handle = m.ActorHandle(
            m.ObjectRef(actor + bytes(4), 0, driver.process, home), self.worker.number, 1,
            max_pending_calls=-1, module=module, class_name=name, class_key=key, **step.get("handle", {}),
        )  # fmt: skip
        encoded = encode_portable(step.get("start", 0))
        layout, payload = inline_payload(encoded)
        arg = m.Arg(m.ArgKind.VALUE, encoded.encoding, layout, 0, 0, len(payload), 0, bytes(20), 0, 0, 0)
        creation = m.Task(actor, key, actor, driver.process, home, flags=m.TaskFlag.CREATION, args=(arg,))
        creation.num_returns, creation.caller_language = 1, Language.OTHER
        body = m_frame(creation, payload)
        driver.send(m.ActorCreate(driver.request(), handle, **step.get("fields", {})), body)
        driver.send(m.ActorSubscribe(actor))
        self.names["actor"], self.names["class"] = actor, key
        if step.get("alive", True):
            self.do_alive_actor({"alive_actor": step["actor"]})

    def do_actor_dead(self, step: dict[str, Any]) -> None:
        """The actor is dead, and the node says why."""
        driver = self.clients["node"]
        while True:
            state = driver.expect(m.ActorState, START_MAX_S)
            assert isinstance(state, m.ActorState)
            if state.life == m.ActorLife.DEAD:
                break
        self._check_error(state.error or m.ErrorRecord(), step["actor_dead"], step)

    def do_alive_actor(self, step: dict[str, Any]) -> None:
        """Wait until the actor takes calls, and connect to it."""
        driver = self.clients["node"]
        while True:
            state = driver.expect(m.ActorState, START_MAX_S)
            assert isinstance(state, m.ActorState)
            if state.life == m.ActorLife.ALIVE:
                break
        self.names["incarnation"] = state.incarnation
        self.names["address"] = state.address
        self.names["actor_worker"] = state.worker
        self.do_greet({"greet": step["alive_actor"], "to": "$address"})


def m_frame(message: m.Task, body: bytes) -> bytes:
    """A Task's frame, as the body of an ActorCreate is."""
    from bowstring_wire.protocol import frame

    return frame(m.FrameType.TASK, message.encode(), body)


__all__ = ["LANGUAGES", "NodeSubject", "WorkerSubject", "function_key"]
