"""Programs that the node runs beside workers, to keep its event loop free.

The zygote starts them: each has a process group that ends with it, and ends with the session. A program that takes too
long is killed. Its output goes to a file of the session.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bowstring_core.node.logs import STDERR, STDOUT, WorkerOutput

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

# Slots of programs; the scheduler, which counts from 1, will not reach them.
PROGRAM_SLOT_MIN = 0xF000_0000


class _Program:
    __slots__ = ("name", "on_end", "outputs", "pid", "pidfd", "slot", "timer")

    def __init__(self, slot: int, name: str, on_end: Callable[[str], None]) -> None:
        self.slot, self.name, self.on_end = slot, name, on_end
        self.outputs: list[WorkerOutput] = []
        self.pid, self.pidfd = 0, -1
        self.timer: Any = None


class Programs:
    """The programs that run now."""

    def __init__(self, node: Node, send: Callable[[dict[str, Any], list[int]], None]) -> None:
        self._node, self._send = node, send
        self._running: dict[int, _Program] = {}  # by slot
        self._next_slot = PROGRAM_SLOT_MIN

    def run(self, name: str, argv: Sequence[str], timeout_s: float, on_end: Callable[[str], None]) -> None:
        """Start a program.

        Args:
            name: Of its log file.
            argv: Its arguments; the first one is the path of the program.
            timeout_s: After this it is killed.
            on_end: Called once it has ended, with the last that it wrote.
        """
        program = _Program(self._next_slot, name, on_end)
        self._next_slot = PROGRAM_SLOT_MIN + (self._next_slot - PROGRAM_SLOT_MIN + 1) % 0x0FFF_FFFF
        fds: list[int] = []
        try:
            for stream, suffix in ((STDOUT, "out"), (STDERR, "err")):
                read_end, write_end = os.pipe()
                fds.append(write_end)
                path = self._node.session.log_path(f"{name}.{suffix}")
                program.outputs.append(WorkerOutput(self._node.loop, read_end, stream, path, _nobody))
            self._running[program.slot] = program
            self._send({"start": program.slot, "argv": list(argv), "nice": 1}, fds)
        except OSError as error:
            for fd in fds:
                os.close(fd)
            reason = f"the system refuses another process: {error.strerror}"
            self._running[program.slot] = program
            self._node.loop.call_soon(lambda: self._end(program, reason))
            return
        program.timer = self._node.loop.call_later(timeout_s, lambda: self._kill(program))

    def on_message(self, message: dict[str, Any]) -> bool:
        """Take a message of the zygote; False: it is about no program."""
        if "started" in message:
            program = self._running.get(message["started"])
            if program is not None:
                program.pid = message["pid"]
                with contextlib.suppress(OSError):  # reaped already; `ended` follows
                    program.pidfd = os.pidfd_open(program.pid)
        elif "failed" in message:
            program = self._running.get(message["failed"])
            if program is not None:
                self._end(program, str(message["message"]))
        else:
            program = next((p for p in self._running.values() if p.pid and p.pid == message.get("ended")), None)
            if program is not None:
                self._end(program, "")
        return program is not None

    def zygote_died(self) -> None:
        """The zygote has ended, and with it all that it started."""
        for program in list(self._running.values()):
            self._end(program, "the process that ran it has ended")

    def _kill(self, program: _Program) -> None:
        """The zygote reaps it, and kills its group then."""
        if program.slot in self._running and program.pidfd >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(program.pidfd, signal.SIGKILL)

    def _end(self, program: _Program, reason: str) -> None:
        if self._running.pop(program.slot, None) is None:
            return
        if program.timer is not None:
            program.timer.cancel()
        if program.pidfd >= 0:
            os.close(program.pidfd)
        for output in program.outputs:
            output.drain()
            output.close()
        words = b"".join(output.tail for output in program.outputs).decode(errors="replace").strip()
        program.on_end("\n".join(part for part in (reason, words) if part))


def _nobody(stream: int, lines: bytes) -> None:
    """Lines of programs go to their file alone."""
