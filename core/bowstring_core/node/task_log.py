"""What frontends tell of tasks, as the bytes that came (spec 8.3).

A TaskEvents frame is checked for being one, written behind a head that says who sent it, and not looked into before
somebody asks: a thousand tasks cost one write. Files are of bounded size and number; the oldest goes first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from struct import Struct, unpack_from
from struct import error as StructError
from typing import NamedTuple

from bowstring_core import limits
from bowstring_wire.flat import table_fields
from bowstring_wire.messages import TaskEvents
from bowstring_wire.protocol import ProtocolError

_HEAD = Struct("<IIQ")  # length of the metadata, pid, process


class RawTaskEvents:
    """A TaskEvents frame as its bytes."""

    __slots__ = ("metadata",)

    def __init__(self, metadata: bytes) -> None:
        self.metadata = metadata

    @staticmethod
    def decode(metadata: bytes) -> RawTaskEvents:
        """Take the bytes if they are a table in any valid layout; its vectors are checked when they are read.

        Raises:
            ProtocolError: they are none.
        """
        try:
            table_fields(metadata, unpack_from("<I", metadata)[0], (None, None, None, None))
        except StructError as error:
            raise ProtocolError(f"TaskEvents: {error}") from error
        if metadata[4:8] != b"BWS1":
            raise ProtocolError(f"TaskEvents: file identifier {metadata[4:8]!r} instead of b'BWS1'")
        return RawTaskEvents(metadata)


class Told(NamedTuple):
    """One frame, and who sent it."""

    pid: int
    process: int
    events: TaskEvents


class TaskLog:
    """Task events in files of bounded size and number."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: list[str] = []
        self._fd = -1
        self._size = 0

    def append(self, pid: int, process: int, metadata: bytes) -> None:
        """Keep a frame's metadata as it came."""
        if self._fd < 0 or self._size + len(metadata) > limits.TASK_FILE_BYTES:
            self._turn_over()
        # A short write (a full disk) would leave half a frame: what follows goes to another file.
        data = _HEAD.pack(len(metadata), pid, process) + metadata
        try:
            written = os.write(self._fd, data)
        except OSError:
            written = 0
        self._size = self._size + written if written == len(data) else limits.TASK_FILE_BYTES

    def _turn_over(self) -> None:
        self.close()
        path = os.path.join(self._folder, f"tasks-{time.time_ns()}.bin")
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        self._files.append(path)
        if len(self._files) > limits.TASK_FILES_MAX:
            os.unlink(self._files.pop(0))

    def newest_first(self) -> Iterator[Told]:
        """Every frame that is kept, the newest first. Files that are turned over meanwhile are left out."""
        for data in self._contents():
            for at, head in reversed(list(_heads(data))):
                told = _told(data, at, head)
                if told is not None:
                    yield told

    def frames_with(self, task: bytes) -> Iterator[Told]:
        """The frames that mention a task, the newest first; found by its bytes, without reading the others."""
        for data in self._contents():
            places = []
            found = data.find(task)
            if found < 0:
                continue
            while found >= 0:
                places.append(found)
                found = data.find(task, found + 1)
            for at, head in reversed(list(_heads(data))):
                if any(at <= place < at + head[0] for place in places):
                    told = _told(data, at, head)
                    if told is not None:
                        yield told

    def _contents(self) -> Iterator[bytes]:
        for path in reversed(list(self._files)):
            try:
                with open(path, "rb") as file:
                    yield file.read()
            except FileNotFoundError:
                return

    def close(self) -> None:
        """Close the file that is written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _heads(data: bytes) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Where each frame lies in a file, and its head; a frame that was cut is left out."""
    at = 0
    while at + _HEAD.size <= len(data):
        head = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if at + head[0] > len(data):
            return
        yield at, head
        at += head[0]


def _told(data: bytes, at: int, head: tuple[int, int, int]) -> Told | None:
    try:
        return Told(head[1], head[2], TaskEvents.decode(data[at : at + head[0]]))
    except ProtocolError:
        return None  # of no use to anybody: who sent it has broken the spec in what nobody looked into
