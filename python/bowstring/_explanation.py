"""Why something is not there yet: the answer of `bowstring.why`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bowstring import _options, _state
from bowstring._session import running_runtime
from bowstring.object_ref import ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import FilterOp, StateKind

_ERROR = int(m.Encoding.ERROR)


class Blocker(NamedTuple):
    """One line of an explanation.

    Attributes:
        depth: 0 for what was asked about; what a line waits for follows it, one deeper.
        subject: id of the task, object, actor or process, in hexadecimal.
        name: what people call it; "" if it has no name.
        reason: a word of spec 8.1, rule 7, as NO_RESOURCES.
        text: the reason for people.
    """

    depth: int
    subject: str
    name: str
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{'  ' * self.depth}{self.name or self.subject} {self.text}"


class Explanation(Sequence[Blocker]):
    """What something waits for, and what that waits for; as text a tree of lines, as a sequence its Blockers."""

    def __init__(self, blockers: Sequence[Blocker]) -> None:
        self._blockers = tuple(blockers)

    @property
    def reason(self) -> str:
        """The reason of the first line."""
        return self._blockers[0].reason

    def __getitem__(self, index: Any) -> Any:
        return self._blockers[index]

    def __len__(self) -> int:
        return len(self._blockers)

    def __iter__(self) -> Iterator[Blocker]:
        return iter(self._blockers)

    def __str__(self) -> str:
        return "\n".join(map(str, self._blockers))

    __repr__ = __str__


def explain(subject: ObjectRef[Any] | str) -> Explanation:
    """See `bowstring.why`."""
    if isinstance(subject, ObjectRef):
        payload = subject._payload
        if payload is not None:
            failed = payload.encoding == _ERROR
            text = "has failed: get() raises its error" if failed else "is ready"
            return Explanation([Blocker(0, subject.hex(), "", "FAILED" if failed else "READY", text)])
        runtime, field, value = subject._runtime, "object", subject.hex()
    elif isinstance(subject, str) and len(subject) in (32, 40):
        runtime, field, value = running_runtime(), "task" if len(subject) == 32 else "object", subject
    else:
        raise _options.refuse("why", "ref", "an ObjectRef, or the id of a task or an object in hexadecimal", subject)
    rows = _state.rows(runtime, StateKind.BLOCKERS, [m.StateFilter(field, FilterOp.EQ, value)])
    return Explanation([Blocker(**{name: row[name] for name in Blocker._fields}) for row in rows])
