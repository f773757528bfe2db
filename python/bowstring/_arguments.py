"""A task's arguments, read where it runs: from its frame's body, and from what the body refers to (spec 4.2)."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bowstring import _values
from bowstring.object_ref import ObjectRef
from bowstring_wire import messages as m
from bowstring_wire.messages import ArgKind

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

_PACKED, _REF = int(ArgKind.PACKED), int(ArgKind.REF)
_ARGUMENTS = int(m.SpanKind.ARGUMENTS)


class ArgumentReader:
    """Reads the arguments of the tasks of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._local = threading.local()

    def decoding(self) -> bool:
        """True while this thread reads a task's arguments: the caller holds what is in them until the task ends."""
        return getattr(self._local, "decoding", False)

    def read(self, task: m.Task, body: bytes) -> tuple[Any, Any]:
        """The positional and the named arguments."""
        args = task.args
        if not args:
            return (), {}
        self._local.decoding = True
        try:
            first = args[0]
            if first.kind == _PACKED:
                packed = _inline_argument(first, body)
                if len(packed) == 2:
                    return packed[0], packed[1] or {}
                plain, named, places = packed
                filled = list(plain)
                named = dict(named)
                for place, value in zip(places, self._values_of(args[1:], body), strict=True):
                    if isinstance(place, int):
                        filled[place] = value
                    else:
                        named[place] = value
                return filled, named
            return self._values_of(args, body), {}
        finally:
            self._local.decoding = False

    def _values_of(self, args: Any, body: bytes) -> list[Any]:
        """Positional arguments; those in the store are read together."""
        runtime = self._runtime
        out: list[Any] = []
        stored: list[tuple[int, ObjectRef[Any]]] = []
        for place, arg in enumerate(args):
            if arg.kind == _REF:
                stored.append((place, runtime.borrow(arg.ref_id, arg.ref_owner, arg.ref_home)))
                out.append(None)
            else:
                out.append(_inline_argument(arg, body))
        if stored:
            started = perf_counter()
            found = runtime.reader.get([ref for _, ref in stored])
            runtime.log.span(_ARGUMENTS, started, 0, len(stored))
            for (place, _), value in zip(stored, found, strict=True):
                out[place] = value
        return out


def _inline_argument(arg: m.Arg, body: bytes) -> Any:
    data = body[arg.offset : arg.offset + arg.length]
    return _values.decode_inline(arg.encoding, arg.layout, data)
