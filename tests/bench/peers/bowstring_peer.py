"""Bowstring itself."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

from tests.bench.peer import Absent, row
from tests.bench.peers.java_program import run_java_driver
from tests.bench.peers.tasklike import TasklikePeer
from tests.bench.processes import resident_memory_mb
from tests.bench.stopwatch import Figures, Work


class Peer(TasklikePeer):
    def load(self) -> ModuleType:
        import bowstring

        return bowstring

    def start(self, java: bool) -> None:
        options: dict[str, Any] = {"class_path": [self.java_classes]} if java and self.java_classes else {}
        self.api.init(num_cpus=self.num_cpus, **options)

    def java_driver(self, java_classes: str) -> dict[str, list[float]]:
        return run_java_driver("bench.BowstringDriver", java_classes, self.num_cpus, self.quick)

    def new_array(self, elements: int) -> Any:
        return self.api.empty((elements,), "int64")

    @row("100 MB Arrow table to a Java task")
    def java_table(self) -> Work:
        import numpy as np
        import pyarrow as pa

        if self.java_classes is None:
            raise Absent("no JDK")
        rows = self.api.java_function("bench.BenchTables", "rows")
        table = self.api.put(pa.table({"x": np.ones(12_500_000, dtype=np.int64)}))
        return Work(lambda: (self.api.get(rows.remote(table)), None)[1])

    def idle_jvms(self) -> list[int]:
        """Process ids of the JVM workers that have nothing to do; waits for one."""
        from bowstring.util import state

        deadline = time.perf_counter() + 30
        while True:
            rows = state.workers("language=JAVA", "state=idle").to_pylist()
            if rows:
                return [int(row["pid"]) for row in rows]
            if time.perf_counter() > deadline:
                raise RuntimeError("no JVM worker became idle")
            time.sleep(0.05)

    @row("first Java task, a JVM ready")
    def java_ready(self) -> Figures:
        if self.java_classes is None:
            raise Absent("no JDK")
        figures = Figures([])
        for _ in range(1 if self.quick else 5):
            self.api.shutdown()
            self.start(java=True)
            self.idle_jvms()
            time.sleep(1)  # the machine is quiet again
            began = time.perf_counter()
            self.api.get(self.java_function("one").remote())
            figures.values.append((time.perf_counter() - began) * 1e3)
        return figures

    @row("resident memory of an idle JVM worker")
    def jvm_memory(self) -> Figures:
        if self.java_classes is None:
            raise Absent("no JDK")
        one = self.java_function("one")
        self.api.get([one.remote() for _ in range(100 if self.quick else 10_000)])
        time.sleep(2)  # leases are given back
        return Figures([max(map(resident_memory_mb, self.idle_jvms()))])
