"""The rows of the benchmark: what is measured, in which unit, and which way is better.

The names and shapes of the call rows are those of ``ray microbenchmark``, so that figures can be laid side by side.
Rows are gathered in groups; every peer runs a group in a process of its own, with a runtime of its own, and the peers
take turns group by group. So only one runtime is alive at a time, and what drifts on the machine meets all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        group: The group in whose process it runs.
        name: Unique name.
        unit: ``/s`` and ``GB/s`` are rates (more is better); ``ms``, ``us``, ``MB``, ``%`` are costs (less is better).
    """

    group: str
    name: str
    unit: str

    @property
    def is_rate(self) -> bool:
        return self.unit.endswith("/s")

    def ratio(self, ours: float, theirs: float) -> float | None:
        """How many times better ours is than theirs; None when that can't be said."""
        if ours <= 0 or theirs <= 0:
            return None
        return ours / theirs if self.is_rate else theirs / ours


ROWS = [
    Row("startup", "import", "ms"),
    Row("startup", "init", "ms"),
    Row("startup", "first task", "ms"),
    Row("objects", "single client get calls", "/s"),
    Row("objects", "single client put calls", "/s"),
    Row("objects", "multi client put calls", "/s"),
    Row("objects", "single client put gigabytes", "GB/s"),
    Row("objects", "multi client put gigabytes", "GB/s"),
    Row("objects", "single client build and put gigabytes", "GB/s"),
    Row("objects", "get a 100 MB array", "ms"),
    Row("objects", "task taking a 100 MB array by reference", "ms"),
    Row("objects", "single client get object containing 10k refs", "/s"),
    Row("tasks", "single client tasks and get batch", "/s"),
    Row("tasks", "single client wait 1k refs", "/s"),
    Row("tasks", "single client tasks sync", "/s"),
    Row("tasks", "single client tasks async", "/s"),
    Row("tasks", "multi client tasks async", "/s"),
    Row("tasks", "chain of 500 dependent tasks, per link", "ms"),
    Row("tasks", "nested tasks, depth 6", "ms"),
    Row("actors", "1:1 actor calls sync", "/s"),
    Row("actors", "1:1 actor calls async", "/s"),
    Row("actors", "1:1 actor calls concurrent", "/s"),
    Row("actors", "1:n actor calls async", "/s"),
    Row("actors", "n:n actor calls async", "/s"),
    Row("actors", "n:n actor calls with arg async", "/s"),
    Row("async actors", "1:1 async-actor calls sync", "/s"),
    Row("async actors", "1:1 async-actor calls async", "/s"),
    Row("async actors", "1:1 async-actor calls with args async", "/s"),
    Row("async actors", "1:n async-actor calls async", "/s"),
    Row("async actors", "n:n async-actor calls async", "/s"),
    Row("lives", "create 20 actors and call each", "ms"),
    Row("lives", "memory of the idle runtime with 20 actors", "MB"),
    Row("lives", "processor use of the idle runtime with 20 actors", "%"),
    Row("lives", "killed actor to next answer", "ms"),
    Row("python to java", "first Java task", "ms"),
    Row("python to java", "Python to Java tasks sync", "us"),
    Row("python to java", "Python to Java tasks async", "/s"),
    Row("python to java", "Python to Java actor calls sync", "us"),
    Row("python to java", "64 MB bytes through a Java echo", "ms"),
    Row("python to java", "100 MB Arrow table to a Java task", "ms"),
    Row("python to java", "first Java task, a JVM ready", "ms"),
    Row("python to java", "resident memory of an idle JVM worker", "MB"),
    Row("java driver", "Java driver init", "ms"),
    Row("java driver", "Java driver first task", "ms"),
    Row("java driver", "Java to Java tasks sync", "us"),
    Row("java driver", "Java to Java tasks async", "/s"),
    Row("java driver", "Java to Java actor calls sync", "us"),
    Row("java driver", "Java to Python tasks sync", "us"),
    Row("java driver", "Java to Python tasks async", "/s"),
    Row("java driver", "Java to Python actor calls sync", "us"),
    Row("java driver", "Java put 100 MB byte[]", "ms"),
    Row("java driver", "Java get 100 MB byte[]", "ms"),
]

GROUPS = list(dict.fromkeys(row.group for row in ROWS))


def select(patterns: list[str]) -> list[Row]:
    """The rows whose name or group matches one of the patterns (shell wildcards, or a part of the name)."""
    if not patterns:
        return ROWS
    chosen = [
        row
        for row in ROWS
        if any(p.lower() in row.name.lower() or fnmatchcase(row.name, p) or row.group == p for p in patterns)
    ]
    if not chosen:
        raise ValueError(f"no row matches {', '.join(patterns)}; the groups are {', '.join(GROUPS)}")
    return chosen
