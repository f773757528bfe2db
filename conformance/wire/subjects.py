"""Who is tested: a node in a process of its own, and its workers, each behind a player that speaks to it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.messages import Language, Role
from conformance.runner import ROOT, read_languages
from conformance.wire.actor_player import ActorPlayer
from conformance.wire.keys import function_key
from conformance.wire.lone_player import LonePlayer
from conformance.wire.played_node import EPOCH, JOB, PlayedNode
from conformance.wire.player import Player
from tests.process.core.node_process import NodeProcess
from tests.process.core.wire_client import WireClient

START_MAX_S = 60.0
_LIBRARY = {
    "python": (Language.PYTHON, "conformance.languages.python.library"),
    "java": (Language.JAVA, "conformance.ConformanceLibrary"),
}


class LoneWorkerSubject:
    """A worker of a language whose node is played too; each case has its own."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.number, self.module = _LIBRARY[language]
        known = read_languages()[language]
        known.prepare()
        self.class_path = tuple(known.fill(known.class_path)) if language == "java" else ()

    def player(self, folder: Path) -> LonePlayer:
        node = PlayedNode(self.language, self.class_path)

        def key(name: str) -> bytes:
            made = function_key(self.number, self.module, name)
            node.knows(made, self.number, self.module, name)
            return made

        player = LonePlayer(
            node, self.language, self.number, self.module,
            node.hello.address, node.token, folder, node.process ^ 2, JOB, node.process, EPOCH, key, node.link,
        )  # fmt: skip
        player.names["epoch"] = EPOCH
        player.names["worker_pid"] = node.hello.pid
        return player

    def done(self, player: Player) -> None:
        assert isinstance(player, LonePlayer)
        player.close()
        player.played.end()


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
            self.language, self.number, self.module,
            grant.address, self.node.token, folder, driver.process, driver.welcome.job, driver.welcome.node,
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
