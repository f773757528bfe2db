"""``python -m tests.bench.stages``: where the microseconds of the three hottest rows go, as a table.

A call in turn is cut at seven places: in the driver where `.remote()` starts, where the frame is written, where the
poll returns and where `get` returns; in the worker where the poll returns, where the method runs and where the answer
is written. The probes cost 0.2 us each. What is left between the two processes is the kernel's: two writes, two waits,
and twice the waking of a process that sleeps. Calls in bulk are not cut: there each process's processor time counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from rich.console import Console
from rich.table import Table

import bowstring as bow
from bowstring._reactor import Connection, Reactor

CALLS = 20_000  # in bulk; a fifth of that in turn


class Probes:
    """When the process's last poll returned, and what came after it."""

    def __init__(self) -> None:
        self.polled = self.ran = 0.0
        self.until_ran: list[float] = []
        self.until_written: list[float] = []

    def install(self) -> None:
        """Put the probes into this process's reactor, for good."""
        poll, write = Reactor._poll, Connection._write

        def probed_poll(reactor: Reactor, timeout_s: float) -> Any:
            events = poll(reactor, timeout_s)
            self.polled = perf_counter()
            return events

        def probed_write(connection: Connection, data: Any) -> None:
            if self.polled:
                now = perf_counter()
                self.until_written.append(now - (self.ran or self.polled))
                if self.ran:
                    self.until_ran.append(self.ran - self.polled)
                self.polled = self.ran = 0.0
            write(connection, data)

        Reactor._poll = probed_poll  # type: ignore[method-assign]
        Connection._write = probed_write  # type: ignore[method-assign]


@bow.remote
class Probed:
    def __init__(self) -> None:
        self.probes = Probes()

    def install(self) -> None:
        self.probes.install()

    def call(self) -> bytes:
        self.probes.ran = perf_counter()
        return b"ok"

    def plain(self) -> bytes:
        return b"ok"

    def medians_us(self) -> tuple[float, float]:
        return _median_us(self.probes.until_ran), _median_us(self.probes.until_written)

    def cpu_s(self) -> float:
        return process_time()


@bow.remote
def task() -> bytes:
    return b"ok"


def _median_us(values: list[float]) -> float:
    return statistics.median(values) * 1e6


def in_turn(actor: Any, calls: int) -> list[tuple[str, float]]:
    """The stages of a call that is waited for, in microseconds."""
    bow.get([actor.install.remote(), actor.call.remote()])
    probes = Probes()
    probes.install()
    delivers = []
    started = perf_counter()
    for _ in range(calls):
        begun = perf_counter()
        probes.polled = begun  # the next write ends the submission
        ref = actor.call.remote()
        bow.get(ref)
        delivers.append(perf_counter() - probes.polled)
    whole = (perf_counter() - started) / calls * 1e6
    submits = probes.until_written
    arrives, answers = bow.get(actor.medians_us.remote())
    stages = [
        ("driver: from .remote() to the write", _median_us(submits)),
        ("worker: from the poll's return to the method", arrives),
        ("worker: from the method to the answer's write", answers),
        ("driver: from the poll's return to get's", _median_us(delivers)),
    ]
    return [*stages, ("kernel: two writes, two wakes", whole - sum(us for _, us in stages)), ("the whole call", whole)]


def in_bulk(submit: Callable[[], Any], worker_cpu_s: Callable[[], float] | None, calls: int) -> list[tuple[str, float]]:
    """What a call costs where thousands are made at once, in microseconds."""
    bow.get([submit() for _ in range(calls)])
    before = worker_cpu_s() if worker_cpu_s else 0.0
    began, cpu = perf_counter(), process_time()
    refs = [submit() for _ in range(calls)]
    submitted_cpu = process_time()
    bow.get(refs)
    ended, ended_cpu = perf_counter(), process_time()
    per_call = 1e6 / calls
    stages = [
        ("driver: .remote(), processor", (submitted_cpu - cpu) * per_call),
        ("driver: get of all, processor", (ended_cpu - submitted_cpu) * per_call),
    ]
    if worker_cpu_s:
        stages.append(("worker: processor", (worker_cpu_s() - before) * per_call))
    return [*stages, ("the whole call", (ended - began) * per_call)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=CALLS, help="calls in bulk; a fifth of that in turn")
    calls = parser.parse_args().calls
    table = Table("row", "where", "us", title="where the time goes", title_justify="left")
    with bow.init(num_cpus=2):
        actor = Probed.remote()
        sections = [
            ("tasks async", in_bulk(task.remote, None, calls)),
            ("1:1 actor calls async", in_bulk(actor.plain.remote, lambda: bow.get(actor.cpu_s.remote()), calls)),
            ("1:1 actor calls sync", in_turn(actor, calls // 5)),
        ]
    for name, stages in sections:
        for place, (where, us) in enumerate(stages):
            table.add_row("" if place else name, where, f"{us:.1f}", end_section=place + 1 == len(stages))
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
