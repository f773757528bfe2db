"""The archive from which Java workers start quickly: made once, in the background, by a worker that does little.

After the first use of Java a further worker is started at the lowest priority, with the flags that make a JVM write
down what it has loaded (JDK 25: an AOT cache; 17 to 24: a dynamic CDS archive). It says Hello, writes one value
portably, is told to end, and writes the archive at its end. The file is put in place by rename, under a name that
stands for the JVM's build, the jars and the flags; a JVM that finds it not to its liking starts without it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from typing import TYPE_CHECKING

from bowstring_core import limits
from bowstring_core.node.connection import Connection
from bowstring_wire.messages import (
    Encoding,
    FrameType,
    Layout,
    ObjectRef,
    Shutdown,
    Transcode,
    ValueState,
    Welcome,
)
from bowstring_wire.protocol import INLINE_BYTES_MAX, SPEC_VERSION_MAX

if TYPE_CHECKING:
    from bowstring_core.node.node import Node
    from bowstring_core.node.worker_service import WorkerProcess

# A slot that the scheduler will not reach; the trainee is no worker of its.
TRAINEE_SLOT = 0xFFFF_FFFF

_STRING_IN_JAVA_S_SERIALIZATION = b"\xac\xed\x00\x05\x74\x00\x01\x78"


def cache_folder() -> str:
    """Where archives are kept, for all runtimes of this user."""
    place = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(place, "bowstring")


def archive_path(release: bytes, class_path: list[str], flags: tuple[str, ...]) -> str:
    """The file for this JVM, these jars and these flags, whether it is there or not."""
    key = hashlib.sha256(release)
    for path in class_path:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            key.update(f"{os.path.abspath(path)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    key.update("\0".join(flags).encode())
    return os.path.join(cache_folder(), f"java-{key.hexdigest()[:32]}.archive")


def can_be_archived(class_path: list[str]) -> bool:
    """A JVM archives classes of jars only, and refuses to with a folder in its class path."""
    return all(os.path.isfile(path) for path in class_path)


class Training:
    """The making of one archive.

    Args:
        node: The node.
        target: Where the archive is to be.
    """

    def __init__(self, node: Node, target: str) -> None:
        self._node = node
        self._target = target
        self.file = f"{target}.{os.getpid()}.new"
        self.process: WorkerProcess | None = None
        self._connection: Connection | None = None

    def prepare(self) -> bool:
        """Make the folder, and clear what trainees of old have left; False: there is no place for an archive."""
        folder = os.path.dirname(self._target)
        try:
            os.makedirs(folder, 0o700, exist_ok=True)
            entries = [entry for entry in os.scandir(folder) if entry.name.startswith("java-")]
            archives = sorted((e for e in entries if e.name.endswith(".archive")), key=lambda e: e.stat().st_mtime)
            unfinished = [
                e for e in entries if ".new" in e.name and time.time() - e.stat().st_mtime > limits.TRAINING_S
            ]
            for entry in [*unfinished, *archives[: -limits.ARCHIVES_MAX]]:
                os.unlink(entry.path)
        except OSError as error:
            self._node.log(f"no archive for Java workers: {folder}: {error.strerror}")
            return False
        return os.access(folder, os.W_OK)

    def admitted(self, connection: Connection) -> None:
        """The trainee has said Hello."""
        self._connection = connection
        connection.on_frame = self._on_frame
        node = self._node
        connection.send(
            FrameType.WELCOME,
            Welcome(
                SPEC_VERSION_MAX, 0, node.process_id, os.getpid(), node.node_id, 0, INLINE_BYTES_MAX, node.session.path
            ),
        )
        payload = _STRING_IN_JAVA_S_SERIALIZATION
        work = Transcode(1, ObjectRef(b"\1" * 20, 0, node.process_id, node.node_id), Encoding.PORTABLE)
        work.state, work.encoding, work.layout = ValueState.INLINE, Encoding.JAVA, Layout.COMPACT
        work.length = len(payload)
        connection.send(FrameType.TRANSCODE, work, payload)

    def _on_frame(self, connection: Connection, kind: int, metadata: bytes, body: bytes) -> None:
        if kind in (FrameType.TRANSCODED, FrameType.FAILURE):
            connection.send(FrameType.SHUTDOWN, Shutdown(True, "enough was loaded"))

    def ended(self, status: int | None) -> None:
        """The trainee's process has ended."""
        if self._connection is not None:
            self._connection.close()
        try:
            if status == 0 and os.path.getsize(self.file):
                os.replace(self.file, self._target)
                self._node.log(f"Java workers start from {self._target} from now on")
                return
        except OSError as error:
            self._node.log(f"no archive for Java workers: {error}")
        else:
            self._node.log(f"no archive for Java workers: the trainee's wait status is {status}")
        self.discard()

    def discard(self) -> None:
        """Remove what is unfinished."""
        with contextlib.suppress(OSError):
            os.unlink(self.file)
