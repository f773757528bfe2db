"""Session folders: one for each runtime, private to its user, and gone with it.

    <root>/bowstring-<uid>/            0700, ours
        <id>/                          0700
            lock                       held (flock) while the node lives
            node.sock  token  session.json  logs/  <sockets of workers>

A folder is made under a name that begins with a dot, locked, and renamed: one without a held lock is therefore left
over, and the next node of this user sweeps it away. The kernel drops the lock however the node ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import stat
import time

from bowstring_wire.protocol import SOCKET_PATH_BYTES_MAX, TOKEN_BYTES

# Longest name of a socket in a session's folder.
_SOCKET_NAME_BYTES = len("worker-4294967295.sock")
_NEW_FOLDER_AGE_S = 60.0


class SessionError(Exception):
    """The session's folder can't be made; the message says what to do."""


def session_root() -> str:
    """The folder of this user's sessions, made if need be.

    Raises:
        SessionError: it is not private to this user, or can't be made.
    """
    uid = os.getuid()
    place = os.environ.get("BOWSTRING_TMP") or os.environ.get("XDG_RUNTIME_DIR")
    if not place or not os.path.isdir(place):
        place = "/tmp"
    root = os.path.join(os.path.abspath(place), f"bowstring-{uid}")
    if len(os.fsencode(root)) + 10 + _SOCKET_NAME_BYTES > SOCKET_PATH_BYTES_MAX:
        raise SessionError(f"{root} is too long for the paths of sockets: set BOWSTRING_TMP to a shorter folder")
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        status = os.lstat(root)
    except OSError as error:
        raise SessionError(f"{root} can't be made: {error.strerror}; set BOWSTRING_TMP to a folder of yours") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or status.st_mode & 0o077:
        raise SessionError(f"{root} is not a folder that only this user can enter: remove it, or set BOWSTRING_TMP")
    return root


def remove_folder(path: str) -> None:
    """Remove a folder and what is in it, without following links; what is gone already is no matter."""
    with contextlib.suppress(OSError):
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    remove_folder(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
        os.rmdir(path)


def sweep(root: str) -> None:
    """Remove what dead nodes of this user have left in the root."""
    with os.scandir(root) as entries:
        folders = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in folders:
        with contextlib.suppress(OSError):
            if entry.name.startswith(".") and time.time() - entry.stat().st_mtime < _NEW_FOLDER_AGE_S:
                continue
            try:
                fd = os.open(os.path.join(entry.path, "lock"), os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                # It is being removed by somebody; or it was, and they were stopped.
                remove_folder(entry.path)
                continue
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove_folder(entry.path)
            finally:
                os.close(fd)


class Session:
    """The folder of this node.

    Attributes:
        path: The folder.
        token: The session's secret.
        listener: The socket at node.sock, listening.
    """

    def __init__(self, root: str, node: int, version: str) -> None:
        name = os.urandom(4).hex()
        new = os.path.join(root, f".{name}")
        self.path = os.path.join(root, name)
        os.mkdir(new, 0o700)
        self._lock = os.open(os.path.join(new, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.token = os.urandom(TOKEN_BYTES)
        self._write(new, "token", self.token)
        facts = {"pid": os.getpid(), "node": f"{node:016x}", "version": version, "started_ns": time.time_ns()}
        self._write(new, "session.json", json.dumps(facts).encode())
        os.mkdir(os.path.join(new, "logs"), 0o700)
        os.rename(new, self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(os.path.join(self.path, "node.sock"))
        self.listener.listen(1024)
        self.listener.setblocking(False)

    @staticmethod
    def _write(folder: str, name: str, data: bytes) -> None:
        fd = os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(data)

    def log_path(self, name: str) -> str:
        """Path of a file in logs/."""
        return os.path.join(self.path, "logs", name)

    def remove(self) -> None:
        """Take the folder away."""
        self.listener.close()
        remove_folder(self.path)
        os.close(self._lock)
