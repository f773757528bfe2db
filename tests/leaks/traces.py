"""What a runtime may leave behind, and the waiting until it is gone.

A test's runtimes are told apart from all others by their sessions' parent folder: ``BOWSTRING_TMP`` names a fresh one
for each test, every process that a runtime starts inherits the variable, and so ``/proc/PID/environ`` tells whose it
is, even when it was orphaned or has changed its command line. In the test's own process, descriptors, threads and
mappings of shared memory are held against what was there before.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "BOWSTRING_TMP"
GONE_WITHIN_S = 15.0
POLL_S = 0.005


@dataclass(frozen=True)
class Traces:
    """What this process holds.

    Attributes:
        descriptors: Descriptor and what it stands for.
        threads: Threads that Python knows of.
        mappings: Inodes of shared memory that is mapped.
    """

    descriptors: frozenset[tuple[int, str]]
    threads: frozenset[threading.Thread]
    mappings: frozenset[str]


def own_traces() -> Traces:
    """What this process holds now; unreachable objects are collected first."""
    gc.collect()
    return Traces(
        frozenset(_descriptors()),
        frozenset(threading.enumerate()),
        frozenset(fields[4] for fields in _mappings() if len(fields) == 6 and fields[5].startswith("/memfd:")),
    )


def processes_of(folder: Path) -> dict[int, str]:
    """Command lines of the processes that were started with the folder as BOWSTRING_TMP, without this one."""
    wanted = f"{VARIABLE}={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended, or is another user's
    return found


def sessions_in(folder: Path) -> list[str]:
    """What lies below the folders of users in the folder: sessions, and what is in them."""
    found = []
    for root, folders, files in os.walk(folder):  # it passes over what is removed meanwhile
        if Path(root) != folder:
            found += [os.path.relpath(os.path.join(root, name), folder) for name in (*folders, *files)]
    return sorted(found)


def wait_nothing_is_left(folder: Path, before: Traces, own: bool = True, within_s: float = GONE_WITHIN_S) -> list[str]:
    """Wait until processes and sessions of the folder are gone, and what this process holds is what it held before.

    Args:
        folder: The parent of the sessions.
        before: What this process held then.
        own: False: leave out what this process holds, because a runtime still runs in it.
        within_s: Deadline in seconds.

    Returns:
        What is left, a line each; empty if all is gone.
    """
    deadline = time.monotonic() + within_s
    while True:
        left = list(_left(folder, before, own))
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(POLL_S)


def _left(folder: Path, before: Traces, own: bool) -> Iterator[str]:
    for pid, command in processes_of(folder).items():
        yield f"process {pid}: {command[:200]}"
    for path in sessions_in(folder):
        yield f"session: {path}"
    if not own:
        return
    now = own_traces()
    for descriptor, target in sorted(now.descriptors - before.descriptors):
        yield f"descriptor {descriptor}: {target}"
    for thread in now.threads - before.threads:
        yield f"thread {thread.name}"
    for inode in now.mappings - before.mappings:
        yield f"mapping of shared memory, inode {inode}"


def _descriptors() -> Iterator[tuple[int, str]]:
    for name in os.listdir("/proc/self/fd"):
        try:
            yield int(name), os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the descriptor of the listing itself


def _mappings() -> list[list[str]]:
    return [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
