"""Why a task does not run, or an object is not there: what waits for what, down to what nobody can hurry.

It is a walk over facts that others have gathered: tasks as their callers and workers tell of them, objects of the
directory, resources and who holds them, actors. Each subject is explained once; one that is met again inside its own
explanation is a circle, and is said to be one.

The machine refuses to know where the facts come from, and waits for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
TASK_HEX = 32  # digits of a task's id, with which an object's id begins
OBJECT_HEX = 40
PUT_INDEX = 0x4000_0000
DEPTH_MAX = 64
CHILDREN_MAX = 20  # of one subject; how many more there are is said


@dataclass
class Facts:
    """What is known at one moment.

    Attributes:
        tasks: A task that is not over, by id; None: it is not known.
        running: Tasks that run.
        over: A task's last attempt that is over, by id; None: nothing is known of it.
        objects: State of an object at its home, by id; "": not known.
        actors: Rows of actors, by id.
        totals: Resources of the node.
        free: Those of them that nobody holds.
        holders: Who holds resources: maps with who, resources, blocked, process.
        starting: Workers that are on their way, by language.
        kept: Resources that are kept for requests that have waited long.
        actor_demands: What actors wait for that have no worker, by id.
        held_up: What else than free resources and a worker requests wait for, as a reason and a text: by their caller
            and demand, or by actor and nothing.
        now_ns: The time.
    """

    tasks: Callable[[str], Row | None]
    over: Callable[[str], Row | None]
    objects: Callable[[str], str]
    running: Sequence[Row] = ()
    actors: Mapping[str, Row] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=dict)
    free: Mapping[str, float] = field(default_factory=dict)
    holders: Sequence[Row] = ()
    starting: Mapping[str, int] = field(default_factory=dict)
    kept: Collection[str] = ()
    actor_demands: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    held_up: Mapping[tuple[str, frozenset[tuple[str, float]]], tuple[str, str]] = field(default_factory=dict)
    now_ns: int = 0


def seconds(from_ns: int, to_ns: int) -> str:
    """A duration for people."""
    took = max(0.0, (to_ns - from_ns) / 1e9)
    if took < 1:
        return f"{took * 1e3:.0f} ms"
    if took < 120:
        return f"{took:.1f} s"
    return f"{took / 60:.0f} min" if took < 7200 else f"{took / 3600:.1f} h"


class Explanation:
    """The rows that explain one task or object; see spec 8.1, rule 7."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._path: list[str] = []

    def of_task(self, task: str, depth: int = 0) -> Iterator[Row]:
        """Why the task is not over."""
        row = self._facts.tasks(task)
        if row is None:
            yield self._of_past_task(task, depth)
            return
        name = str(row["name"])
        if task in self._path or depth > DEPTH_MAX:
            text = "waits for itself: this circle never ends" if task in self._path else "and so on"
            yield _row(depth, task, name, "BLOCKED", text)
            return
        self._path.append(task)
        try:
            yield from self._of_live_task(row, task, name, depth)
        finally:
            self._path.pop()

    def of_object(self, object_id: str, depth: int = 0) -> Iterator[Row]:
        """Why the object is not there."""
        state = self._facts.objects(object_id)
        task = object_id[:TASK_HEX]
        if state in ("inline", "stored"):
            yield _row(depth, object_id, self._name_of(task), "READY", "is ready")
        elif state in ("spilled", "restoring"):
            yield _row(
                depth, object_id, self._name_of(task), "RESTORING", "is on disk, and is read back when asked for"
            )
        elif state == "failed":
            yield _row(depth, object_id, self._name_of(task), "FAILED", "has failed: get() raises its error")
        elif int.from_bytes(bytes.fromhex(object_id[TASK_HEX:]), "little") >= PUT_INDEX:
            text = "was put by a process that has not given it to its home yet, or has ended"
            yield _row(depth, object_id, "", "UNKNOWN", text)
        else:
            yield from self.of_task(task, depth)

    def _name_of(self, task: str) -> str:
        row = self._facts.tasks(task) or self._facts.over(task)
        return str(row["name"]) if row else ""

    def _of_past_task(self, task: str, depth: int) -> Row:
        row = self._facts.over(task)
        if row is None:
            return _row(depth, task, "", "UNKNOWN", "is not known: it is over for long, or nobody has told of it yet")
        took = seconds(row["start_ns"], row["end_ns"])
        state = str(row["state"])
        text = {"FINISHED": f"is done; it took {took}", "CANCELLED": "was cancelled"}.get(state)
        if text is None:
            text = f"failed after {took}: {row['error_type'] or row['error']}: {row['error_message']}"
        return _row(depth, task, str(row["name"]), state, text)

    def _of_live_task(self, row: Row, task: str, name: str, depth: int) -> Iterator[Row]:
        state = str(row["state"])
        since = seconds(row["submitted_ns"], self._facts.now_ns) if row["submitted_ns"] else "some time"
        if state == "PENDING_ARGUMENTS":
            waits: Sequence[str] = row["waits_for"]
            text = f"has waited {since} for {_count(len(waits), 'argument')} that {_is(len(waits))} not there"
            yield _row(depth, task, name, state, text)
            yield from self._of_objects(waits, depth + 1)
        elif state == "PENDING_LEASE":
            held_up = self._facts.held_up.get((str(row.get("owner", "")), frozenset(row["resources"].items())))
            if held_up is not None:
                yield _row(depth, task, name, held_up[0], f"has waited {since} for {held_up[1]}")
            else:
                yield from self._of_demand(task, name, row["resources"], str(row["language"]), f"{since} ", depth)
        elif state == "PENDING_ACTOR":
            yield _row(depth, task, name, state, f"has waited {since} for its actor")
            yield from self._of_actor(str(row["actor"]), depth + 1)
        elif state in ("SENT", "QUEUED"):
            yield from self._of_sent(row, task, name, since, depth)
        elif state == "BLOCKED":
            waits = row["waits_for"]
            runs = seconds(row["start_ns"], self._facts.now_ns)
            text = f"runs on process {row['pid']} since {runs}, and waits there for {_count(len(waits), 'object')}"
            yield _row(depth, task, name, state, text)
            yield from self._of_objects(waits, depth + 1)
        else:
            runs = seconds(row["start_ns"], self._facts.now_ns)
            text = f"runs on process {row['pid']} since {runs} (bowstring stack --pid {row['pid']} shows where it is)"
            yield _row(depth, task, name, "RUNNING", text)

    def _of_objects(self, objects: Sequence[str], depth: int) -> Iterator[Row]:
        for object_id in objects[:CHILDREN_MAX]:
            yield from self.of_object(object_id, depth)
        if len(objects) > CHILDREN_MAX:
            text = f"and {_count(len(objects) - CHILDREN_MAX, 'other object')}"
            yield _row(depth, "", "", "PENDING_ARGUMENTS", text)

    def _of_demand(
        self, subject: str, name: str, demand: Mapping[str, float], language: str, since: str, depth: int
    ) -> Iterator[Row]:
        facts = self._facts
        short = {each: amount for each, amount in demand.items() if facts.free.get(each, 0.0) < amount}
        kept = sorted(each for each in demand if each in facts.kept)
        if not short and kept:
            names = " and ".join(kept)
            text = f"has waited {since}for {names}: what is free is kept for who has waited longest, or is in parts"
            yield _row(depth, subject, name, "NO_RESOURCES", text)
            return
        if not short:
            starting = facts.starting.get(language, 0)
            workers = f"{_count(starting, language.capitalize() + ' worker')} {_is(starting)} starting"
            text = f"has waited {since}for a worker: its resources are free, and {workers}"
            yield _row(depth, subject, name, "WORKER_START", text)
            return
        parts = [
            f"{each} {amount:g} ({facts.free.get(each, 0.0):g} of {facts.totals.get(each, 0.0):g} free)"
            for each, amount in short.items()
        ]
        yield _row(depth, subject, name, "NO_RESOURCES", f"has waited {since}for {', '.join(parts)}")
        holders = [
            holder
            for holder in facts.holders
            if any(each in short and not (each == "CPU" and holder["blocked"]) for each in holder["resources"])
        ]
        for holder in holders[:CHILDREN_MAX]:
            held = ", ".join(f"{each} {holder['resources'][each]:g}" for each in short if each in holder["resources"])
            running = self._running_on(holder["process"])
            doing = f"; it runs {running['name'] or running['task']}" if running else ""
            yield _row(depth + 1, holder["process"], "", "NO_RESOURCES", f"{held} is held by {holder['who']}{doing}")
        if len(holders) > CHILDREN_MAX:
            others = _count(len(holders) - CHILDREN_MAX, "other holder")
            yield _row(depth + 1, "", "", "NO_RESOURCES", f"and {others}")

    def _of_actor(self, actor: str, depth: int) -> Iterator[Row]:
        row = self._facts.actors.get(actor)
        if row is None:
            yield _row(depth, actor, "", "ACTOR_PENDING", "is not known to the node yet")
            return
        name, life = str(row["class"]), str(row["life"])
        reason = f": {row['reason']}" if row["reason"] else ""
        if life == "RESTARTING":
            yield _row(depth, actor, name, "ACTOR_RESTARTING", f"is being restarted{reason}")
        elif life == "DEAD":
            yield _row(depth, actor, name, "FAILED", f"is dead{reason}")
        elif life == "ALIVE":
            yield _row(depth, actor, name, "RUNNING", f"is alive on process {row['pid']}; its calls are on their way")
        elif row["pid"]:
            text = f"runs its constructor on process {row['pid']}"
            yield _row(depth, actor, name, "ACTOR_PENDING", text)
        if life in ("PENDING", "RESTARTING") and not row["pid"]:
            held_up = self._facts.held_up.get((actor, frozenset()))
            demand = self._facts.actor_demands.get(actor)
            if held_up is not None:
                yield _row(depth, actor, name, held_up[0], f"waits for {held_up[1]}")
            elif demand is not None:
                yield from self._of_demand(actor, name, demand, str(row["language"]), "", depth)
            elif life == "PENDING":
                yield _row(depth, actor, name, "ACTOR_PENDING", "waits for a worker")

    def _of_sent(self, row: Row, task: str, name: str, since: str, depth: int) -> Iterator[Row]:
        worker = str(row["worker"])
        running = self._running_on(worker)
        if running is None or running["task"] == task:
            text = f"was sent to process {row['pid'] or worker} {since} ago, which has not told of it yet"
            yield _row(depth, task, name, "QUEUED", text)
            return
        text = f"has waited {since}, and is queued on process {running['pid']} behind {running['name']}"
        yield _row(depth, task, name, "QUEUED", text)
        yield from self.of_task(str(running["task"]), depth + 1)

    def _running_on(self, process: str) -> Row | None:
        if not process:
            return None
        return next((row for row in self._facts.running if row["worker"] == process), None)


def _row(depth: int, subject: str, name: str, reason: str, text: str) -> Row:
    return {"depth": depth, "subject": subject, "name": name, "reason": reason, "text": text}


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
