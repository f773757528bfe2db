"""Virtual environments with what pip or uv installs, kept for all runtimes of a user (spec 10.2).

    <cache>/bowstring/environments/<id>/         the environment, put in place by rename
    <cache>/bowstring/environments/<id>.lock     exclusive: being made or removed; shared: in use by a node

The id is a hash of what goes into it: the Python that runs it, the installer, its options, the requirements, and the
contents of those that are files. Who wants one that is being made waits for the lock and finds it done. The oldest that
nobody uses are removed beyond a number.

An environment sees the packages of the Python that made it: by the option of venv, and, where that Python lives in a
virtual environment itself, by a path file. Its own packages come first.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.environments.places import Lock, folder
from bowstring_core.node.sessions import remove_folder

PIP, UV = 1, 2
_PR_SET_PDEATHSIG = 1


class InstallError(Exception):
    """The environment can't be made; the message holds the tool's output."""


class Installation(NamedTuple):
    """What is to be installed, and how."""

    installer: int
    requirements: tuple[str, ...]
    options: tuple[str, ...]
    check: bool

    def id(self) -> str:
        """The environment's name; reads the files among the requirements.

        Raises:
            InstallError: one of them can't be read.
        """
        contents = [_contents_of(requirement) for requirement in self.requirements]
        python = [os.path.realpath(sys.executable), sys.version, sys.prefix]
        facts = [python, self.installer, self.requirements, self.options, self.check, contents]
        return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _contents_of(requirement: str) -> str:
    """A hash of the files that the requirement stands for; empty if it is no path."""
    path = requirement.partition(" @ ")[2] or requirement
    path = path.removeprefix("file://").partition("[")[0].removeprefix("-e ").strip()
    if not path.startswith("/"):
        return ""
    digest = hashlib.blake2b(digest_size=16)
    try:
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if name not in ("__pycache__", ".git", "build"))
            for name in sorted(files):
                status = os.stat(os.path.join(folder, name))
                digest.update(f"{folder}/{name}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    except OSError as error:
        raise InstallError(f"requirement {requirement!r}: {error.strerror}") from error
    return digest.hexdigest()


def make(installation: Installation, environment: str) -> None:
    """Make the environment, or wait until whoever makes it is done.

    Raises:
        InstallError: it can't be made.
    """
    lock = Lock(environment)
    lock.take(fcntl.LOCK_EX)
    try:
        target = os.path.join(folder(), environment)
        if os.path.isdir(target):
            return
        _remove_old(environment)
        fresh = os.path.join(folder(), f".{environment}")  # ours alone by the lock
        remove_folder(fresh)
        try:
            _make_in(fresh, target, installation)
            os.rename(fresh, target)
        finally:
            remove_folder(fresh)
    except OSError as error:
        raise InstallError(f"the virtual environment can't be made in {folder()}: {error}") from error
    finally:
        lock.release()


def _remove_old(but: str) -> None:
    """Remove what nobody uses: what is unfinished, and the longest unused ones beyond those that are kept."""
    found: list[tuple[float, str]] = []
    unfinished: list[tuple[float, str]] = []
    for entry in os.scandir(folder()):
        if entry.is_dir() and entry.name.removeprefix(".") != but:
            (unfinished if entry.name.startswith(".") else found).append((entry.stat().st_mtime, entry.name))
    for _, name in [*unfinished, *sorted(found)[: max(0, len(found) - limits.ENVIRONMENTS_KEPT)]]:
        lock = Lock(name.removeprefix("."))
        if lock.take(fcntl.LOCK_EX | fcntl.LOCK_NB):
            remove_folder(os.path.join(folder(), name))
            if os.path.isdir(os.path.join(folder(), name.removeprefix("."))):
                lock.release()
            else:
                lock.remove()


def _make_in(fresh: str, target: str, installation: Installation) -> None:
    venv.EnvBuilder(system_site_packages=True, with_pip=False, symlinks=True).create(fresh)
    python = os.path.join(fresh, "bin", "python")
    _show_packages_of_this_python(fresh)
    if installation.requirements:
        command = _installer(fresh, python, installation.installer)
        listed = os.path.join(fresh, "requirements.txt")
        with open(listed, "w", encoding="utf-8") as file:
            file.write("".join(f"{requirement}\n" for requirement in installation.requirements))
        _run([*command, "-r", listed, *installation.options])
    if installation.check:
        _run([python, "-m", "pip", "check", "--disable-pip-version-check"])
    _name_its_place(fresh, target)


def _show_packages_of_this_python(fresh: str) -> None:
    paths = sysconfig.get_paths()
    own = sysconfig.get_path("purelib", vars={"base": fresh, "platbase": fresh})
    lines = [
        f"import site; site.addsitedir({path!r})\n"
        for path in dict.fromkeys((paths["purelib"], paths["platlib"]))
        if os.path.isdir(path)
    ]
    with open(os.path.join(own, "_bowstring.pth"), "w", encoding="utf-8") as file:
        file.writelines(lines)


def _installer(fresh: str, python: str, installer: int) -> list[str]:
    """The command that installs into the environment, up to what is to be installed."""
    if installer == UV:
        uv = shutil.which("uv", path=os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", ""))))
        if uv is None:
            _run([*_pip(python), "uv"])
            uv = os.path.join(fresh, "bin", "uv")
        return [uv, "pip", "install", "--python", python, "--no-progress"]
    return _pip(python)


def _pip(python: str) -> list[str]:
    """pip as the environment sees it; one of its own if there is none."""
    if importlib.util.find_spec("pip") is None:
        _run([python, "-m", "ensurepip"])
    return [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]


def _run(command: Sequence[str]) -> None:
    """Run a tool; it ends with this process.

    Raises:
        InstallError: it failed; with the last that it wrote.
    """
    shown = " ".join(command)
    print(f"$ {shown}", flush=True)
    libc = ctypes.CDLL(None)
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        preexec_fn=lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    text = done.stdout.decode(errors="replace")
    print(text, flush=True)
    if done.returncode:
        tail = text[-limits.TOOL_OUTPUT_BYTES_MAX :].strip()
        raise InstallError(f"{shown}\nended with exit status {done.returncode} and wrote:\n{tail}")


def _name_its_place(fresh: str, target: str) -> None:
    """Programs and scripts of the environment name its path: let it be the one that it gets."""
    before, after = os.fsencode(fresh), os.fsencode(target)
    for entry in os.scandir(os.path.join(fresh, "bin")):
        if entry.is_symlink() or not entry.is_file():
            continue
        with open(entry.path, "rb") as file:
            data = file.read()
        if before in data and b"\0" not in data:
            with open(entry.path, "wb") as file:  # keeps the mode
                file.write(data.replace(before, after))
