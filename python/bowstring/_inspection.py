"""Answers what the node asks of this process: its tasks, the stacks of its threads, its references (spec 8.2).

It runs in whichever thread reads the sockets, under the reactor's lock; while user code keeps the main thread busy that
is the background thread. Nothing here waits, and nothing was written down beforehand: an answer is a look at what is
there.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from bowstring._ids import NO_ID, PUT_SPACE
from bowstring._values import STORED_LAYOUT
from bowstring.errors import make_record
from bowstring.object_ref import BORROWED, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import ActorLife, ErrorCode, FrameType, InspectKind, Language
from bowstring_wire.protocol import frame, padded

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring._tasks import PendingTask

Row = dict[str, Any]
PART_ROWS = 5_000  # in one frame of an answer; some 2 MB
FRAMES_MAX = 200  # of one stack; an endless recursion is seen from its ends
_CALLED_FROM = ("/bowstring/_executor.py", "/bowstring/_async_methods.py")
_ASKED_BY = ("/bowstring/_inspection.py", "/bowstring/_runtime.py", "/bowstring/_reactor.py")


def answer(runtime: Runtime, inspect: m.Inspect) -> None:
    """Under the lock: tell the node; a long answer is written by a thread of its own."""
    rows: Iterator[Row]
    match inspect.kind:
        case InspectKind.TASKS:
            runtime.log.send()  # so that what is over by now is in the log before the answer
            calls = list(_calls(runtime))
            rows = chain(_work(runtime), (_call(*call) for call in calls))
            if len(calls) > PART_ROWS:
                thread = threading.Thread(target=_tell, args=(runtime, inspect.request, rows), daemon=True)
                thread.name = "bowstring-inspection"
                thread.start()
                return
        case InspectKind.STACKS:
            rows = _stacks(runtime)
        case InspectKind.REFERENCES:
            rows = _references(runtime)
        case _:
            record = make_record(ErrorCode.INVALID_ARGUMENT, f"Inspect.kind {inspect.kind} is not known here")
            runtime.tell(FrameType.FAILURE, m.Failure(inspect.request, record))
            runtime.node_connection.flush()
            return
    _tell(runtime, inspect.request, rows)


def _tell(runtime: Runtime, request: int, rows: Iterator[Row]) -> None:
    """Write the answer, in parts that neither hold up other frames for long nor come near the limit of one."""
    import msgpack

    more = True
    while more:
        part = list(islice(rows, PART_ROWS))
        more = len(part) == PART_ROWS
        payload = msgpack.packb(part)
        answer = m.Inspected(request, len(payload), more).encode()
        with runtime.lock:
            if runtime.node_connection.closed:
                return
            runtime.node_connection.send_now(frame(FrameType.INSPECTED, answer, padded(payload)))


# Tasks ----------------------------------------------------------------------------------------------------------------


# A call, its state, the resources and the environment that it asks for, and the process that it was sent to.
Seen = tuple["PendingTask", str, dict[str, float], str, str]


def _calls(runtime: Runtime) -> Iterator[Seen]:
    """Under the lock: what this process has submitted and what is not over."""
    for pool in runtime.leases.by_key.values():
        resources = {each.name: each.units / 10_000 for each in pool.resources}
        environment = pool.place.environment.hex()
        yield from ((task, "PENDING_ARGUMENTS", resources, environment, "") for task in pool.waiting)
        yield from ((task, "PENDING_LEASE", resources, environment, "") for task in pool.queue)
        for lease in pool.leases.values():
            worker = f"{lease.peer.worker:016x}"
            yield from ((task, "SENT", resources, environment, worker) for task in lease.peer.in_flight.values())
    for client in runtime.actors.by_actor.values():
        queued = "SENT" if client.life == ActorLife.ALIVE else "PENDING_ACTOR"
        for task in client.queue:
            yield task, "PENDING_ARGUMENTS" if task.missing else queued, {}, "", ""
        if client.peer is not None:
            worker = f"{client.peer.worker:016x}"
            yield from ((task, "SENT", {}, "", worker) for task in client.peer.in_flight.values())


def _missing(task: PendingTask) -> list[str]:
    return [part._id.hex() for part in task.parts or () if type(part) is ObjectRef and part._payload is None]


def _call(task: PendingTask, state: str, resources: dict[str, float], environment: str, worker: str) -> Row:
    template = task.template
    return {
        "place": "caller",
        "task": task.id.hex(),
        "name": template.label,
        "state": state,
        "attempt": task.attempt,
        "function": template.function.hex(),
        "actor": task.actor.hex() if task.actor != NO_ID else "",
        "language": Language(template.language).name,
        "worker": worker,
        "submitted_ns": task.submitted_ns,
        "waits_for": _missing(task) if state == "PENDING_ARGUMENTS" else [],
        "resources": resources,
        "environment": environment,
    }


def _work(runtime: Runtime) -> Iterator[Row]:
    """What this worker was sent and has not answered."""
    executor = runtime.executor
    if executor is None:
        return
    waits = {call_id: refs for call_id, refs in runtime.waits.values() if call_id}
    for call in list(executor.calls.values()):
        task = call.task
        waiting = _pending(waits.get(task.id, ()))
        state = "QUEUED" if not call.start_ns else "BLOCKED" if waiting else "RUNNING"
        yield {
            "place": "worker",
            "task": task.id.hex(),
            "name": executor.name_of(task),
            "state": state,
            "attempt": task.attempt,
            "function": task.function.hex(),
            "actor": task.actor.hex() if task.actor != NO_ID else "",
            "language": "PYTHON",
            "submitted_ns": task.submitted_ns,
            "start_ns": call.start_ns,
            "waits_for": waiting,
        }


def _pending(refs: Iterable[ObjectRef[Any]]) -> list[str]:
    return [ref._id.hex() for ref in refs if ref._payload is None]


# Stacks ---------------------------------------------------------------------------------------------------------------


def stacks(runtime: Runtime | None) -> list[Row]:
    """The stacks of this process's threads, those that run user code first."""
    return list(_stacks(runtime))


def _stacks(runtime: Runtime | None) -> Iterator[Row]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    executor = runtime.executor if runtime is not None else None
    running = {call.thread: call.task.id.hex() for call in executor.calls.values() if call.thread} if executor else {}
    here = threading.get_ident()
    frames = sorted(sys._current_frames().items(), key=lambda item: (item[0] not in running, item[0]))
    for thread, top in frames:
        name = names.get(thread, str(thread))
        if thread == here:
            # The thread that answers was reading sockets: what it does for the answer is of no interest.
            while top is not None and top.f_code.co_filename.endswith(_ASKED_BY):
                top = top.f_back  # type: ignore[assignment]
        summary = traceback.StackSummary.extract(traceback.walk_stack(top), limit=FRAMES_MAX)
        summary.reverse()
        if thread in running:
            outer = [place for place, each in enumerate(summary) if each.filename.endswith(_CALLED_FROM)]
            if outer and outer[-1] + 1 < len(summary):
                del summary[: outer[-1] + 1]  # how user code came to be called
        text = "".join(traceback.StackSummary.from_list(summary).format())
        yield {"thread": name, "task": running.get(thread, ""), "stack": text}


# References -----------------------------------------------------------------------------------------------------------


def _references(runtime: Runtime) -> Iterator[Row]:
    """What this process holds."""
    for ref in runtime.known.living():
        payload = ref._payload
        index = int.from_bytes(ref._id[16:], "little")
        kind = "borrowed" if ref._flags & BORROWED else "put" if index >= PUT_SPACE else "result"
        size = 0
        if payload is None:
            state = "pending"
        elif payload.layout == STORED_LAYOUT:
            state = "stored"
        else:
            state, size = "inline", len(payload.data)
        yield {
            "object": ref._id.hex(),
            "kind": kind,
            "state": state,
            "size": size,
            "count": max(0, sys.getrefcount(ref) - 3),
            "call_site": runtime.call_sites.get(ref._id, ""),
        }
