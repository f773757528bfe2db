"""Steps about shared memory."""

from __future__ import annotations

import mmap
import os
from typing import Any

from conformance.wire.conversation import Conversation, Mismatch


class StoreSteps(Conversation):
    """Files of segments are opened and mapped as a frontend would."""

    def do_backed(self, step: dict[str, Any]) -> None:
        """The memory of the file takes no more room when it is written."""
        path, length = self.names.resolve(step["backed"]), step["length"]
        blocks = os.stat(path).st_blocks * 512
        if blocks < length:
            raise Mismatch(f"{blocks} bytes of {length} are backed")

    def do_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for writing."""
        fd = os.open(self.names.resolve(step["writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096).close()
        finally:
            os.close(fd)

    def do_not_writable(self, step: dict[str, Any]) -> None:
        """The file can be mapped for reading alone."""
        fd = os.open(self.names.resolve(step["not_writable"]), os.O_RDWR)
        try:
            mmap.mmap(fd, 4096, prot=mmap.PROT_READ).close()
            mmap.mmap(fd, 4096).close()
        except PermissionError:
            return
        finally:
            os.close(fd)
        raise Mismatch("it can be mapped for writing")
