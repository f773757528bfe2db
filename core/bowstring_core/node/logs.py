"""What workers write: into files of the session, and as whole lines to the drivers of their job.

Each worker's stdout and stderr are pipes that the node reads. A pipe that outlives its worker (a child of it holds it)
is read until its last writer has closed it. Files are bounded: at the limit a file is renamed to `.1`, over the one
before, and another begun.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable

from bowstring_core import limits
from bowstring_core.node import loop as loops

STDOUT = 1
STDERR = 2


class LogFile:
    """An append-only file of bounded size."""

    __slots__ = ("_fd", "_path", "_size")

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append; a full disk loses lines, not the node."""
        with contextlib.suppress(OSError):
            if self._fd < 0 or self._size + len(data) > limits.LOG_FILE_BYTES_MAX:
                self._turn_over()
            self._size += os.write(self._fd, data)

    def _turn_over(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            os.replace(self._path, self._path + ".1")
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class WorkerOutput:
    """One stream of one worker.

    Args:
        loop: Where the pipe is watched.
        fd: The pipe's reading end; closed here.
        stream: STDOUT or STDERR.
        path: The file.
        on_lines: Called with (stream, whole lines).
    """

    __slots__ = ("_closed", "_fd", "_file", "_loop", "_on_lines", "_partial", "_stream", "tail")

    def __init__(
        self, loop: loops.Loop, fd: int, stream: int, path: str, on_lines: Callable[[int, bytes], None]
    ) -> None:
        os.set_blocking(fd, False)
        self._loop, self._fd, self._stream, self._on_lines = loop, fd, stream, on_lines
        self._file = LogFile(path)
        self._partial = b""
        self._closed = False
        self.tail = b""  # the last of what was written, for the record of a failed start
        loop.watch(fd, loops.READ, self._on_events)

    def _on_events(self, events: int) -> None:
        self.read_once()

    def read_once(self) -> bool:
        """Read what is there; False: nothing more now."""
        if self._closed:
            return False
        try:
            data = os.read(self._fd, limits.LOG_READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._file.write(data)
        self.tail = (self.tail + data)[-2_000:]
        data = self._partial + data
        end = data.rfind(b"\n") + 1
        if not end and len(data) > limits.LOG_LINE_BYTES_MAX:
            data += b"\n"
            end = len(data)
        self._partial = data[end:]
        if end:
            self._on_lines(self._stream, data[:end])
        return True

    def drain(self) -> None:
        """Read all that is there: the worker has ended."""
        while self.read_once():
            pass

    def close(self) -> None:
        """The last writer has gone."""
        if self._closed:
            return
        self._closed = True
        if self._partial:
            self._on_lines(self._stream, self._partial + b"\n")
            self._partial = b""
        self._loop.unwatch(self._fd)
        os.close(self._fd)
        self._file.close()


class EndedLogs:
    """The log files of workers that have ended: of the last ones they are kept, whatever the number of workers.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._slots: deque[int] = deque()

    def add(self, slot: int) -> None:
        """A worker has ended. Its file of stacks goes if nobody has asked for them."""
        stacks = os.path.join(self._folder, f"worker-{slot}.stacks")
        with contextlib.suppress(OSError):
            if not os.stat(stacks).st_size:
                os.unlink(stacks)
        self._slots.append(slot)
        while len(self._slots) > limits.LOGS_OF_ENDED_MAX:
            oldest = self._slots.popleft()
            for suffix in ("out", "out.1", "err", "err.1", "stacks"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self._folder, f"worker-{oldest}.{suffix}"))
