"""Values on disk: files without a name, and the threads that write and read them.

An archive is a file that is unlinked as soon as it is open, so that the kernel takes it with the node's end, however
that comes: nothing is left to sweep. It holds values that were spilled together, one behind the other; the pages of one
that is freed are given back to the disk at once where the file system can do that, and all of them with the last.

A value's bytes go from its segment to the file inside the kernel; they are never looked at. Writing and reading happen
in a thread each, which is started by the first job, so that the node's loop never waits for a disk.
"""

from __future__ import annotations

import ctypes
import errno
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from bowstring_core import limits

_PAGE = 4096
_PUNCH_HOLE_KEEP_SIZE = 3
_IN_MEMORY_FILE_SYSTEMS = frozenset(("tmpfs", "ramfs"))


class DiskFullError(Exception):
    """The disk can't take it; the message says what was missing."""


class Stored:
    """Bytes to write: a range of a segment's file."""

    __slots__ = ("fd", "length", "offset")

    def __init__(self, fd: int, offset: int, length: int) -> None:
        self.fd, self.offset, self.length = fd, offset, length


def default_folder(session: str) -> str:
    """Where archives go when nothing is said: the session's folder, or a folder on a disk if that is in memory."""
    for folder in (session, "/var/tmp", "/tmp"):
        if os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK) and not _is_in_memory(folder):
            return folder
    return session


def _is_in_memory(folder: str) -> bool:
    device = os.stat(folder).st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                fields = line.split()
                if fields[2] == name:
                    return fields[fields.index("-") + 1] in _IN_MEMORY_FILE_SYSTEMS
    except (OSError, ValueError, IndexError):
        pass
    return False


class Archive:
    """One file without a name.

    Args:
        folder: Where its disk is.

    Raises:
        OSError: it can't be made there.
    """

    __slots__ = ("fd",)

    def __init__(self, folder: str) -> None:
        try:
            self.fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            path = os.path.join(folder, f".spill-{os.getpid()}-{os.urandom(6).hex()}")
            self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            os.unlink(path)

    def write(self, pieces: Sequence[Stored | bytes], margin_bytes: int) -> list[int]:
        """Write the pieces; the answer tells where each begins.

        Args:
            pieces: What to write.
            margin_bytes: What must stay free on the disk.

        Raises:
            DiskFullError: there is too little room.
            OSError: the disk fails.
        """
        offsets = []
        at = 0
        for piece in pieces:
            length = len(piece) if isinstance(piece, bytes) else piece.length
            unit = _PAGE if length >= _PAGE else 64
            at = (at + unit - 1) // unit * unit
            offsets.append(at)
            at += length
        try:
            disk = os.fstatvfs(self.fd)
            free = disk.f_bavail * disk.f_frsize
            if at + margin_bytes > free:
                raise DiskFullError(
                    f"{at} bytes were to go to disk, which has {free} left, and {margin_bytes} must stay"
                )
            os.posix_fallocate(self.fd, 0, at)
            for piece, offset in zip(pieces, offsets, strict=True):
                self._write_piece(piece, offset)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise DiskFullError(f"{at} bytes were to go to disk: {error.strerror}") from error
            raise
        return offsets

    def _write_piece(self, piece: Stored | bytes, offset: int) -> None:
        if isinstance(piece, bytes):
            view = memoryview(piece)
            while view:
                written = os.pwrite(self.fd, view, offset)
                view, offset = view[written:], offset + written
            return
        os.lseek(self.fd, offset, os.SEEK_SET)
        at, end = piece.offset, piece.offset + piece.length
        while at < end:
            sent = os.sendfile(self.fd, piece.fd, at, min(end - at, limits.BACKING_TURN_BYTES))
            if not sent:
                raise OSError(errno.EIO, "a segment ended before the value did")
            at += sent

    def read_into(self, offset: int, target: memoryview) -> None:
        """Read bytes to where they will stay.

        Raises:
            OSError: the disk fails.
        """
        while target:
            count = os.preadv(self.fd, [target[: limits.BACKING_TURN_BYTES]], offset)
            if not count:
                raise OSError(errno.EIO, "an archive ended before the value did")
            target, offset = target[count:], offset + count

    def free(self, offset: int, length: int) -> None:
        """Give the pages of a range back to the disk, where the file system can."""
        start, end = (offset + _PAGE - 1) // _PAGE * _PAGE, (offset + length) // _PAGE * _PAGE
        if start < end:
            _fallocate(self.fd, _PUNCH_HOLE_KEEP_SIZE, start, end - start)

    def close(self) -> None:
        """Give it all back."""
        os.close(self.fd)


def _fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "fallocate64", None)
    if call is not None:
        call(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length))


class DiskThread:
    """Runs jobs one after the other, away from the node's loop.

    Args:
        name: Of the thread.
        done: Called in that thread after each job, to wake the loop.
    """

    def __init__(self, name: str, done: Callable[[], None]) -> None:
        self._name, self._done = name, done
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], None]] | None] = queue.SimpleQueue()
        self._results: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._thread: threading.Thread | None = None

    def call(self, job: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run a job; `collect` calls `then` with what it returned, or with the exception that it raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put((job, then))

    def _run(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, then = entry
            result: Any
            try:
                result = job()
            except Exception as error:
                result = error
            self._results.append((then, result))
            del job, then, result, entry
            self._done()

    def collect(self) -> None:
        """In the loop: hand over what is done."""
        while self._results:
            then, result = self._results.popleft()
            then(result)

    def close(self) -> None:
        """End after the job at hand; what takes longer than a moment ends with the process."""
        if self._thread is not None:
            while not self._jobs.empty():
                self._jobs.get()
            self._jobs.put(None)
            self._thread.join(limits.DISK_END_S)
            self._thread = None
