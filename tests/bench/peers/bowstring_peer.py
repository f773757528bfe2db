"""Bowstring itself."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tests.bench.peer import Absent, row
from tests.bench.peers.java_program import run_java_driver
from tests.bench.peers.tasklike import TasklikePeer
from tests.bench.stopwatch import Work


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
