"""The memory files behind the store's segments.

A segment is a memfd: nothing to unlink, no /dev/shm to fill, gone with its last descriptor and mapping. Its pages are
allocated with fallocate, so that who writes there never meets SIGBUS; the file's length is fixed, and once the writer
has mapped it the kernel refuses every other writable mapping (F_SEAL_FUTURE_WRITE), whatever a reader tries.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os

from bowstring_core import limits

_F_SEAL_SHRINK = 0x0002
_F_SEAL_GROW = 0x0004
_F_SEAL_FUTURE_WRITE = 0x0010


class BackingError(Exception):
    """The machine has no more memory to give now; the message says what was missing."""


_CGROUP = "/sys/fs/cgroup"
_RECLAIMABLE = (b"active_file ", b"inactive_file ")


def memory_available() -> int:
    """Bytes that can be had without swapping: of the machine (Linux: MemAvailable), or of the control group."""
    available = 0
    with open("/proc/meminfo", "rb") as file:
        for line in file:
            if line.startswith(b"MemAvailable:"):
                available = int(line.split()[1]) << 10
                break
    limit = _cgroup_limit()
    return available if limit is None else min(available, limit - _cgroup_used())


def _cgroup_limit() -> int | None:
    """Bytes that the control group allows; None: as many as there are."""
    try:
        with open(f"{_CGROUP}/memory.max", "rb") as file:
            limit = file.read().strip()
    except OSError:
        return None
    return int(limit) if limit.isdigit() else None


def _cgroup_used() -> int:
    """Bytes that the control group uses, without pages of files on disk, which the kernel can take back."""
    with open(f"{_CGROUP}/memory.current", "rb") as file:
        used = int(file.read())
    with open(f"{_CGROUP}/memory.stat", "rb") as file:
        return used - sum(int(line.split()[1]) for line in file if line.startswith(_RECLAIMABLE))


def memory_total() -> int:
    """Bytes of memory that the machine has, or that its control group allows if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _cgroup_limit()
    return total if limit is None else min(total, limit)


class SegmentFile:
    """One memfd of the node.

    Attributes:
        path: What others open.
        length: Bytes.
    """

    __slots__ = ("_mapping", "_sealed", "fd", "length", "path")

    def __init__(self, number: int, length: int) -> None:
        self.fd = os.memfd_create(f"bowstring-{number}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, length)
        self.length = length
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        self._sealed = False
        self._mapping: mmap.mmap | None = None

    def map_here(self) -> None:
        """Let the node be the one that writes: map the file, and refuse every other writable mapping."""
        self._mapping = mmap.mmap(self.fd, self.length)
        self.seal()

    def view(self, offset: int, length: int) -> memoryview:
        """A writable view of a range, of a file that is mapped here; released before the file is closed."""
        assert self._mapping is not None
        return memoryview(self._mapping)[offset : offset + length]

    def back(self, start: int, end: int) -> None:
        """Allocate the pages of a range.

        Raises:
            BackingError: the machine has too little memory left.
        """
        missing = end - start + limits.MEMORY_MARGIN_BYTES - memory_available()
        if missing > 0:
            raise BackingError(
                f"the machine is short of {missing} bytes (it keeps {limits.MEMORY_MARGIN_BYTES} available)"
            )
        try:
            os.posix_fallocate(self.fd, start, end - start)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EFBIG, errno.EDQUOT):
                raise BackingError(f"the system refuses {end - start} bytes: {error.strerror}") from error
            raise

    def seal(self) -> None:
        """Refuse every writable mapping from now on, and every change of the length."""
        if not self._sealed:
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _F_SEAL_SHRINK | _F_SEAL_GROW | _F_SEAL_FUTURE_WRITE)
            self._sealed = True

    def close(self) -> None:
        """Give the memory back once nobody maps it."""
        if self._mapping is not None:
            with contextlib.suppress(BufferError):  # the disk's thread is writing there, and the node ends
                self._mapping.close()
        os.close(self.fd)
