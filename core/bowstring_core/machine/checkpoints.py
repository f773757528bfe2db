"""What a restart needs to bring an actor with checkpoints to where it was (spec 5.4).

A log is the last saved state, and what was applied since:

    calls   in the order in which they ran; each with its Task, its Result and the references in its arguments
    marks   by caller, the sequence of its last call that the state covers
    kept    Results that the state covers and whose callers may still ask for them

A call is in `calls` from the moment in which its ActorLog has come, which is before its Result can have left the
worker. A state empties `calls`: what it covers is known by its marks alone, but for the Results that the worker says it
has not written yet. So what a restarted worker is given answers every question that a caller can ask: a sequence above
the mark and not in `calls` was never applied; every other one was, and its Result is here or with its caller.

A caller that is gone asks nothing: its Results and marks are dropped, its calls stay applied.

Invariants: the references of `calls` and the state are held, once each time they occur; `bytes` is what calls and kept
Results take, and is bounded.

The machine refuses to know workers and sockets; that a log comes from the actor's present worker is for others to see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from bowstring_core import limits
from bowstring_core.machine.objects import Ref


class Call(NamedTuple):
    """A call that was applied.

    Attributes:
        caller: Process of who called.
        sequence: Its place among the caller's calls to the actor.
        task: The Task's frame.
        result: The Result's frame; empty: its caller is gone.
        contains: References inside the arguments.
    """

    caller: int
    sequence: int
    task: bytes
    result: bytes
    contains: Sequence[Ref]

    @property
    def size_bytes(self) -> int:
        """What the call takes of the log."""
        return len(self.task) + len(self.result)


class Restart(NamedTuple):
    """What a worker is given that becomes the actor.

    Attributes:
        state: The last saved state; None: none was.
        marks: By caller, the last of its calls that the state covers.
        kept: Calls that the state covers, for their Results alone; their Task is empty.
        calls: Calls to run again, in order.
    """

    state: Ref | None
    marks: dict[int, int]
    kept: list[Call]
    calls: list[Call]


# Effects --------------------------------------------------------------------------------------------------------------


class Hold(NamedTuple):
    """The log names these."""

    refs: Sequence[Ref]


class Release(NamedTuple):
    """The log names these no more."""

    refs: Sequence[Ref]


class Overfull(NamedTuple):
    """The worker logs more than it may."""

    message: str


Effect = Hold | Release | Overfull


class CallLog:
    """The log of one actor. Read-only outside of the machine."""

    __slots__ = ("calls", "kept", "marks", "size_bytes", "state")

    def __init__(self) -> None:
        self.state: Ref | None = None
        self.calls: list[Call] = []
        self.marks: dict[int, int] = {}
        self.kept: dict[tuple[int, int], bytes] = {}
        self.size_bytes = 0

    def applied(self, call: Call, state: Ref | None, unanswered: Collection[tuple[int, int]]) -> list[Effect]:
        """A call was applied; with a state, the actor was saved right after it."""
        effects: list[Effect] = []
        self.calls.append(call)
        self.size_bytes += call.size_bytes
        if self.size_bytes > limits.CALL_LOG_BYTES_MAX:
            message = f"the log of its calls has {self.size_bytes} bytes; {limits.CALL_LOG_BYTES_MAX} are allowed"
            effects.append(Overfull(message))
        if state is None:
            if call.contains:
                effects.append(Hold(call.contains))
            return effects
        self.calls[-1] = call._replace(contains=())  # it was never held, and need not be any more
        return effects + self.saved(state, {*unanswered, (call.caller, call.sequence)})

    def saved(self, state: Ref, unanswered: Collection[tuple[int, int]]) -> list[Effect]:
        """The actor was saved: the state covers every call so far. Results of those in `unanswered` are kept."""
        effects: list[Effect] = [Hold((state,))]
        if self.state is not None:
            effects.append(Release((self.state,)))
        self.state = state
        results = dict(self.kept)
        for call in self.calls:
            if call.contains:
                effects.append(Release(call.contains))
            if call.result:
                self.marks[call.caller] = call.sequence
                results[call.caller, call.sequence] = call.result
        self.calls = []
        self.kept = {key: result for key, result in results.items() if key in unanswered}
        self.size_bytes = sum(map(len, self.kept.values()))
        return effects

    def caller_gone(self, process: int) -> None:
        """The process asks nothing any more."""
        self.marks.pop(process, None)
        for key in [key for key in self.kept if key[0] == process]:
            self.size_bytes -= len(self.kept.pop(key))
        for place, call in enumerate(self.calls):
            if call.caller == process and call.result:
                self.calls[place] = call._replace(result=b"")
                self.size_bytes -= len(call.result)

    def restart(self) -> Restart:
        """What the actor's next worker needs."""
        kept = [Call(caller, sequence, b"", result, ()) for (caller, sequence), result in self.kept.items()]
        return Restart(self.state, dict(self.marks), kept, list(self.calls))

    def over(self) -> list[Effect]:
        """The actor is dead."""
        refs = [ref for call in self.calls for ref in call.contains]
        if self.state is not None:
            refs.append(self.state)
        self.state, self.calls = None, []
        return [Release(refs)] if refs else []


class CallLogs:
    """The logs of a node's actors, by actor; most actors have none."""

    def __init__(self) -> None:
        self.by_actor: dict[bytes, CallLog] = {}

    def made(self, actor: bytes) -> None:
        """An actor with checkpoints was made."""
        self.by_actor[actor] = CallLog()

    def of(self, actor: bytes) -> CallLog | None:
        """The actor's log, if it has one."""
        return self.by_actor.get(actor)

    def caller_gone(self, process: int) -> None:
        """The process asks nothing any more."""
        for log in self.by_actor.values():
            log.caller_gone(process)

    def over(self, actor: bytes) -> list[Effect]:
        """The actor is dead."""
        log = self.by_actor.pop(actor, None)
        return [] if log is None else log.over()
