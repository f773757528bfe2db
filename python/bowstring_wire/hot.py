"""Short cuts for the frames that a call is made of, in the shape that nearly every call has.

The generated codec writes and reads any Task, Result and TaskEvents. What is here writes the same canonical bytes (spec
section 1.6) with one packing, and reads them with one unpacking. The readers answer None for every other shape, which
the caller then reads the general way. All offsets come from probes that the generated codec wrote, so a change of the
schema changes them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from struct import Struct
from struct import error as StructError
from typing import Any

from bowstring_wire import messages as m
from bowstring_wire.flat import read_string
from bowstring_wire.protocol import MARK, PREFIX, ProtocolError

_PREFIX_FORMAT = PREFIX.format[1:]

# Result with one return and nothing kept -----------------------------------------------------------------------------

_RESULT_TYPE = int(m.FrameType.RESULT)
_RESULT_HEAD = m.Result.ROOT + m._RESULT_HEAD
_RESULT_FORMAT = f"{len(_RESULT_HEAD)}s{m._RESULT_FIELDS.format[1:]}8xI{m.RETURN.format[1:]}4x"
_RESULT = Struct(f"<{_RESULT_FORMAT}")
# The empty word and the count in one: what points at the empty word is empty only if that is zero.
_RESULT_READ = Struct(f"<{len(_RESULT_HEAD)}s{m._RESULT_FIELDS.format[1:]}12s{m.RETURN.format[1:]}4x")
_RESULT_FRAME = Struct(f"<{_PREFIX_FORMAT}{_RESULT_FORMAT}")
_RESULT_SIZE = _RESULT.size
_PROBE = m.Result(b"\1" * 16, returns=(m.Return(1, 1, 1, 0, 0, 1, 0),)).encode()
_RETURNS_AT, _KEPT_AT = _RESULT.unpack(_PROBE)[5:7]
_ONE_RETURN = (_RETURNS_AT, _KEPT_AT, bytes(8) + b"\1\0\0\0")
_STATUS_MAX = int(max(m.TaskStatus))
if len(_PROBE) != _RESULT_SIZE:
    raise AssertionError("the canonical layout of Result has changed: adapt hot.py")


def single_result(metadata: bytes) -> tuple[Any, ...] | None:
    """A Result with one return and nothing kept: (head, id, attempt, status, duration_ns, three others, *Return)."""
    if len(metadata) != _RESULT_SIZE:
        return None
    fields = _RESULT_READ.unpack(metadata)
    if fields[5:8] != _ONE_RETURN or fields[0] != _RESULT_HEAD or fields[3] > _STATUS_MAX:
        return None
    return fields


def single_result_frame(
    task: bytes, attempt: int, status: int, duration_ns: int, encoding: int, payload: bytes, padded: bytes
) -> bytes:
    """The whole frame of a Result with one inline, compact return; `padded` is the payload as a body."""
    return (
        _RESULT_FRAME.pack(
            _RESULT_SIZE, _RESULT_TYPE, 0, MARK, len(padded), _RESULT_HEAD, task, attempt, status, duration_ns,
            _RETURNS_AT, _KEPT_AT, 1, 2, encoding, 1, 0, 0, len(payload), 0,
        )
        + padded
    )  # fmt: skip


# Task, most often with at most one argument entry --------------------------------------------------------------------

_TASK_TYPE = int(m.FrameType.TASK)
_TASK_HEAD = m.Task.ROOT + m._TASK_HEAD
_TASK_FORMAT = f"{len(_TASK_HEAD)}s{m._TASK_FIELDS.format[1:]}8x"
_TASK = Struct(f"<{_TASK_FORMAT}")
_TASK_READ = Struct(f"<{len(_TASK_HEAD)}s{m._TASK_FIELDS.format[1:]}Q")  # the last: the empty word
_TASK_FRAME = Struct(f"<{_PREFIX_FORMAT}{_TASK_FORMAT}")
_ARG_FORMAT = f"4xI{m.ARG.format[1:]}"
_TASK_ARG = Struct(f"<{_TASK_FORMAT}{_ARG_FORMAT}")
_TASK_ARG_FRAME = Struct(f"<{_PREFIX_FORMAT}{_TASK_FORMAT}{_ARG_FORMAT}")
_TASK_SIZE = _TASK.size
_NO_ARG = m.Arg(1, 1, 1, 0, 0, 0, 0, bytes(20), 0, 0, 0)
_NO_REF = (bytes(20), 0, 0, 0)
_OFFSETS = slice(15, 20)  # of args, method, name, concurrency_group, trace_context: they tell which of these are there
_EMPTY_METHOD = _TASK.unpack(m.Task(b"\1" * 16).encode())[16]
_METHOD_SLOT = _TASK_SIZE - 8 - _EMPTY_METHOD  # where the field `method` lies in the metadata


class TaskShape:
    """What the Task frames of one function or method have in common: everything but a few fields and the arguments."""

    __slots__ = ("_bare", "_fixed", "_function", "_many", "_one", "_probe", "_tails")

    def __init__(self, task: m.Task) -> None:
        """Take function, num_returns, max_retries, priority, timeout, language and the strings of `task`."""
        bare = m.Task(
            b"\1" * 16, task.function, num_returns=task.num_returns, max_retries=task.max_retries,
            priority=task.priority, timeout_ms=task.timeout_ms, caller_language=task.caller_language,
            method=task.method, name=task.name, concurrency_group=task.concurrency_group,
        )  # fmt: skip
        data = bare.encode()
        self._function = task.function
        self._tails = data[_TASK_SIZE:]
        self._bare = _TASK.unpack_from(data)[10:20]
        bare.args = (_NO_ARG,)
        self._one = _TASK_ARG.unpack_from(bare.encode())[10:20]
        self._fixed = len(self._tails)
        self._probe = bare
        self._many: dict[int, tuple[Struct, tuple[Any, ...]]] = {}

    def frame(
        self, task: bytes, actor: bytes, owner: int, home: int, sequence: int, flags: int, attempt: int, epoch: int,
        submitted_ns: int, arg: tuple[int, int, int, int, int, int, int] | None, body: bytes,
    ) -> bytes:  # fmt: skip
        """The whole frame; `arg` is the first half of the one Arg entry, `body` is padded."""
        if arg is None:
            return (
                _TASK_FRAME.pack(
                    _TASK_SIZE + self._fixed, _TASK_TYPE, 0, MARK, 0, _TASK_HEAD, task, self._function, actor, owner,
                    home, sequence, flags, attempt, epoch, *self._bare, submitted_ns,
                )
                + self._tails
            )  # fmt: skip
        return (
            _TASK_ARG_FRAME.pack(
                _TASK_ARG.size + self._fixed, _TASK_TYPE, 0, MARK, len(body), _TASK_HEAD, task, self._function, actor,
                owner, home, sequence, flags, attempt, epoch, *self._one, submitted_ns, 1, *arg, *_NO_REF,
            )
            + self._tails
            + body
        )  # fmt: skip

    def frame_of_many(
        self, task: bytes, actor: bytes, owner: int, home: int, sequence: int, flags: int, attempt: int, epoch: int,
        submitted_ns: int, args: Sequence[tuple[Any, ...]], body: bytes,
    ) -> bytes:  # fmt: skip
        """The whole frame with any number of Arg entries, at least one; `body` is padded."""
        count = len(args)
        known = self._many.get(count)
        if known is None:
            self._probe.args = (_NO_ARG,) * count
            packer = Struct(f"<{_PREFIX_FORMAT}{_TASK_FORMAT}4xI{m.ARG.format[1:] * count}")
            fixed = _TASK.unpack_from(self._probe.encode())[10:20]
            known = self._many[count] = (packer, fixed)
        packer, fixed = known
        return (
            packer.pack(
                packer.size - PREFIX.size + self._fixed, _TASK_TYPE, 0, MARK, len(body), _TASK_HEAD, task,
                self._function, actor, owner, home, sequence, flags, attempt, epoch, *fixed, submitted_ns, count,
                *chain(*args),
            )
            + self._tails
            + body
        )  # fmt: skip


_new_arg = m.Arg._make
_ONE_ARG = Struct(f"<{_ARG_FORMAT}")  # the count of entries, and one
METHODS_KNOWN_MAX = 1024  # names that need not be decoded again
METHOD_TAIL_BYTES_MAX = 128
_methods: dict[bytes, str] = {}  # by what the metadata holds from the name on


def _shape_of(probe: m.Task) -> tuple[tuple[int, ...], tuple[bool, int]]:
    """The offsets of a Task like `probe`; whether it has an argument, and where its method's name lies (0: none)."""
    offsets = _TASK.unpack_from(probe.encode())[_OFFSETS]
    return offsets, (bool(probe.args), _METHOD_SLOT + offsets[1] if probe.method else 0)


_SHAPES = dict(
    _shape_of(m.Task(b"\1" * 16, args=args, method=method)) for args in ((), (_NO_ARG,)) for method in ("", "method")
)


def single_task(metadata: bytes) -> m.Task | None:
    """A Task with at most one argument, whose only string is the method."""
    if len(metadata) < _TASK_SIZE:
        return None
    fields = _TASK_READ.unpack_from(metadata)
    shape = _SHAPES.get(fields[_OFFSETS])
    if shape is None or fields[21] or fields[0] != _TASK_HEAD:
        return None
    has_argument, name_at = shape
    args: tuple[m.Arg, ...] = ()
    if has_argument:
        if len(metadata) < _TASK_ARG.size:
            return None
        count, *entry = _ONE_ARG.unpack_from(metadata, _TASK_SIZE)
        if count != 1:
            return None
        args = (_new_arg(entry),)
    method = ""
    if name_at:
        tail = metadata[name_at:]
        known = _methods.get(tail)
        if known is None:
            try:
                known = read_string(metadata, name_at)
            except (StructError, ProtocolError, UnicodeDecodeError):
                return None  # the general reader says what is wrong
            if len(_methods) < METHODS_KNOWN_MAX and len(tail) <= METHOD_TAIL_BYTES_MAX:
                _methods[tail] = known
        method = known
    return m.Task(*(*fields[1:15], args, method, "", "", "", fields[20]))


# TaskEvents -----------------------------------------------------------------------------------------------------------

_EVENTS_FIELDS = m._TASK_EVENTS_FIELDS
_EVENTS_TABLE = len(m.TaskEvents.ROOT) + len(m._TASK_EVENTS_HEAD)  # where the fields begin in the metadata
_EVENTS_TAILS = len(m.TaskEvents().encode())
_EVENTS_EMPTY = _EVENTS_FIELDS.unpack_from(m.TaskEvents().encode(), _EVENTS_TABLE)
_EVENTS_FILLED = _EVENTS_FIELDS.unpack_from(
    m.TaskEvents((m.TaskEvent._make(m.TASK_EVENT.unpack(bytes(m.TASK_EVENT.size))),)).encode(), _EVENTS_TABLE
)[0]
_WIDE_COUNT = Struct("<4xI")
if m.TASK_EVENT.size & 7:
    raise AssertionError("the canonical layout of TaskEvents has changed: adapt hot.py")


def task_events_metadata(
    events: bytes,
    labels: tuple[str, ...] = (),
    failures: tuple[m.TaskFailure, ...] = (),
    spans: tuple[m.TaskSpan, ...] = (),
) -> bytes:
    """The metadata of a TaskEvents frame; `events` is any number of packed TaskEvent structs."""
    rest = m.TaskEvents((), labels, failures, spans).encode()
    if not events:
        return rest
    chunk = _WIDE_COUNT.pack(len(events) // m.TASK_EVENT.size) + events
    offsets = _EVENTS_FIELDS.unpack_from(rest, _EVENTS_TABLE)
    moved = (
        offset if offset == empty else offset + len(chunk)
        for offset, empty in zip(offsets[1:], _EVENTS_EMPTY[1:], strict=True)
    )
    fields = _EVENTS_FIELDS.pack(_EVENTS_FILLED, *moved)
    return (
        rest[:_EVENTS_TABLE] + fields + rest[_EVENTS_TABLE + len(fields) : _EVENTS_TAILS] + chunk + rest[_EVENTS_TAILS:]
    )
