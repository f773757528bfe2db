"""Workers' memory as /proc tells it, for the machine that decides who used too much.

Nothing is read while no worker is leased. With leases the machine's available memory is read about once a second, and
a worker's own memory ten times a second if its lease has a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.memory import End, MemoryWatch, Usage
from bowstring_core.machine.resources import UNITS
from bowstring_core.store.segments import memory_available

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

_PAGE = 4096
_OWN = (b"Pss_Anon:", b"SwapPss:")


def private_bytes_at_most(pid: int) -> int:
    """What the process has that is backed by no file, shared with its parent or not; 0 if it is gone. Cheap."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


def private_bytes(pid: int) -> int:
    """What the process has of its own: anonymous pages, those that it shares with others counted by its share of them;
    0 if it is gone. Walks its page tables."""
    total = 0
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(_OWN):
                    total += int(line.split()[1]) << 10
    except OSError:
        return 0
    return total


class MemoryService:
    """Reads, and ends who must end.

    Args:
        node: The node.
        reserve: Bytes that the machine must keep available; 0: no guard.
    """

    def __init__(self, node: Node, reserve: int) -> None:
        self._node = node
        self.watch = MemoryWatch(reserve)
        self._armed = False

    def granted(self, number: int) -> None:
        """A worker was leased: for a task, an actor or a transcoding."""
        lease = self._node.scheduler.leases.get(number)
        if lease is None:
            return
        worker = self._node.scheduler.pool.workers[lease.slot]
        # What one of several actors uses of their process can't be told; their demands are only reserved.
        for name, units in () if worker.sharers is not None else lease.demand:
            if name == "memory":
                process = self._node.workers.processes[lease.slot]
                self.watch.granted(number, lease.slot, units // UNITS, private_bytes(process.pid))
        if not self._armed:
            self._arm(memory_available() if self.watch.reserve else 0)

    def worker_ended(self, slot: int) -> None:
        """The worker's process is no more."""
        self.watch.worker_ended(slot)

    def _arm(self, available: int) -> None:
        if self.watch.reserve or self.watch.limited:
            self._armed = True
            self._node.loop.call_later(self.watch.wait_s(available), self._look)

    def _look(self) -> None:
        self._armed = False
        node = self._node
        leases = node.scheduler.leases
        if node.stopping:
            return
        now = node.loop.now
        ends: list[End] = []
        for lease, limited in list(self.watch.limited.items()):
            process = node.workers.processes.get(limited.slot)
            if lease not in leases or process is None:
                self.watch.over(lease)
            elif self.watch.is_suspect(limited, private_bytes_at_most(process.pid)):
                ends += self.watch.check(limited, private_bytes(process.pid), now)
        available = memory_available() if self.watch.reserve else 0
        if self.watch.reserve and self.watch.is_short(available, now):
            ends += self.watch.choose(available, self._usages(), now)
        for end in ends:
            self._end(end)
        if leases:
            self._arm(available)

    def _usages(self) -> list[Usage]:
        usages = []
        for lease in self._node.scheduler.leases.values():
            process = self._node.workers.processes.get(lease.slot)
            if process is not None and lease.purpose is not Purpose.TRANSCODE:
                actor = lease.purpose is Purpose.ACTOR
                usages.append(Usage(lease.slot, private_bytes_at_most(process.pid), actor))
        return usages

    def _end(self, end: End) -> None:
        node = self._node
        process = node.workers.processes[end.slot]
        process.out_of_memory = f"worker process {process.pid} {end.message}"
        node.log(process.out_of_memory)
        node.perform(node.scheduler.stop_worker(end.slot, True, node.loop.now))
