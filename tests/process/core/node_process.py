"""A real node in a process of its own, and the check that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from bowstring_wire.messages import Role
from tests.process.core.wire_client import WireClient, wait_until

ROOT = Path(__file__).resolve().parents[3]


class NodeProcess:
    """A node that was started as a frontend would."""

    def __init__(
        self,
        root: Path,
        *arguments: str,
        worker_module: str = "tests.process.core.spec_worker",
        variables: dict[str, str] | None = None,
    ) -> None:
        self.root = root
        environment = dict(
            os.environ, BOWSTRING_TMP=str(root), PYTHONWARNINGS="error", XDG_CACHE_HOME=str(root / "cache")
        )
        environment.update(variables or {})
        environment["PYTHONPATH"] = os.pathsep.join([*sys.path[1:], str(ROOT)])
        argv = [sys.executable, "-m", "bowstring_core.node", "--worker-module", worker_module, *arguments]
        self.popen = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE)
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, "the node wrote nothing"
        facts = json.loads(line)
        assert self.popen.stdout.read() == b"", "the node kept its stdout open"
        self.popen.stdout.close()
        self.session = Path(facts["session"])
        self.pid = facts["pid"]
        self.token = (self.session / "token").read_bytes()
        self.clients: list[WireClient] = []

    def stranger(self) -> WireClient:
        client = WireClient(self.session / "node.sock", self.token)
        self.clients.append(client)
        return client

    def driver(self, role: Role = Role.DRIVER, **fields: object) -> WireClient:
        return self.stranger().greet(role, **fields)

    def family(self) -> list[psutil.Process]:
        """The node's processes that live, itself among them."""
        try:
            node = psutil.Process(self.pid)
            return [node, *node.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def log(self) -> str:
        return (self.session / "logs" / "node.log").read_text()

    def folders(self) -> list[Path]:
        return [path for root in self.root.glob("bowstring-*") for path in root.iterdir()]

    def end(self) -> None:
        for client in self.clients:
            client.close()
        family = self.family()
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            self.popen.wait(3)
        self.assert_nothing_left(family)

    def assert_nothing_left(self, family: list[psutil.Process], deadline_s: float = 3) -> None:
        def nothing_left() -> bool:
            alive = [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
            return not alive and not self.session.exists()

        try:
            wait_until(nothing_left, deadline_s)
        except AssertionError:
            raise AssertionError(f"left behind: {[p for p in family if p.is_running()]}, {self.folders()}") from None
