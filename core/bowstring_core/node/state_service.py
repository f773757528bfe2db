"""What the node itself can tell, what frontends tell of tasks, and the end on request (spec chapter 8)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.objects import NODE
from bowstring_core.machine.resources import UNITS
from bowstring_core.machine.workers import WorkerState
from bowstring_core.node.peers import Peer
from bowstring_core.node.query_service import QueryService, object_state
from bowstring_core.node.task_log import RawTaskEvents, TaskLog
from bowstring_core.node.task_rows import language_name
from bowstring_wire.messages import (
    ErrorCode,
    FrameType,
    Role,
    Shutdown,
    StateKind,
)

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


class StateService:
    """Handlers of the state frames."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.tasks = TaskLog(node.session.log_path(""))
        self._job_began: dict[int, tuple[int, int, int, int]] = {}  # time, pid, process and language, by job
        self.queries = QueryService(
            node,
            self.tasks,
            {
                StateKind.NODES: self._nodes,
                StateKind.JOBS: self._jobs,
                StateKind.WORKERS: self._workers,
                StateKind.LEASES: self._leases,
                StateKind.ACTORS: self._actors,
                StateKind.OBJECTS: self._objects,
                StateKind.HOLDS: self._holds,
                StateKind.RESOURCES: self._resources,
                StateKind.STORE: self._store,
                StateKind.PLACEMENT_GROUPS: self._placement_groups,
            },
        )
        node.handle(FrameType.TASK_EVENTS, RawTaskEvents, frozenset((Role.WORKER, Role.DRIVER)), self._events)
        node.handle(FrameType.SHUTDOWN, Shutdown, frozenset((Role.DRIVER, Role.TOOL)), self._shutdown)

    def _events(self, peer: Peer, message: RawTaskEvents, body: bytes) -> None:
        self.tasks.append(peer.pid, peer.process, message.metadata)

    def _shutdown(self, peer: Peer, message: Shutdown, body: bytes) -> None:
        owner = peer.owns_runtime or peer.pid == self._node.options.owner_pid
        if peer.role == Role.DRIVER and not owner:
            peer.connection.go_away(ErrorCode.PROTOCOL, "Shutdown from a driver that does not own the runtime")
            return
        self._node.stop(message.reason or "it was shut down", message.graceful)

    def peer_came(self, peer: Peer) -> None:
        """A process has been welcomed."""
        self.queries.peer_came(peer)
        if peer.role is Role.DRIVER:
            self._job_began = {job: began for job, began in self._job_began.items() if job in self._node.jobs}
            self._job_began[peer.job] = (time.time_ns(), peer.pid, peer.process, peer.language)

    def peer_gone(self, peer: Peer) -> None:
        """Nothing more comes from a process."""
        self.queries.peer_gone(peer)

    def _jobs(self) -> list[dict[str, Any]]:
        rows = []
        for job in self._node.jobs.values():
            began, pid, driver, language = self._job_began.get(job.job, (0, 0, job.driver, 0))
            rows.append(
                {
                    "job": job.job,
                    "driver": f"{driver:016x}",
                    "pid": pid,
                    "namespace": job.namespace,
                    "language": language_name(language),
                    "alive": bool(job.driver),
                    "started_ns": began,
                }
            )
        return rows

    def _nodes(self) -> list[dict[str, Any]]:
        node = self._node
        return [
            {
                "node": f"{node.node_id:016x}",
                "address": os.path.join(node.session.path, "node.sock"),
                "pid": os.getpid(),
                "alive": True,
                "resources": _amounts(node.scheduler.totals.items()),
            }
        ]

    def _workers(self) -> list[dict[str, Any]]:
        rows = []
        for worker in self._node.scheduler.pool:
            process = self._node.workers.processes.get(worker.slot)
            peer = process.peer if process else None
            actor = self._node.actors.of_worker(worker.slot)
            lease = self._node.scheduler.leases.get(worker.lease)
            rows.append(
                {
                    "process": f"{peer.process:016x}" if peer else "",
                    "pid": process.pid if process else 0,
                    "slot": worker.slot,
                    "language": language_name(worker.kind.language),
                    "state": worker.state.value,
                    "job": worker.job,
                    "lease": lease.lease if lease and worker.state is not WorkerState.ACTOR else 0,
                    "actor": actor.spec.id.hex() if actor else "",
                    "name": actor.spec.class_name if actor else "",
                    "environment": worker.kind.environment.hex(),
                }
            )
        return rows

    def _leases(self) -> list[dict[str, Any]]:
        rows = []
        for lease in self._node.scheduler.leases.values():
            if lease.purpose is Purpose.LEASE:
                worker = self._node.workers.peer_of(lease.slot)
                rows.append(
                    {
                        "lease": lease.lease,
                        "worker": f"{worker.process:016x}" if worker else "",
                        "pid": worker.pid if worker else 0,
                        "holder": f"{lease.caller:016x}",
                        "job": worker.job if worker else 0,
                        "resources": _amounts(lease.demand),
                        "blocked": lease.blocked,
                        "age_s": round(self._node.loop.now - lease.since, 3),
                    }
                )
        return rows

    def _actors(self) -> list[dict[str, Any]]:
        rows = []
        for actor in self._node.actors.actors.values():
            spec = actor.spec
            worker = self._node.workers.peer_of(actor.worker) if actor.worker else None
            rows.append(
                {
                    "actor": spec.id.hex(),
                    "class": spec.class_name,
                    "name": spec.name,
                    "namespace": spec.namespace,
                    "job": spec.job,
                    "language": language_name(spec.plan.key.language) if spec.plan else "",
                    "life": actor.shown.name,
                    "incarnation": actor.incarnation,
                    "restarts_left": actor.restarts_left,
                    "pid": worker.pid if worker else 0,
                    "reason": actor.reason.message if actor.reason else "",
                }
            )
        return rows

    def _objects(self) -> Iterator[dict[str, Any]]:
        for entry in list(self._node.objects.directory):
            value = entry.value
            yield {
                "object": entry.id.hex(),
                "owner": f"{entry.owner:016x}",
                "state": object_state(entry),
                "encoding": value.encoding if value else 0,
                "size": value.length if value else 0,
                "holders": len(entry.holders or ()) + entry.other_holds,
                "pins": value.pins if value else 0,
            }

    def _holds(self) -> Iterator[dict[str, Any]]:
        directory = self._node.objects.directory
        pins: dict[int, Counter[int]] = {}  # by the identity of what is pinned: how often by whom
        for process, value in directory.pins.values():
            pins.setdefault(id(value), Counter())[process] += 1
        for entry in list(directory):
            kept: list[tuple[str, int, int]] = [("handle", process, 1) for process in entry.holders or ()]
            for encoded in (entry.value, entry.other_value):
                if encoded is not None and encoded.pins:
                    kept += [("pin", process, count) for process, count in pins.get(id(encoded), Counter()).items()]
            waiting = Counter(waiter.process for waiter in entry.waiters or ())
            kept += [("waiting", process, count) for process, count in waiting.items()]
            if entry.other_holds:
                kept.append(("contained", 0, entry.other_holds))
            for kind, process, count in kept:
                yield self._hold(entry.id.hex(), kind, process, count, entry.value.length if entry.value else 0)
        freed = {id(value): value for _, value in list(directory.pins.values()) if value.dropped}
        for value in freed.values():  # somebody still reads what nobody holds any more
            for process, count in pins.get(id(value), Counter()).items():
                yield self._hold("", "pin", process, count, value.length)

    def _hold(self, object_id: str, kind: str, process: int, count: int, size: int) -> dict[str, Any]:
        pid, role = (0, "objects, functions or actors") if kind == "contained" else self._holder(process)
        return {
            "object": object_id,
            "kind": kind,
            "process": f"{process:016x}" if process else "",
            "pid": pid,
            "role": role,
            "count": count,
            "size": size,
        }

    def _holder(self, process: int) -> tuple[int, str]:
        if process == NODE:
            return os.getpid(), "node"
        peer = self._node.peers.get(process)
        return (peer.pid, peer.role.name.lower()) if peer else (0, "a process that has ended")

    def _resources(self) -> list[dict[str, Any]]:
        scheduler = self._node.scheduler
        return [
            {"name": name, "total": total / UNITS, "available": scheduler.available.free[name] / UNITS}
            for name, total in sorted(scheduler.totals.items())
        ]

    def _placement_groups(self) -> Iterator[dict[str, Any]]:
        for group in list(self._node.scheduler.groups.by_id.values()):
            yield {
                "group": group.id.hex(),
                "name": group.name,
                "namespace": group.namespace,
                "job": group.job,
                "strategy": group.strategy.name,
                "state": group.state.name,
                "detached": group.detached,
                "bundles": [_amounts(bundle) for bundle in group.bundles],
                "reason": group.reason,
            }

    def _store(self) -> list[dict[str, Any]]:
        table, residence = self._node.store.table, self._node.spill.table
        return [
            {
                "capacity": table.capacity,
                "allocated": table.allocated,
                "in_use": sum(extent.length for extent in table.extents.values()),
                "segments": len(table.segments),
                "objects": sum(extent.images for extent in table.extents.values()),
                "pins": len(self._node.objects.directory.pins),
                "waiting": len(self._node.store.room.waiting),
                "inline_objects": residence.inline_count,
                "inline_bytes": residence.inline_bytes,
                "spilled_objects": len(residence.spilled),
                "spilled_bytes": sum(value.length for value in residence.spilled),
                "disk_bytes": residence.disk_bytes,
                "spills": residence.spills,
                "restores": residence.restores,
            }
        ]


def _amounts(items: Any) -> dict[str, float]:
    return {name: units / UNITS for name, units in items}
