"""The node's end of the zygote: start it, ask it for workers, hear of their ends, and start another if it dies."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from bowstring_core import limits
from bowstring_core.node import loop as loops
from bowstring_core.node.zygote_protocol import MESSAGE_BYTES_MAX


class Surroundings(NamedTuple):
    """What a zygote's process is started with; its workers have the same.

    Attributes:
        name: Of its log file.
        python: The interpreter; empty: the node's.
        variables: Set beside those of the node.
    """

    name: str = "zygote"
    python: str = ""
    variables: tuple[tuple[str, str], ...] = ()


NO_ENVIRONMENT = Surroundings()


def spawn_zygote(
    session: str, worker_module: str, surroundings: Surroundings = NO_ENVIRONMENT
) -> tuple[int, socket.socket]:
    """Start a zygote; its process id, and the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.path.join(session, "logs", f"{surroundings.name}.err")
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    python = surroundings.python or sys.executable
    argv = [python, "-m", "bowstring_core.node.zygote"]
    argv += ["--fd", "3", "--session", session, "--worker-module", worker_module]
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    # dup2 onto itself would leave the close-on-exec flag set.
    source = os.dup(theirs.fileno()) if theirs.fileno() == 3 else theirs.fileno()
    actions = [
        (os.POSIX_SPAWN_DUP2, null, 0),
        (os.POSIX_SPAWN_DUP2, log, 1),
        (os.POSIX_SPAWN_DUP2, log, 2),
        (os.POSIX_SPAWN_DUP2, source, 3),
    ]
    try:
        pid = os.posix_spawn(python, argv, {**os.environ, **dict(surroundings.variables)}, file_actions=actions)
    except OSError:
        ours.close()
        theirs.close()
        raise
    finally:
        os.close(log)
        os.close(null)
    if source != theirs.fileno():
        os.close(source)
    theirs.close()
    ours.setblocking(False)
    return pid, ours


class ZygoteLink:
    """A zygote of this node: the one of all workers without an environment, or that of an environment.

    Args:
        loop: The node's loop.
        session: The session's folder.
        worker_module: The module that a Python worker runs.
        on_message: Called with each message of the zygote.
        on_death: Called when it has died unasked, with the end of what it wrote to stderr; `ready` says whether it
            had come up before. Another is started with the next demand.
    """

    def __init__(
        self,
        loop: loops.Loop,
        session: str,
        worker_module: str,
        on_message: Callable[[dict[str, Any]], None],
        on_death: Callable[[bool, str], None],
        surroundings: Surroundings = NO_ENVIRONMENT,
    ) -> None:
        self._loop, self._session, self._worker_module = loop, session, worker_module
        self._surroundings = surroundings
        self._retired = False
        self.failures = 0  # starts that failed one after the other
        self._on_message, self._on_death = on_message, on_death
        self._sock: socket.socket | None = None
        self._pidfd = -1
        self.pid = 0
        self.ready = False
        self._waiting: deque[tuple[bytes, list[int]]] = deque()

    def adopt(self, pid: int, sock: socket.socket) -> None:
        """Take over a zygote that was started already."""
        self.pid, self._sock, self.ready = pid, sock, False
        self._pidfd = os.pidfd_open(pid)
        self._loop.watch(sock.fileno(), loops.READ, self._on_events)
        self._loop.watch(self._pidfd, loops.READ, self._on_end)

    def send(self, message: dict[str, Any], fds: list[int]) -> None:
        """Send a request with descriptors, which are closed here."""
        if self._sock is None:
            self.adopt(*spawn_zygote(self._session, self._worker_module, self._surroundings))
        self._waiting.append((json.dumps(message).encode(), fds))
        if self.ready:
            self._flush()

    def _flush(self) -> None:
        while self._waiting and self._sock is not None:
            data, fds = self._waiting[0]
            try:
                socket.send_fds(self._sock, [data], fds)
            except BlockingIOError:
                self._loop.change(self._sock.fileno(), loops.READ | loops.WRITE)
                return
            except OSError:
                return  # its end is on the way
            self._waiting.popleft()
            for fd in fds:
                os.close(fd)
        if self._sock is not None:
            self._loop.change(self._sock.fileno(), loops.READ)

    def _on_events(self, events: int) -> None:
        if events & loops.WRITE:
            self._flush()
        self._read()

    def _read(self) -> None:
        while self._sock is not None:
            try:
                data = self._sock.recv(MESSAGE_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._loop.unwatch(self._sock.fileno())
                self._sock.close()
                self._sock = None
                return
            message = json.loads(data)
            if "ready" in message:
                self.ready = True
                self._flush()
            self._on_message(message)

    def _on_end(self, events: int) -> None:
        self._read()
        self._loop.unwatch(self._pidfd)
        os.close(self._pidfd)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        if self._sock is not None:
            self._loop.unwatch(self._sock.fileno())
            self._sock.close()
            self._sock = None
        was_ready, self.ready, self.pid = self.ready, False, 0
        for _, fds in self._waiting:
            for fd in fds:
                os.close(fd)
        self._waiting.clear()
        if not self._retired:
            self._on_death(was_ready, self._last_words())

    def retire(self) -> None:
        """Let it end while the session goes on. It has no children, and is sent nothing more."""
        self._retired = True
        if self._sock is not None:
            self._waiting.append((b'{"retire": true}', []))
            if self.ready:
                self._flush()

    def _last_words(self) -> str:
        try:
            with open(os.path.join(self._session, "logs", f"{self._surroundings.name}.err"), "rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 2_000))
                return file.read().decode(errors="replace").strip()
        except OSError:
            return ""

    def leave(self) -> None:
        """Let it end with the session: it kills what it has started."""
        if self._sock is not None:
            self._sock.close()

    def close(self) -> None:
        """Let it end, wait for that up to a limit, and kill it then."""
        self.leave()
        if not self.pid:
            return
        import select

        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        # One that is not ready has started nobody, and would finish its imports first.
        if not self.ready or not poll.poll(limits.ZYGOTE_END_S * 1000):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
