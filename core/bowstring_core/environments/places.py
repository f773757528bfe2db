"""Where what environments are made of lies: packages in the session's folder, virtual environments in the user's cache.

This is what the node needs to know of them; what makes them is imported by the processes that do.
"""

from __future__ import annotations

import contextlib
import fcntl
import os

from bowstring_core.node.jvm_archive import cache_folder

PREFIX = "package:"
JAR = (".jar", ".zip")


class PackageError(Exception):
    """The source can't be made a package; the message says what is wrong with which part of it."""


def place(folder: str, package: str) -> str:
    """Path of a package.

    Args:
        folder: The session's folder.
        package: "package:" and the id.

    Raises:
        PackageError: it is no such name, or there is no such package.
    """
    name = package.removeprefix(PREFIX)
    path = os.path.join(folder, "packages", name)
    if not package.startswith(PREFIX) or not name.isalnum() or not os.path.isdir(path):
        raise PackageError(f"{package!r} is no package of this node")
    return path


def classes(folder: str, package: str) -> str:
    """What stands in a class path for a package of Java classes: its jar, if it holds one and nothing else, or itself.

    Args:
        folder: The session's folder.
        package: "package:" and the id.

    Raises:
        PackageError: as `place`.
    """
    path = place(folder, package)
    entries = os.listdir(path)
    return os.path.join(path, entries[0]) if len(entries) == 1 and entries[0].endswith(JAR) else path


def folder() -> str:
    """Where the environments of this user are."""
    return os.path.join(cache_folder(), "environments")


def python_of(environment: str) -> str:
    """The interpreter of an environment."""
    return os.path.join(folder(), environment, "bin", "python")


class Lock:
    """The lock of one environment, by its id."""

    def __init__(self, environment: str) -> None:
        self._path = os.path.join(folder(), f"{environment}.lock")
        self._fd = -1

    def take(self, operation: int) -> bool:
        """Take it as flock's `operation` says; False: somebody else has it, and LOCK_NB was given."""
        os.makedirs(folder(), 0o700, exist_ok=True)
        while True:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, operation)
                with contextlib.suppress(FileNotFoundError):
                    if os.fstat(fd).st_ino == os.stat(self._path).st_ino:
                        self._fd = fd
                        return True
            except BlockingIOError:
                os.close(fd)
                return False
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # whoever had it has removed the file: take the new one

    def release(self) -> None:
        """Let others have it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def remove(self) -> None:
        """Take the file away, and let go of it; only who has it alone may do so."""
        os.unlink(self._path)
        self.release()


def use(environment: str) -> Lock | None:
    """The shared lock of an environment that is there; None: it is not there, or it is being made."""
    lock = Lock(environment)
    if not os.path.isdir(os.path.join(folder(), environment)) or not lock.take(fcntl.LOCK_SH | fcntl.LOCK_NB):
        return None
    if os.path.isdir(os.path.join(folder(), environment)):
        with contextlib.suppress(OSError):
            os.utime(os.path.join(folder(), environment))  # for the choice of what is removed
        return lock
    lock.release()
    return None
