"""A zygote by itself: how it ends, and what it leaves."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from bowstring_core.node.zygote_link import Surroundings, spawn_zygote


def start(session: Path, surroundings: Surroundings) -> tuple[int, socket.socket]:
    (session / "logs").mkdir()
    pid, sock = spawn_zygote(str(session), "tests.process.core.spec_worker", surroundings)
    sock.setblocking(True)
    assert sock.recv(1000) == b'{"ready": true}'
    return pid, sock


def test_a_zygote_that_retires_leaves_the_session_as_it_is(tmp_path: Path) -> None:
    pid, sock = start(tmp_path, Surroundings("zygote-mine", "", (("MINE", "yes"),)))
    with sock:
        assert b"MINE=yes" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        sock.send(b'{"retire": true}')
        assert os.waitpid(pid, 0)[1] == 0
    assert (tmp_path / "logs" / "zygote-mine.err").exists()


def test_a_zygote_whose_node_has_ended_removes_the_session(tmp_path: Path) -> None:
    session = tmp_path / "session"
    session.mkdir()
    pid, sock = start(session, Surroundings())
    sock.close()
    os.waitpid(pid, 0)
    assert not session.exists()


def test_an_interpreter_that_is_not_there_is_an_error_and_leaves_no_descriptor(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        spawn_zygote(str(tmp_path), "bowstring.worker", Surroundings("gone", "/no/python"))
    assert len(os.listdir("/proc/self/fd")) == before
