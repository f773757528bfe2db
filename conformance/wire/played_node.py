"""A node that is a script: it starts one worker, says who is who, and leaves the rest to the case.

The worker is a process of its own, which speaks to nobody else. What it tells the node can so be seen as it comes.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bowstring_core.node.jvm import JvmLauncher
from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import FRAME_TYPES, Language, Role
from bowstring_wire.protocol import proof_is_valid
from conformance.runner import ROOT
from tests.process.core.wire_client import ConnectionEnded, WireClient

START_MAX_S = 60.0
SLOT, JOB, EPOCH = 7, 3, 5
_PYTHON = "import sys; from bowstring.worker import main; main(sys.argv[1], int(sys.argv[2]))"


class WorkerLink(WireClient):
    """The worker's connection to its node. A thread reads it, since the worker may ask whatever the script waits for.

    Asked for a function that the script has named, it answers by itself; all else is the script's.
    """

    def __init__(self, sock: socket.socket, token: bytes) -> None:
        super().__init__("", token, sock)
        self.functions: dict[bytes, m.Function] = {}
        self._came = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="played-node")
        sock.settimeout(None)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = self.sock.recv(1 << 20)
            except OSError:
                data = b""
            with self._came:
                for kind, metadata, body in self._parser.feed(data) if data else ():
                    message: Any = FRAME_TYPES[kind].decode(metadata)
                    function = self.functions.get(message.key) if isinstance(message, m.FunctionGet) else None
                    if function is not None:
                        function.request = message.request
                        self.send(function)
                    else:
                        self._frames.append((message, body))
                self._ended = not data
                self._came.notify_all()
            if not data:
                return

    def receive(self, *kinds: type[Message], timeout_s: float = 10) -> tuple[Message, bytes]:
        deadline = time.monotonic() + timeout_s
        with self._came:
            while True:
                for index, (message, _) in enumerate(self._frames):
                    if not kinds or isinstance(message, kinds):
                        return self._frames.pop(index)
                if self._ended:
                    raise ConnectionEnded
                if not self._came.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {[k.__name__ for k in kinds]}; there are {self._frames}")

    def close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the worker was first
        self._reader.join()
        super().close()


class PlayedNode:
    """Starts a worker and welcomes it; it is bound to a job, and leased in no other way.

    Args:
        language: The worker's.
        class_path: Where a Java worker looks for classes.
    """

    def __init__(self, language: str, class_path: tuple[str, ...]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bowstring-played-"))
        self.token = os.urandom(32)
        self.process = int.from_bytes(os.urandom(8), "little") | 1
        (self.folder / "token").write_bytes(self.token)
        (self.folder / "logs").mkdir()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.folder / "node.sock"))
        listener.listen()
        listener.settimeout(START_MAX_S)
        command = [sys.executable, "-c", _PYTHON, str(self.folder), str(SLOT)]
        if language == "java":
            command = JvmLauncher(str(self.folder)).command(SLOT, "")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path[1:], str(ROOT)])}
        self.worker = subprocess.Popen(command, cwd=ROOT, env=environment)
        sock, _ = listener.accept()
        listener.close()
        self.link = WorkerLink(sock, self.token)
        self.hello = self._welcome()
        self.link.send(m.WorkerBind(JOB, "-", python_path=(str(ROOT),), class_path=class_path, namespace="played"))

    def _welcome(self) -> m.Hello:
        nonce = os.urandom(32)
        self.link.send(m.Challenge(1, 1, nonce))
        hello, _ = self.link.receive(m.Hello, timeout_s=START_MAX_S)
        assert isinstance(hello, m.Hello)
        assert proof_is_valid(self.token, nonce, hello.proof)
        assert (hello.role, hello.worker_slot) == (Role.WORKER, SLOT)
        welcome = m.Welcome(1, 0, self.process, os.getpid(), self.process, JOB, 102_400, str(self.folder), "played")
        self.link.send(welcome)
        return hello

    def knows(self, key: bytes, language: Language, module: str, name: str) -> None:
        """Answer with this function from here on, when the worker asks what the key stands for."""
        self.link.functions[key] = m.Function(0, key, language, module, name)

    def end(self) -> None:
        """End the worker, however it is, and leave nothing."""
        self.link.close()
        self.worker.kill()
        self.worker.wait()
        shutil.rmtree(self.folder)
