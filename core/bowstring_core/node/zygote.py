"""The zygote: a process that has imported what Python workers need, and forks them.

    python -m bowstring_core.node.zygote --fd FD --session PATH --worker-module MODULE

It has one thread and no connection but the node's, so that a fork is a copy of something simple. It is the parent of
every worker, JVMs included: each has a process group of its own and dies with the zygote (PR_SET_PDEATHSIG), and what
a worker leaves running is killed with its group once the worker has ended. Orphans that have left the group become
children of the zygote (PR_SET_CHILD_SUBREAPER). When the node ends, however it ends, the zygote reads the end of its
socket, kills all its children, removes the session's folder, and ends.

Messages are JSON, one a packet (SOCK_SEQPACKET). From the node, with descriptors for stdout and stderr:
{"start": slot} forks a Python worker; {"start": slot, "argv": [...], "cwd": path, "nice": number, "variables": {...}}
runs a program.
To the node: {"ready": true}, {"started": slot, "pid": pid}, {"failed": slot, "message": text}, {"ended": pid, "status":
wait status}. {"retire": true} ends a zygote that has no children, and leaves the session as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from typing import Any

from bowstring_core import limits
from bowstring_core.node.sessions import remove_folder
from bowstring_core.node.zygote_protocol import MESSAGE_BYTES_MAX

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PRELOADED = ("numpy", "pyarrow", "cloudpickle", "msgpack")
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def _thread_count() -> int:
    return len(os.listdir("/proc/self/task"))


def _preload(worker_module: str) -> Any:
    # Threads don't survive a fork. numpy would start a pool of them for its linear algebra, and pyarrow's jemalloc one
    # that gives pages back.
    before = {name: os.environ.get(name) for name in _QUIET}
    os.environ.update(_QUIET)
    for name in _PRELOADED:
        importlib.import_module(name)
    module = importlib.import_module(worker_module)
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    if _thread_count() != 1:
        raise SystemExit(f"the zygote has {_thread_count()} threads; importing {worker_module} must start none")
    return module


class Zygote:
    """Forks workers, and reaps them.

    Args:
        sock: The socket to the node.
        session: The session's folder, removed at the end.
        worker_module: Name of the module whose `main(session, slot)` is a Python worker.
    """

    def __init__(self, sock: socket.socket, session: str, worker_module: str) -> None:
        self._sock = sock
        self._session = session
        self._module = _preload(worker_module)
        self._children: dict[int, int] = {}  # pid -> slot
        self._poll = select.poll()
        self._poll.register(sock.fileno(), select.POLLIN)
        # Orphans of workers become ours, whatever session or group they made for themselves.
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._retired = False
        self._wake, write_end = os.pipe()
        for end in (self._wake, write_end):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        self._poll.register(self._wake, select.POLLIN)

    def run(self) -> None:
        """Serve until the node ends."""
        gc.collect()
        gc.freeze()  # so that a worker's first collection does not copy every page
        self._tell({"ready": True})
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._wake:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._wake, 4096)
                    self._reap()
                elif not self._serve():
                    return

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the node's end is found by reading
            self._sock.send(json.dumps(message).encode())

    def _serve(self) -> bool:
        try:
            data, fds, _, _ = socket.recv_fds(self._sock, MESSAGE_BYTES_MAX, 2)
        except ConnectionError:
            return False
        if not data:
            return False
        message = json.loads(data)
        if "retire" in message:
            self._retired = True
            return False
        try:
            self._start(message, fds)
        except OSError as error:
            self._tell({"failed": message["start"], "message": f"fork: {error.strerror}"})
        for fd in fds:
            os.close(fd)
        return True

    def _start(self, message: dict[str, Any], fds: list[int]) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._become_worker(message, fds, parent)
                status = 0
            except SystemExit as error:
                status = error.code if isinstance(error.code, int) else 1 if error.code else 0
            except BaseException:
                traceback.print_exc()
            finally:
                with contextlib.suppress(Exception):
                    sys.stdout.flush()
                    sys.stderr.flush()
                os._exit(status)
        with contextlib.suppress(OSError):  # both sides do it, so that neither runs before it is done
            os.setpgid(pid, pid)
        self._children[pid] = message["start"]
        self._tell({"started": message["start"], "pid": pid})

    def _become_worker(self, message: dict[str, Any], fds: list[int], parent: int) -> None:
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the zygote ended before the line above
            os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(fds[0], 1)
        os.dup2(fds[1], 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        if message.get("cwd"):
            os.chdir(message["cwd"])
        if "argv" in message:
            os.nice(message.get("nice", 0))
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            variables = {**os.environ, **message.get("variables", {})}
            os.execve(message["argv"][0], message["argv"], variables)
        import random

        import numpy

        random.seed()
        numpy.random.seed()
        sys.argv = ["bowstring-worker"]
        self._module.main(self._session, message["start"])

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            if pid in self._children:
                # The group is killed before its leader is reaped: until then its number can't be another's.
                with contextlib.suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
            status = os.waitpid(pid, 0)[1]
            if self._children.pop(pid, None) is not None:
                self._tell({"ended": pid, "status": status})

    def end(self) -> None:
        """Kill every child, its group and its orphans, and remove the session's folder, unless the session goes on."""
        for pid in self._children:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
        until = time.monotonic() + limits.ZYGOTE_END_S
        while time.monotonic() < until:
            for pid in _children():  # whose children become ours as they die
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    self._poll.poll(5)
            except ChildProcessError:
                break
        if not self._retired:
            remove_folder(self._session)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _nothing(number: int, frame: object) -> None:
    """A handler, so that the signal wakes the poll."""


def main() -> None:
    """Run a zygote as the arguments say."""
    arguments = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the end of the node's socket is what ends it
    os.setpgid(0, 0)
    session = arguments["--session"]
    sock = socket.socket(fileno=int(arguments["--fd"]))
    sock.set_inheritable(False)
    try:
        zygote = Zygote(sock, session, arguments["--worker-module"])
    except BaseException:
        # The node may have ended while this imported, and nobody else is left to clean up after it.
        traceback.print_exc()
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            if not sock.recv(1, socket.MSG_PEEK):
                remove_folder(session)
        raise SystemExit(1) from None
    zygote.run()
    zygote.end()


if __name__ == "__main__":
    main()
