"""Actors' lives (spec section 5.1).

    PENDING -> STARTING -> ALIVE -> RESTARTING -> STARTING ...
    anything -> ENDING (its process was told to end, or killed) -> DEAD

PENDING and RESTARTING wait for a worker; in STARTING the constructor runs. On the wire STARTING is PENDING or
RESTARTING, and ENDING is what it was before. An actor is DEAD when its process has ended and not before, so that who is
told of it finds all that the actor had sent in the sockets. Its name is free as soon as it is ENDING.

An actor that crashes soon after its start is restarted after a wait that doubles each time; one that was killed on
request is restarted at once.

Several actors may live in one worker. Its end is that of each of them; one of them is ended, or ends, by itself
as long as others are there.

The machine refuses to know workers and resources: it asks for a place and is told of one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

from bowstring_core import limits
from bowstring_core.machine.objects import Ref
from bowstring_core.machine.transitions import State, next_state


class Life(State):
    """Where an actor stands."""

    PENDING = "pending"
    STARTING = "starting"
    ALIVE = "alive"
    RESTARTING = "restarting"
    ENDING = "ending"
    DEAD = "dead"


_L = Life
TRANSITIONS: dict[tuple[Life, str], Life] = {
    (_L.PENDING, "placed"): _L.STARTING,
    (_L.PENDING, "rejected"): _L.DEAD,
    (_L.PENDING, "given up"): _L.DEAD,
    (_L.STARTING, "started"): _L.ALIVE,
    (_L.STARTING, "start failed"): _L.ENDING,
    (_L.STARTING, "given up"): _L.ENDING,
    (_L.STARTING, "worker ended, restarts left"): _L.RESTARTING,
    (_L.STARTING, "worker ended, none left"): _L.DEAD,
    (_L.ALIVE, "given up"): _L.ENDING,
    (_L.ALIVE, "worker ended, restarts left"): _L.RESTARTING,
    (_L.ALIVE, "worker ended, none left"): _L.DEAD,
    (_L.RESTARTING, "placed"): _L.STARTING,
    (_L.RESTARTING, "rejected"): _L.DEAD,
    (_L.RESTARTING, "given up"): _L.DEAD,
    (_L.ENDING, "given up"): _L.ENDING,
    (_L.ENDING, "worker ended, restarts left"): _L.DEAD,
    (_L.ENDING, "worker ended, none left"): _L.DEAD,
}


class ActorSpec(NamedTuple):
    """What was said of the actor when it was made."""

    id: bytes
    ref: Ref
    creator: int
    job: int
    name: str
    namespace: str
    detached: bool
    max_restarts: int
    contains: Sequence[Ref]
    class_name: str  # for people
    plan: Any  # what the node needs to place and start it


class Reason(NamedTuple):
    """Why an actor is restarting or dead: a code's name, a message, and the record if there was one."""

    code: str
    message: str
    record: Any = None


class Actor:
    """One actor. Read-only outside of the machine."""

    __slots__ = (
        "backoff",
        "incarnation",
        "life",
        "reason",
        "restarts_left",
        "shown",
        "since",
        "spec",
        "subscribers",
        "waiting_kills",
        "worker",
    )

    def __init__(self, spec: ActorSpec) -> None:
        self.spec = spec
        self.life = Life.PENDING
        self.shown = Life.PENDING  # what others are told
        self.incarnation = 0
        self.restarts_left = spec.max_restarts
        self.worker = 0  # slot
        self.since = 0.0
        self.backoff = 0.0
        self.reason: Reason | None = None
        self.subscribers: set[int] = set()
        self.waiting_kills: list[tuple[int, int]] = []

    def move(self, event: str) -> None:
        """Let the event happen to the actor."""
        self.life = next_state(TRANSITIONS, lambda: f"actor {self.spec.id.hex()}", self.life, event)


# Effects --------------------------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """Find it a worker, after a wait."""

    actor: Actor
    after_s: float


class Unplace(NamedTuple):
    """No worker is wanted any more."""

    actor: Actor


class Start(NamedTuple):
    """Send ActorStart to its worker."""

    actor: Actor


class EndWorker(NamedTuple):
    """End its worker: by force, or once its queued calls have run."""

    slot: int
    force: bool


class EndActor(NamedTuple):
    """End one of the actors of a worker: by force, or once its queued calls have run."""

    actor: Actor
    force: bool


class Leave(NamedTuple):
    """The actor's place in a worker that others share is free."""

    slot: int
    actor: bytes


class Show(NamedTuple):
    """Tell these processes the actor's state."""

    actor: Actor
    processes: tuple[int, ...]


class Over(NamedTuple):
    """The actor is dead for good: nothing of it is kept but the reason."""

    actor: Actor


class Unknown(NamedTuple):
    """Tell the process that no such actor was ever made."""

    actor: bytes
    process: int


class Done(NamedTuple):
    """Acknowledge a request."""

    process: int
    request: int


class Found(NamedTuple):
    """Answer with the actor's handle, which the process holds from here on."""

    process: int
    request: int
    actor: Actor


class Refused(NamedTuple):
    """A request can't be carried out."""

    process: int
    request: int
    code: str
    message: str


Effect = Place | Unplace | Start | EndWorker | EndActor | Leave | Show | Over | Unknown | Done | Found | Refused


class ActorTable:
    """Every actor of the node, and the dead ones of late."""

    def __init__(self) -> None:
        self.actors: dict[bytes, Actor] = {}
        self.names: dict[tuple[str, str], Actor] = {}
        self._dead: OrderedDict[bytes, None] = OrderedDict()
        self._by_worker: dict[int, dict[bytes, Actor]] = {}
        self._early: dict[bytes, dict[int, float]] = {}  # subscriptions that came before the actor

    # Making and finding -----------------------------------------------------------------------------------------------

    def create(self, spec: ActorSpec, request: int, get_if_exists: bool) -> list[Effect]:
        """ActorCreate."""
        process = spec.creator
        if spec.id in self.actors:
            return [Refused(process, request, "INVALID_ARGUMENT", f"actor {spec.id.hex()} was made already")]
        if spec.name:
            holder = self.names.get((spec.namespace, spec.name))
            if holder is not None:
                if get_if_exists:
                    return [Found(process, request, holder)]
                message = (
                    f"an actor named {spec.name!r} is in namespace {spec.namespace!r} already:"
                    " choose another name, use get_if_exists, or kill it first"
                )
                return [Refused(process, request, "ACTOR_NAME_TAKEN", message)]
        actor = self.actors[spec.id] = Actor(spec)
        if spec.name:
            self.names[spec.namespace, spec.name] = actor
        actor.subscribers.update(self._early.pop(spec.id, {}))
        effects: list[Effect] = [Done(process, request), Place(actor, 0.0)]
        if actor.subscribers:
            effects.append(Show(actor, tuple(actor.subscribers)))
        return effects

    def lookup(self, process: int, request: int, name: str, namespace: str) -> list[Effect]:
        """ActorLookup."""
        actor = self.names.get((namespace, name))
        if actor is None:
            message = f"no actor named {name!r} is in namespace {namespace!r}"
            return [Refused(process, request, "ACTOR_NOT_FOUND", message)]
        return [Found(process, request, actor)]

    def subscribe(self, process: int, actor_id: bytes, now: float) -> list[Effect]:
        """ActorSubscribe. Who asks too early waits, up to a limit."""
        actor = self.actors.get(actor_id)
        if actor is None:
            self._early.setdefault(actor_id, {})[process] = now + limits.UNKNOWN_ACTOR_S
            return []
        if actor.life is not Life.DEAD:
            actor.subscribers.add(process)
        return [Show(actor, (process,))]

    def deadline(self) -> float | None:
        """When `tick` has something to do next."""
        return min((until for waiting in self._early.values() for until in waiting.values()), default=None)

    def tick(self, now: float) -> list[Effect]:
        """Time has passed: who subscribed to nothing is told."""
        effects: list[Effect] = []
        for actor_id, waiting in list(self._early.items()):
            for process, until in list(waiting.items()):
                if until <= now:
                    del waiting[process]
                    effects.append(Unknown(actor_id, process))
            if not waiting:
                del self._early[actor_id]
        return effects

    # Lives ------------------------------------------------------------------------------------------------------------

    def placed(self, actor_id: bytes, slot: int, now: float) -> list[Effect]:
        """A worker is the actor's. The answer is empty if the actor is not waiting: the worker is not needed."""
        actor = self.actors.get(actor_id)
        if actor is None or actor.life not in (Life.PENDING, Life.RESTARTING):
            return [Leave(slot, actor_id)] if self._by_worker.get(slot) else [EndWorker(slot, True)]
        actor.move("placed")
        actor.worker, actor.since = slot, now
        self._by_worker.setdefault(slot, {})[actor_id] = actor
        return [Start(actor)]

    def rejected(self, actor_id: bytes, reason: Reason) -> list[Effect]:
        """No worker can be had."""
        actor = self.actors.get(actor_id)
        if actor is None or actor.life not in (Life.PENDING, Life.RESTARTING):
            return []
        actor.move("rejected")
        actor.reason = reason
        return self._die(actor)

    def started(self, slot: int, actor_id: bytes, incarnation: int, ok: bool, record: Any) -> list[Effect]:
        """ActorStarted from the worker. One that crossed the actor's end is nothing."""
        actor = self.hosted(slot, actor_id)
        if actor is None or actor.incarnation != incarnation or actor.life is Life.ENDING:
            return []
        if ok:
            actor.move("started")
            actor.shown = Life.ALIVE
            actor.reason = None
            return [Show(actor, tuple(actor.subscribers))]
        actor.move("start failed")
        actor.reason = Reason("ACTOR_DIED", "the actor's constructor failed", record)
        self._free_name(actor)
        return self._end(actor, False)

    def _end(self, actor: Actor, force: bool) -> list[Effect]:
        """End what an actor lives in: the worker, if nobody else does."""
        alone = len(self._by_worker[actor.worker]) == 1
        return [EndWorker(actor.worker, force) if alone else EndActor(actor, force)]

    def worker_ended(self, slot: int, reason: Reason, now: float) -> list[Effect]:
        """The process of a worker has ended."""
        effects: list[Effect] = []
        for actor in self._by_worker.pop(slot, {}).values():
            effects += self._life_over(actor, reason, now)
        return effects

    def left(self, slot: int, actor_id: bytes, incarnation: int, now: float) -> list[Effect]:
        """ActorEnded from a worker that others share: of this actor nothing runs any more."""
        actor = self.hosted(slot, actor_id)
        if actor is None or actor.incarnation != incarnation:
            return []
        del self._by_worker[slot][actor_id]
        over = self._life_over(actor, Reason("ACTOR_DIED", "the actor was killed"), now)
        return [Leave(slot, actor_id), *over]

    def _life_over(self, actor: Actor, reason: Reason, now: float) -> list[Effect]:
        actor.worker = 0
        if actor.life is Life.ENDING or actor.restarts_left == 0:
            actor.move("worker ended, none left")
            if actor.reason is None:
                actor.reason = reason
            return self._die(actor)
        actor.move("worker ended, restarts left")
        if actor.restarts_left > 0:
            actor.restarts_left -= 1
        actor.incarnation += 1
        actor.reason, actor.shown = reason, Life.RESTARTING
        if now - actor.since < limits.ACTOR_SHORT_LIFE_S and not actor.waiting_kills:
            actor.backoff = min(max(2 * actor.backoff, limits.ACTOR_BACKOFF_S), limits.ACTOR_BACKOFF_MAX_S)
        else:
            actor.backoff = 0.0
        effects: list[Effect] = [Place(actor, actor.backoff), Show(actor, tuple(actor.subscribers))]
        return effects + self._answer_kills(actor)

    def kill(self, process: int, request: int, actor_id: bytes, no_restart: bool) -> list[Effect]:
        """ActorKill; acknowledged when the process has ended."""
        actor = self.actors.get(actor_id)
        if actor is None or actor.life is Life.DEAD:
            return [Done(process, request)]
        if actor.worker:
            actor.waiting_kills.append((process, request))
        if no_restart:
            effects = self._give_up(actor, Reason("ACTOR_DIED", "the actor was killed"), True)
        else:
            effects = self._end(actor, True) if actor.worker else []
        return effects if actor.waiting_kills else [*effects, Done(process, request)]

    def exited(self, slot: int, actor_id: bytes) -> list[Effect]:
        """ActorExit from the worker."""
        actor = self.hosted(slot, actor_id)
        if actor is None:
            return []
        return self._give_up(actor, Reason("ACTOR_DIED", "the actor exited by itself"), False)

    def out_of_scope(self, actor_id: bytes) -> list[Effect]:
        """Nobody holds the actor any more."""
        actor = self.actors.get(actor_id)
        if actor is None or actor.spec.detached or actor.life in (Life.ENDING, Life.DEAD):
            return []
        return self._give_up(actor, Reason("ACTOR_DIED", "the last reference to the actor is gone"), False)

    def job_over(self, job: int) -> list[Effect]:
        """The job's driver has ended: its actors end, but for the detached ones."""
        effects: list[Effect] = []
        for actor in list(self.actors.values()):
            if actor.spec.job == job and not actor.spec.detached and actor.life is not Life.DEAD:
                effects += self._give_up(actor, Reason("ACTOR_DIED", "the actor's job has ended"), True)
        return effects

    def _give_up(self, actor: Actor, reason: Reason, force: bool) -> list[Effect]:
        waited = actor.life in (Life.PENDING, Life.RESTARTING)
        actor.move("given up")
        if actor.reason is None or not waited:
            actor.reason = reason
        self._free_name(actor)
        if waited:
            return [Unplace(actor), *self._die(actor)]
        return self._end(actor, force)

    def _free_name(self, actor: Actor) -> None:
        key = (actor.spec.namespace, actor.spec.name)
        if self.names.get(key) is actor:
            del self.names[key]

    def _answer_kills(self, actor: Actor) -> list[Effect]:
        kills, actor.waiting_kills = actor.waiting_kills, []
        return [Done(process, request) for process, request in kills]

    def _die(self, actor: Actor) -> list[Effect]:
        actor.shown = Life.DEAD
        self._free_name(actor)
        effects: list[Effect] = [Show(actor, tuple(actor.subscribers)), Over(actor), *self._answer_kills(actor)]
        actor.subscribers.clear()
        self._dead[actor.spec.id] = None
        if len(self._dead) > limits.DEAD_ACTORS_MAX:
            del self.actors[self._dead.popitem(last=False)[0]]
        return effects

    def forget_plan(self, actor: Actor) -> None:
        """Give back what only a restart would need."""
        actor.spec = actor.spec._replace(plan=None, contains=())

    def of_worker(self, slot: int) -> Actor | None:
        """The actor whose process the worker is, or one of those that share it."""
        return next(iter(self._by_worker.get(slot, {}).values()), None)

    def hosted(self, slot: int, actor_id: bytes) -> Actor | None:
        """The actor, if it lives in the worker."""
        return self._by_worker.get(slot, {}).get(actor_id)

    def lives_in(self, job: int) -> bool:
        """Whether some actor of the job is not dead."""
        return any(a.spec.job == job and a.life is not Life.DEAD for a in self.actors.values())

    def process_gone(self, process: int) -> None:
        """The process wants to be told nothing any more."""
        for actor in self.actors.values():
            actor.subscribers.discard(process)
        for waiting in self._early.values():
            waiting.pop(process, None)
