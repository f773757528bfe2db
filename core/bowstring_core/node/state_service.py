"""What people and tools ask, what workers ran, and the end on request (spec chapter 8)."""

from __future__ import annotations

import os
import time
from struct import error as StructError
from struct import unpack_from
from typing import TYPE_CHECKING, Any

from bowstring_core import limits
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.objects import ObjectState
from bowstring_core.machine.resources import UNITS
from bowstring_core.machine.workers import WorkerState
from bowstring_core.node.peers import Peer
from bowstring_wire.flat import table_fields
from bowstring_wire.messages import (
    TASK_EVENT,
    ErrorCode,
    FrameType,
    Language,
    Role,
    Shutdown,
    StateKind,
    StateQuery,
    StateReply,
    TaskEvent,
    TaskStatus,
)
from bowstring_wire.protocol import BODY_BYTES_MAX, ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node


def _language(number: int) -> str:
    return Language(number).name if number in Language._value2member_map_ else "OTHER"


class TaskLog:
    """Task events as the bytes that came, in files of bounded size and number, read only when somebody asks."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files: list[str] = []
        self._fd = -1
        self._size = 0

    def append(self, data: bytes) -> None:
        """Keep events as they came: a whole number of them."""
        if self._fd < 0 or self._size + len(data) > limits.TASK_FILE_BYTES:
            self._turn_over()
        self._size += os.write(self._fd, data)

    def _turn_over(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        path = os.path.join(self._folder, f"tasks-{time.time_ns()}.bin")
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._size = 0
        self._files.append(path)
        if len(self._files) > limits.TASK_FILES_MAX:
            os.unlink(self._files.pop(0))

    def read(self, count: int) -> list[TaskEvent]:
        """The newest events that are kept, `count` at most, oldest first."""
        pieces: list[bytes] = []
        missing = count * TASK_EVENT.size
        for path in reversed(self._files):
            if missing <= 0:
                break
            with open(path, "rb") as file:
                data = file.read()
            data = data[: len(data) // TASK_EVENT.size * TASK_EVENT.size][-missing:]
            pieces.append(data)
            missing -= len(data)
        return [TaskEvent._make(fields) for data in reversed(pieces) for fields in TASK_EVENT.iter_unpack(data)]

    def close(self) -> None:
        """Close the file that is written."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RawTaskEvents:
    """The events of a TaskEvents frame as their bytes: they are looked at when somebody asks, and mostly never."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    @staticmethod
    def decode(metadata: bytes) -> RawTaskEvents:
        """Find the vector in any valid layout.

        Raises:
            ProtocolError: the bytes are no such table.
        """
        try:
            (root,) = unpack_from("<I", metadata)
            (at,) = table_fields(metadata, root, (None,))
            (count,) = unpack_from("<I", metadata, at) if at else (0,)
        except StructError as error:
            raise ProtocolError(f"TaskEvents: {error}") from error
        end = at + 4 + count * TASK_EVENT.size
        if metadata[4:8] != b"BWS1" or end > len(metadata):
            raise ProtocolError(f"TaskEvents: {count} events in {len(metadata)} bytes")
        return RawTaskEvents(metadata[at + 4 : end] if count else b"")


class StateService:
    """Handlers of the state frames."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.tasks = TaskLog(node.session.log_path(""))
        everybody = frozenset((Role.DRIVER, Role.WORKER, Role.TOOL))
        node.handle(FrameType.STATE_QUERY, StateQuery, everybody, self._query)
        node.handle(FrameType.TASK_EVENTS, RawTaskEvents, frozenset((Role.WORKER,)), self._events)
        node.handle(FrameType.SHUTDOWN, Shutdown, frozenset((Role.DRIVER, Role.TOOL)), self._shutdown)

    def _events(self, peer: Peer, message: RawTaskEvents, body: bytes) -> None:
        if message.data:
            self.tasks.append(message.data)

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
            stored = value is not None and value.payload is None
            state = ("stored" if stored else "inline") if entry.state is ObjectState.READY else entry.state.value
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
        table = self._node.store.table
        return [
            {
                "capacity": table.capacity,
                "allocated": table.allocated,
                "in_use": sum(extent.length for extent in table.extents.values()),
                "segments": len(table.segments),
                "objects": sum(extent.images for extent in table.extents.values()),
                "pins": len(self._node.objects.directory.pins),
            }
        ]

    def _tasks(self) -> list[dict[str, Any]]:
        return [
            {
                "task": event.id.hex(),
                "function": event.function.hex(),
                "start_ns": event.start_ns,
                "duration_ns": event.duration_ns,
                "attempt": event.attempt,
                "status": TaskStatus(event.status).name if event.status in TaskStatus._value2member_map_ else "OTHER",
                "language": _language(event.language),
            }
            for event in self.tasks.read(limits.TASKS_TOLD_MAX)
        ]


def _amounts(items: Any) -> dict[str, float]:
    return {name: units / UNITS for name, units in items}
