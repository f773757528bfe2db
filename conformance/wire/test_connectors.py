"""What a driver makes of a node whose handshake is none: the script is the node."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bowstring_wire import messages as m
from bowstring_wire.flat import Message
from bowstring_wire.messages import ErrorCode, FrameType
from bowstring_wire.protocol import FrameParser, frame
from conformance.runner import JAR, ROOT, read_languages
from conformance.wire.plays import has_java

NONCE = bytes(range(32))


class FakeNode(threading.Thread):
    """Says its challenge and then its answer to whoever connects, and notes whether a Hello came; ends with `close`."""

    def __init__(self, session: Path, challenge: Message, answer: tuple[FrameType, Message] | None) -> None:
        super().__init__()
        (session / "token").write_bytes(bytes(32))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(session / "node.sock"))
        self.listener.listen()
        self.challenge, self.answer = challenge, answer
        self.hello: m.Hello | None = None

    def run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return  # closed
            with sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._speak(sock)

    def _speak(self, sock: socket.socket) -> None:
        sock.sendall(frame(FrameType.CHALLENGE, self.challenge.encode()))
        parser = FrameParser()
        while data := sock.recv(65536):
            for kind, metadata, _body in parser.feed(data):
                if kind == FrameType.GO_AWAY:
                    return
                assert kind == FrameType.HELLO
                self.hello = m.Hello.decode(metadata)
                if self.answer is not None:
                    sock.sendall(frame(self.answer[0], self.answer[1].encode()))

    def close(self) -> None:
        """Take nobody any more, and end."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.join(30)
        self.listener.close()


Play = Callable[..., FakeNode]


@pytest.fixture
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("s")


@pytest.fixture
def play(session: Path) -> Iterator[Play]:
    nodes: list[FakeNode] = []

    def play(challenge: Message, answer: tuple[FrameType, Message] | None = None) -> FakeNode:
        node = FakeNode(session, challenge, answer)
        nodes.append(node)
        node.start()
        return node

    yield play
    for node in nodes:
        node.close()


def driver_says(language: str, session: Path) -> str:
    """Start a driver that joins the session, and return what it says of its end."""
    if language == "java" and not (JAR.exists() and has_java()):
        pytest.skip("needs a JDK and the Java library: make java")
    known = read_languages()[language]
    known.prepare()
    plan = session / "plan.json"
    facts = {"worker": language, "class_path": [], "folder": str(session), "cases": [], "address": str(session)}
    plan.write_text(json.dumps(facts))
    environment = {**os.environ, "BOWSTRING_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = known.fill(known.driver, plan=str(plan))
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.rule("1.3/8", "9/1")
@pytest.mark.parametrize("language", ["python", "java"])
def test_a_node_of_newer_versions_alone_gets_no_hello(play: Play, session: Path, language: str) -> None:
    node = play(m.Challenge(7, 9, NONCE))
    said = driver_says(language, session)
    assert "7 to 9" in said
    assert node.hello is None


@pytest.mark.rule("1.3/2", "1.3/8", "9/1")
@pytest.mark.parametrize("language", ["python", "java"])
def test_a_node_of_newer_versions_too_is_offered_this_one(play: Play, session: Path, language: str) -> None:
    refusal = m.GoAway(m.ErrorRecord(ErrorCode.VERSION, message="this node has changed its mind"))
    node = play(m.Challenge(1, 9, NONCE), (FrameType.GO_AWAY, refusal))
    said = driver_says(language, session)
    assert "this node has changed its mind" in said
    assert node.hello is not None
    assert (node.hello.min_version, node.hello.max_version) == (1, 1)


@pytest.mark.rule("1.3/8")
@pytest.mark.parametrize("language", ["python", "java"])
def test_a_node_that_welcomes_in_another_version_is_left(play: Play, session: Path, language: str) -> None:
    welcome = m.Welcome(5, 0, 1, os.getpid(), 1, 1, 102_400, str(session))
    play(m.Challenge(1, 9, NONCE), (FrameType.WELCOME, welcome))
    assert "version 5" in driver_says(language, session)


@pytest.mark.rule("1.3/8")
@pytest.mark.parametrize("language", ["python", "java"])
def test_a_nonce_that_is_none_gets_no_hello(play: Play, session: Path, language: str) -> None:
    node = play(m.Challenge(1, 1, b"short"))
    assert "nonce" in driver_says(language, session)
    assert node.hello is None
