"""`bowstring logs`: what workers and the node have written, from the files of the session."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections import deque
from collections.abc import Iterator
from time import sleep
from typing import Any, BinaryIO, NamedTuple

import click

from bowstring_core.cli.sessions import chosen_session, session_option
from bowstring_core.cli.tables import show_rows
from bowstring_core.cli.tool import Tool, ToolError
from bowstring_wire.messages import StateKind

FOLLOW_S = 0.1  # between two looks at files that are followed
READ_BYTES = 64 << 10
_WORKER = re.compile(r"worker-(\d+)\.(out|err)")


class LogName(NamedTuple):
    """One log file that is written to."""

    file: str
    slot: int  # 0: not a worker's
    stream: str


def log_names(folder: str) -> list[LogName]:
    """The log files of a session: the node's, then the workers' by their slots."""
    names = []
    for entry in os.scandir(folder):
        match = _WORKER.fullmatch(entry.name)
        if match is not None:
            names.append(LogName(entry.name, int(match[1]), match[2]))
        elif entry.name in ("node.log", "zygote.err"):
            names.append(LogName(entry.name, 0, entry.name))
    return sorted(names, key=lambda name: (name.slot, name.file))


@click.command()
@click.argument("worker", required=False)
@session_option
@click.option("--tail", type=click.IntRange(min=0), default=100, show_default=True, help="Last lines of each file.")
@click.option("--all", "everything", is_flag=True, help="All lines that are kept, older files too.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now on, until the runtime ends.")
@click.option("--stream", type=click.Choice(["out", "err"]), help="Only standard output, or standard error.")
def logs(
    worker: str | None, session: str | None, tail: int, everything: bool, follow: bool, stream: str | None
) -> None:
    """The lines that WORKER has written: a slot or process id of `bowstring list workers`, `node`, or `all`.

    Without WORKER: which log files there are.
    """
    path = chosen_session(session)
    folder = os.path.join(path, "logs")
    with Tool(path) as tool:
        workers = {row["slot"]: row for row in tool.rows(StateKind.WORKERS)}
    names = log_names(folder)
    if worker is None:
        show_rows(list(_listing(folder, names, workers)))
        return
    wanted = [name for name in _chosen(worker, names, workers) if stream is None or name.stream == stream]
    limit = None if everything else tail
    followed = []
    for name in wanted:
        prefix = f"({name.file}) " if len(wanted) > 1 else ""
        if everything:
            _print_older(os.path.join(folder, name.file + ".1"), prefix)
        followed.append(_Followed(os.path.join(folder, name.file), prefix, limit))
    while follow and os.path.isdir(folder):
        came = [each.more() for each in followed]
        if not any(came):
            sys.stdout.flush()
            sleep(FOLLOW_S)
    for each in followed:
        while each.more():
            pass
        each.close()


def _listing(folder: str, names: list[LogName], workers: dict[int, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for name in names:
        row = workers.get(name.slot)
        yield {
            "file": name.file,
            "bytes": os.stat(os.path.join(folder, name.file)).st_size,
            "worker": name.slot or "",
            "pid": row["pid"] if row else "",
            "language": row["language"] if row else "",
            "state": row["state"] if row else "ended" if name.slot else "",
            "actor": row["name"] if row else "",
        }


def _chosen(worker: str, names: list[LogName], workers: dict[int, dict[str, Any]]) -> list[LogName]:
    if worker == "all":
        return names
    if worker == "node":
        return [name for name in names if not name.slot]
    slots = {slot for slot, row in workers.items() if str(row["pid"]) == worker}
    found = [name for name in names if name.slot in slots or str(name.slot) == worker]
    if not found:
        raise ToolError(f"no worker has slot or process id {worker}; `bowstring logs` tells which there are")
    return found


def _print_older(path: str, prefix: str) -> None:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            _print(prefix, line)


def _print(prefix: str, line: bytes) -> None:
    sys.stdout.write(prefix + line.decode(errors="replace").removesuffix("\n") + "\n")


class _Followed:
    """A file whose last lines are printed, and what comes behind them; one that is turned over is followed by its
    successor."""

    def __init__(self, path: str, prefix: str, tail: int | None) -> None:
        self._path, self._prefix = path, prefix
        self._partial = b""  # of a line whose end has not come
        self._file = self._open()
        if self._file is not None:
            lines: deque[bytes] = deque(self._file, tail)
            if lines and not lines[-1].endswith(b"\n"):
                self._partial = lines.pop()
            for line in lines:
                _print(prefix, line)

    def _open(self) -> BinaryIO | None:
        with contextlib.suppress(FileNotFoundError):
            return open(self._path, "rb")
        return None

    def more(self) -> bool:
        """Print the lines that have come; whether anything has."""
        if self._file is None:
            self._file = self._open()
            return self._file is not None
        data = self._file.read(READ_BYTES)
        if data:
            *lines, self._partial = (self._partial + data).split(b"\n")
            for line in lines:
                _print(self._prefix, line)
            return True
        if self._was_turned_over():
            self.close()
            return True
        return False

    def _was_turned_over(self) -> bool:
        assert self._file is not None
        with contextlib.suppress(FileNotFoundError):
            return os.stat(self._path).st_ino != os.fstat(self._file.fileno()).st_ino
        return False

    def close(self) -> None:
        """Print what is left, and let go of the file."""
        if self._partial:
            _print(self._prefix, self._partial)
            self._partial = b""
        if self._file is not None:
            self._file.close()
            self._file = None
