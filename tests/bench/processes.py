"""What a peer's processes use, read from /proc: the descendants of this one, without it."""

from __future__ import annotations

import os
import time
from pathlib import Path


def descendants() -> list[int]:
    """Process ids of all descendants of this process."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    open_ends = [os.getpid()]
    while open_ends:
        below = children.get(open_ends.pop(), [])
        found += below
        open_ends += below
    return found


def proportional_memory_mb() -> float:
    """Memory of the descendants in MB; pages that several processes share are counted once in all (PSS)."""
    total_kb = 0
    for pid in descendants():
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # it has ended meanwhile
        total_kb += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total_kb * 1024 / 1e6


def resident_memory_mb(pid: int) -> float:
    """Resident memory of a process in MB, what it shares with others included (RSS)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6


def processor_percent(seconds: float) -> float:
    """Processor time that the descendants used in the given time, as percent of one processor."""
    before = _processor_seconds()
    time.sleep(seconds)
    after = _processor_seconds()
    return 100 * sum(after[pid] - before.get(pid, 0.0) for pid in after) / seconds


def _processor_seconds() -> dict[int, float]:
    tick = os.sysconf("SC_CLK_TCK")
    used = {}
    for pid in descendants():
        fields = _stat(pid)
        if fields:
            used[pid] = (int(fields[11]) + int(fields[12])) / tick
    return used


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty if the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
