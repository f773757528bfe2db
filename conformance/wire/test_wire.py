"""Every wire-level case against each side that it is for, a test each."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bowstring_wire import messages as m
from bowstring_wire.messages import FrameType
from bowstring_wire.protocol import HANDSHAKE_TIMEOUT_S, FrameParser, frame
from bowstring_wire.values.portable import encode_portable
from conformance.runner import JAR
from conformance.wire.case import WireCase, read_wire_cases
from conformance.wire.subjects import LoneWorkerSubject, NodeSubject, WorkerSubject
from tests.process.core.node_process import NodeProcess
from tests.process.core.wire_client import ConnectionEnded, WireClient

SUBJECTS = ("node", "python worker", "java worker")
LATE_S = 15.0  # beyond the handshake's limit, for a machine that is busy
Subject = NodeSubject | WorkerSubject | LoneWorkerSubject


@pytest.fixture(scope="module")
def subject_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Subject]]:
    """One node for all that is asked of nodes, and one for all workers; each is started when first asked for."""
    subjects: dict[str, Subject] = {}
    nodes: dict[str, NodeProcess] = {}

    def node_of(kind: str) -> NodeProcess:
        if kind not in nodes:
            arguments = ["--num-cpus", "4"]
            module = "tests.process.core.spec_worker" if kind == "node" else "bowstring.worker"
            nodes[kind] = NodeProcess(tmp_path_factory.mktemp("r"), *arguments, worker_module=module)
        return nodes[kind]

    def subject(name: str) -> Subject:
        if name not in subjects:
            if name == "node":
                subjects[name] = NodeSubject(node_of("node"))
            else:
                language = name.partition(" ")[0]
                if language == "java" and not (JAR.exists() and shutil.which("java") and shutil.which("javac")):
                    pytest.skip("needs a JDK and the Java library: make java")
                alone = name.endswith("alone")
                subjects[name] = LoneWorkerSubject(language) if alone else WorkerSubject(node_of("workers"), language)
        return subjects[name]

    yield subject
    for node in nodes.values():
        node.end()


@pytest.mark.parametrize(
    ("subject", "case"),
    [pytest.param(subject, case, id=f"{subject}-{case.id}") for case in read_wire_cases() for subject in case.subjects],
)
def test_case(subject_of: Callable[[str], Subject], subject: str, case: WireCase, tmp_path: Path) -> None:
    tested = subject_of(subject)
    player = tested.player(tmp_path)
    try:
        player.run(case.steps)
    finally:
        tested.done(player)


@pytest.mark.rule("1.3/4")
def test_a_handshake_that_is_not_done_is_ended(subject_of: Callable[[str], Subject], tmp_path: Path) -> None:
    players = {}
    for name in SUBJECTS:
        players[name] = subject_of(name).player(tmp_path)
    strangers = {name: WireClient(player.subject, player.token) for name, player in players.items()}
    begun = time.monotonic()
    for name, stranger in strangers.items():
        stranger.expect(m.Challenge)
        with contextlib.suppress(ConnectionEnded):
            while True:
                stranger.receive(timeout_s=HANDSHAKE_TIMEOUT_S + LATE_S)
        stranger.close()
        assert time.monotonic() - begun > HANDSHAKE_TIMEOUT_S - 1, name
    for name, player in players.items():
        subject_of(name).done(player)


@pytest.mark.rule("1.1/1")
@pytest.mark.parametrize("name", SUBJECTS)
def test_sockets_are_files_with_short_paths(subject_of: Callable[[str], Subject], tmp_path: Path, name: str) -> None:
    subject = subject_of(name)
    player = subject.player(tmp_path)
    assert len(os.fsencode(player.subject)) <= 107
    assert stat.S_ISSOCK(os.stat(player.subject).st_mode)
    for process in subject.node.family():
        listening = {connection.laddr for connection in process.net_connections("unix") if connection.laddr}
        assert not any(path.startswith(("@", "\0")) for path in listening), process
    subject.done(player)


@pytest.mark.rule("1.1/2")
@pytest.mark.parametrize("name", SUBJECTS)
def test_the_token_is_in_its_file_alone(subject_of: Callable[[str], Subject], tmp_path: Path, name: str) -> None:
    subject = subject_of(name)
    player = subject.player(tmp_path)
    token = player.token
    session = subject.node.session
    assert stat.S_IMODE(os.stat(session).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(session / "token").st_mode) == 0o600
    assert len(token) == 32
    for process in subject.node.family():
        try:
            shown = (
                Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes()
            )
        except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            continue
        assert token not in shown
        assert token.hex().encode() not in shown
    stranger = WireClient(player.subject, token)
    sent = b""
    stranger.sock.setblocking(True)
    while len(sent) < 16:
        sent += stranger.sock.recv(4096)
    assert token not in sent
    stranger.close()
    subject.done(player)


@pytest.mark.rule("8.1/2")
def test_fields_that_a_node_does_not_know_are_ignored(subject_of: Callable[[str], Subject], tmp_path: Path) -> None:
    player = subject_of("node").player(tmp_path)
    player.do_greet({"greet": "c"})
    sock, parser = player.client.sock, FrameParser(handshake_done=True)
    sock.sendall(frame(FrameType.STATE_QUERY, m.StateQuery(1, m.StateKind.TASKS).encode()))
    rows = encode_portable([{"task": "00" * 16, "name": "mine", "colour": "red", "depth": {"of": [1]}}]).buffers[0]
    reply = None
    while reply is None:
        for kind, metadata, body in parser.feed(sock.recv(1 << 20)):
            if kind == FrameType.INSPECT:
                answer = m.Inspected(m.Inspect.decode(metadata).request, len(rows))
                sock.sendall(frame(FrameType.INSPECTED, answer.encode(), bytes(rows)))
            elif kind == FrameType.STATE_REPLY:
                reply = body[: m.StateReply.decode(metadata).length]
    assert b"mine" in reply
    subject_of("node").done(player)
