"""What people and tools ask, what workers ran, and the end on request (spec chapter 8)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.resources import UNITS
from bowstring_core.machine.workers import WorkerState
from bowstring_core.node.peers import Peer
from bowstring_core.node.task_log import RawTaskEvents, TaskLog
from bowstring_wire.messages import (
    ErrorCode,
    FrameType,
    Language,
    Role,
    Shutdown,
    StateKind,
    StateQuery,
    StateReply,
    TaskStatus,
)
from bowstring_wire.protocol import BODY_BYTES_MAX

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


def _language(number: int) -> str:
    return Language(number).name if number in Language._value2member_map_ else "OTHER"


class StateService:
    """Handlers of the state frames."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.tasks = TaskLog(node.session.log_path(""))
        everybody = frozenset((Role.DRIVER, Role.WORKER, Role.TOOL))
        node.handle(FrameType.STATE_QUERY, StateQuery, everybody, self._query)
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

    def _query(self, peer: Peer, message: StateQuery, body: bytes) -> None:
        answers = {
            StateKind.NODES: self._nodes,
            StateKind.WORKERS: self._workers,
            StateKind.LEASES: self._leases,
            StateKind.ACTORS: self._actors,
            StateKind.OBJECTS: self._objects,
            StateKind.TASKS: self._tasks,
            StateKind.RESOURCES: self._resources,
            StateKind.STORE: self._store,
        }
        answer = answers.get(StateKind(message.kind)) if message.kind in StateKind._value2member_map_ else None
        if answer is None:
            peer.fail(message.request, ErrorCode.INVALID_ARGUMENT, f"StateQuery.kind {message.kind} is not known")
            return
        import msgpack  # here, so that a node that nobody asks starts without it

        rows = answer()
        payload = msgpack.packb(rows)
        while len(payload) > BODY_BYTES_MAX:  # the newest are at the end
            rows = rows[len(rows) // 2 :]
            payload = msgpack.packb(rows)
        peer.send(FrameType.STATE_REPLY, StateReply(message.request, len(payload)), payload)

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
                    "language": _language(worker.kind.language),
                    "state": worker.state.value,
                    "job": worker.job,
                    "lease": lease.lease if lease and worker.state is not WorkerState.ACTOR else 0,
                    "actor": actor.spec.id.hex() if actor else "",
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
                        "holder": f"{lease.caller:016x}",
                        "resources": _amounts(lease.demand),
                        "blocked": lease.blocked,
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
                    "life": actor.shown.name,
                    "incarnation": actor.incarnation,
                    "restarts_left": actor.restarts_left,
                    "pid": worker.pid if worker else 0,
                }
            )
        return rows

    def _objects(self) -> list[dict[str, Any]]:
        rows = []
        for entry in self._node.objects.directory:
            value = entry.value
            state = entry.state.value
            if value is not None:
                state = "spilled" if not value.in_memory else "inline" if value.inline else "stored"
            rows.append(
                {
                    "object": entry.id.hex(),
                    "owner": f"{entry.owner:016x}",
                    "state": state,
                    "encoding": value.encoding if value else 0,
                    "size": value.length if value else 0,
                    "holders": len(entry.holders or ()) + entry.other_holds,
                    "pins": value.pins if value else 0,
                }
            )
        return rows

    def _resources(self) -> list[dict[str, Any]]:
        scheduler = self._node.scheduler
        return [
            {"name": name, "total": total / UNITS, "available": scheduler.available.free[name] / UNITS}
            for name, total in sorted(scheduler.totals.items())
        ]

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

    def _tasks(self) -> list[dict[str, Any]]:
        return [
            {
                "task": event.id.hex(),
                "name": told.events.labels[event.label - 1] if 0 < event.label <= len(told.events.labels) else "",
                "function": event.function.hex(),
                "start_ns": event.start_ns,
                "duration_ns": event.duration_ns,
                "attempt": event.attempt,
                "status": TaskStatus(event.status).name if event.status in TaskStatus._value2member_map_ else "OTHER",
                "language": _language(event.language),
            }
            for told in self.tasks.newest_first()
            for event in reversed(told.events.events)
        ]


def _amounts(items: Any) -> dict[str, float]:
    return {name: units / UNITS for name, units in items}
