"""The side of the benchmark that runs inside a peer's environment.

A peer is a module under ``peers`` with a class ``Peer`` whose methods are marked with ``@row(name)``. The program
``python -m tests.bench.peers`` imports it, runs the asked rows of one group in the given order, and writes one JSON
object a line to a file descriptor of its own (a peer may print what it likes to its standard output):

    {"row": NAME, "values": [FIGURE, ...]}     measured, in the row's unit
    {"row": NAME, "absent": REASON}            this peer has nothing of the kind
    {"row": NAME, "error": TEXT}               it should have worked, and did not

It needs nothing but the standard library until the peer imports what it measures.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from tests.bench.stopwatch import FULL, QUICK, Figures, Work, measure

F = TypeVar("F", bound=Callable[..., Any])


class Absent(Exception):
    """Raised by a row that the peer can't do; the message says why."""


def row(name: str) -> Callable[[F], F]:
    """Mark a method as the one that does the row of that name. It returns Work, Figures, or raises Absent."""

    def mark(method: F) -> F:
        method.bench_row = name  # type: ignore[attr-defined]
        return method

    return mark


class PeerBase:
    """What the peers share: where to find a row's method, and the settings of the run.

    Attributes:
        num_cpus: Processors that every peer is told to use.
        quick: True for a smoke run: rows shrink their batches with ``scaled``.
        java_classes: Folder of the compiled Java sources of the benchmark, or None without Java.
    """

    def __init__(self, num_cpus: int, quick: bool, java_classes: str | None) -> None:
        self.num_cpus = num_cpus
        self.quick = quick
        self.java_classes = java_classes

    def scaled(self, count: int) -> int:
        """The count, or a tenth of it in a smoke run."""
        return max(1, count // 10) if self.quick else count

    def open(self, group: str) -> None:
        """Start what the group's rows need."""

    def close(self) -> None:
        """End it."""

    def find(self, name: str) -> Callable[[], Work | Figures] | None:
        for attribute in dir(type(self)):
            method = getattr(type(self), attribute)
            if getattr(method, "bench_row", None) == name:
                return getattr(self, attribute)  # type: ignore[no-any-return]
        return None


def run(
    peer: PeerBase, group: str, rows: list[tuple[str, str]], quick: bool, report: Callable[[dict[str, Any]], None]
) -> None:
    """Run the rows (name and unit) of one group on the peer, and report each."""
    wanted = [(name, unit, peer.find(name)) for name, unit in rows]
    for name, _, method in wanted:
        if method is None:
            report({"row": name, "absent": "nothing of the kind"})
    doable = [(name, unit, method) for name, unit, method in wanted if method is not None]
    if not doable:
        return
    try:
        peer.open(group)
    except Exception as error:
        for name, _, _ in doable:
            absent = isinstance(error, Absent)
            report({"row": name, "absent" if absent else "error": str(error) if absent else describe(error)})
        return
    try:
        for name, unit, method in doable:
            try:
                result = method()
                figures = measure(result, unit, QUICK if quick else FULL) if isinstance(result, Work) else result
                report({"row": name, "values": figures.values})
            except Absent as absent:
                report({"row": name, "absent": str(absent)})
            except Exception as error:
                traceback.print_exc()
                report({"row": name, "error": describe(error)})
    finally:
        peer.close()


def describe(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:300]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", required=True)
    parser.add_argument("--group", required=True)
    parser.add_argument("--rows", required=True, help="JSON list of [name, unit]")
    parser.add_argument("--num-cpus", type=int, required=True)
    parser.add_argument("--report-fd", type=int, required=True)
    parser.add_argument("--java-classes")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    os.set_inheritable(options.report_fd, False)  # a runtime that outlives this process must not keep the pipe open
    with open(options.report_fd, "w", encoding="utf-8") as pipe:

        def report(record: dict[str, Any]) -> None:
            pipe.write(json.dumps(record) + "\n")
            pipe.flush()

        module = importlib.import_module(f"tests.bench.peers.{options.peer}_peer")
        peer = module.Peer(options.num_cpus, options.quick, options.java_classes)
        run(peer, options.group, [tuple(pair) for pair in json.loads(options.rows)], options.quick, report)
