"""Memory of ones for validity bitmaps (spec section 3.14): one small file, mapped side by side by whoever reads.

It is written once, when somebody first comes who may want it, and sealed against every write and change of its length:
so who maps it never meets SIGBUS, and no process changes what the others see.
"""

from __future__ import annotations

import fcntl
import os

from bowstring_core import limits


class OnesFile:
    """The file, which exists from the first look at its path on, until it is closed; it is made once at most."""

    __slots__ = ("_fd", "_path")

    def __init__(self) -> None:
        self._fd = -1
        self._path: str | None = None

    def path(self) -> str:
        """Where others open the file; empty if the machine has no memory for it, or it was closed."""
        if self._path is None:
            self._path = self._make()
        return self._path

    def _make(self) -> str:
        try:
            fd = os.memfd_create("bowstring-ones", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            try:
                left = memoryview(b"\xff" * limits.ONES_BYTES)
                while left:
                    left = left[os.write(fd, left) :]
                fcntl.fcntl(
                    fd,
                    fcntl.F_ADD_SEALS,
                    fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL,
                )
            except OSError:
                os.close(fd)
                raise
        except OSError:
            return ""  # readers make ones of their own then
        self._fd = fd
        return f"/proc/{os.getpid()}/fd/{fd}"

    def close(self) -> None:
        """Give the memory back once nobody maps it."""
        fd, self._fd, self._path = self._fd, -1, ""
        if fd >= 0:
            os.close(fd)
