"""Results on their way out of a worker (spec 4.4).

What the home must know of a result is written to the node before the Result is written to the caller (spec 6.4). Most
results are one small plain value, and take the shortest way.
"""

from __future__ import annotations

import pickle
from itertools import islice
from time import perf_counter
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from bowstring import _pickling
from bowstring._ids import STREAM_SPACE, pack_u32
from bowstring._values import STORED_LAYOUT, Payload
from bowstring.errors import InvalidArgumentError, record_from_exception
from bowstring_wire import messages as m
from bowstring_wire.hot import single_result_frame
from bowstring_wire.messages import Encoding, FrameType, Language, Layout, TaskFlag, TaskStatus, ValueState
from bowstring_wire.messages import ObjectRef as RefStruct
from bowstring_wire.protocol import frame, padded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bowstring._call import Call
    from bowstring._executor import Executor

_DELIVER = int(TaskFlag.DELIVER_HOME)
_INLINE, _STORED = int(ValueState.INLINE), int(ValueState.STORED)
_PYTHON, _COMPACT, _ERROR = int(Encoding.PYTHON), int(Layout.COMPACT), int(Encoding.ERROR)
_OK, _FAILED = int(TaskStatus.OK), int(TaskStatus.ERROR)
_RESULT = int(FrameType.RESULT)
_PYTHON_LANGUAGE = int(Language.PYTHON)
_PLAIN = frozenset((int, float, bool, str, bytes, type(None)))
_RESULT_ROOT = m.Result.ROOT

SMALL_RESULT_BYTES_MAX = 4096  # plain results up to this size take the shortest way out
ITEMS_FLUSH_S = 0.001  # of the items of streams that come within this time,
ITEMS_AT_ONCE_MAX = 16  # so many are written at once, and those behind them together


def drawn(count: int, value: Any) -> Any:
    """The values of a generator that is to give `count` of them, and one more if there is; anything else as it is."""
    return tuple(islice(value, count + 1)) if count > 1 and isinstance(value, GeneratorType) else value


def separate_results(count: int, value: Any, name: Callable[[], str]) -> Sequence[Any]:
    """What a function has returned, as `count` results; a generator is run for them.

    Raises:
        InvalidArgumentError: it is no tuple or list of so many.
    """
    value = drawn(count, value)
    if count == 1:
        return (value,)
    if count == 0:
        return ()
    if not isinstance(value, (tuple, list)) or len(value) != count:
        got = f"{len(value)} values" if isinstance(value, (tuple, list)) else type(value).__name__
        raise InvalidArgumentError(
            f"{name()} has num_returns={count} and must return a tuple or list of {count} values, not {got}"
        )
    return value


class Answers:
    """Encodes results and errors, and buffers their frames."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._runtime = executor.runtime
        self._items_flushed = 0.0
        self._items_in_row = 0

    def send(self, call: Call, status: int, value: Any, duration_ns: int, start_ns: int, now: bool = False) -> None:
        """Answer a call whose user code has ended; `value` is the result or the exception.

        `now`: nothing else is queued, and whoever called may be waiting; write the answer before the log of it.
        """
        task = call.task
        runtime = self._runtime
        if (
            status == _OK
            and type(value) in _PLAIN
            and task.num_returns == 1
            and task.caller_language == _PYTHON_LANGUAGE
            and not task.flags & _DELIVER
            and not runtime.unacknowledged
        ):
            data = pickle.dumps(value, 5)
            if len(data) <= SMALL_RESULT_BYTES_MAX:
                body = data if not len(data) & 7 else padded(data)
                answer = single_result_frame(task.id, task.attempt, status, duration_ns, _PYTHON, data, body)
                self._buffer(call, answer, start_ns, duration_ns, status, None, now)
                return
        contained: list[Any] = []
        record = None
        try:
            if status == _OK:
                payloads = self._payloads(task, value, contained)
            else:
                payloads, record = self._error_payloads(task, value)
        except BaseException as error:
            status = _FAILED
            payloads, record = self._error_payloads(task, error)
        value = None
        returns, body = self._laid_out(task, payloads)
        kept: tuple[RefStruct, ...] = ()
        if runtime.unacknowledged:
            kept = runtime.hold_kept()
        contained.clear()
        metadata = _RESULT_ROOT + m.block_result(task.id, task.attempt, status, duration_ns, returns, kept)
        self._buffer(call, frame(_RESULT, metadata, body), start_ns, duration_ns, status, record, now)

    def send_item(self, call: Call, index: int, value: Any) -> None:
        """Send an item of a stream; in a call's thread, between two steps of user code (spec 4.8).

        Raises:
            BowstringError: it can't be written; nothing was sent.
        """
        task = call.task
        runtime = self._runtime
        stored = False
        data = b""
        if type(value) in _PLAIN and task.caller_language == _PYTHON_LANGUAGE:
            data = pickle.dumps(value, 5)
        if data and len(data) <= SMALL_RESULT_BYTES_MAX:
            entry = m.Return(_INLINE, _PYTHON, _COMPACT, 0, 0, len(data), 0)
        else:
            ref = RefStruct(task.id + pack_u32(STREAM_SPACE | index), 0, task.owner, task.home)
            payload = runtime.writer.write(ref, value, task.caller_language)
            stored = payload.layout == STORED_LAYOUT
            if payload.contains:
                if runtime.unacknowledged:
                    runtime.hold_kept()
                if not stored:
                    with runtime.lock:
                        runtime.publish_struct(ref, payload)
            if stored:
                data = b""
                entry = m.Return(_STORED, 0, 0, 0, 0, 0, 0)
            else:
                data = payload.data
                flags = int(bool(payload.contains))
                entry = m.Return(_INLINE, payload.encoding, int(payload.layout), flags, 0, len(data), 0)
        item = m.StreamItem(task.id, task.attempt, index, entry)
        answer = frame(FrameType.STREAM_ITEM, item.encode(), padded(data))
        now = perf_counter()
        with runtime.lock:
            if runtime.node_connection.out:
                runtime.node_connection.flush()
            if not call.connection.closed:
                call.connection.send(answer)
            if now - self._items_flushed > ITEMS_FLUSH_S:
                self._items_flushed = now
                self._items_in_row = 0
            self._items_in_row += 1
            if stored or self._items_in_row <= ITEMS_AT_ONCE_MAX:
                runtime.reactor.flush()
            # Else the background thread writes it soon (spec 4.4/6), or the next item's turn does.

    def _buffer(
        self,
        call: Call,
        answer: bytes,
        start_ns: int,
        duration_ns: int,
        status: int,
        error: m.ErrorRecord | None,
        now: bool,
    ) -> None:
        """Buffer the Result, or write it now, behind what its home must know first, and log the attempt."""
        task = call.task
        runtime = self._runtime
        with runtime.lock:
            self._executor.calls.pop(task.id, None)
            call.interruption = None  # its traceback leads to the call's frame, and so to itself and to the arguments
            if task.timeout_ms:
                self._executor.interruptions.forget(call)
            if runtime.node_connection.out:
                runtime.node_connection.flush()
            connection = call.connection
            if connection.closed:
                pass
            elif now:
                connection.send_now(answer)
            else:
                connection.send(answer)
            runtime.log.ended(task, start_ns, duration_ns, status, error)

    def _payloads(self, task: m.Task, value: Any, contained: list[Any]) -> list[Payload]:
        if task.num_returns < 0:
            return []  # a stream has sent its items
        results = separate_results(task.num_returns, value, lambda: self._executor.name_of(task))
        runtime = self._runtime
        payloads = []
        for index, result in enumerate(results):
            ref = RefStruct(task.id + pack_u32(index), 0, task.owner, task.home)
            kind = type(result)
            if kind in _pickling.SCALARS and task.caller_language == Language.PYTHON and kind is not bytes:
                payload = Payload(_PYTHON, _COMPACT, pickle.dumps(result, 5))
                if len(payload.data) > runtime.inline_bytes_max:
                    payload = runtime.writer.write(ref, result, task.caller_language)
            else:
                payload = runtime.writer.write(ref, result, task.caller_language)
            contained.extend(payload.contains)
            payloads.append(payload)
        return payloads

    def _error_payloads(self, task: m.Task, error: BaseException) -> tuple[list[Payload], m.ErrorRecord]:
        record = record_from_exception(error, self._executor.name_of(task), task.id)
        return [Payload(_ERROR, _COMPACT, record.encode())] * max(
            1, task.num_returns
        ), record  # 4.2/5: also without results

    def _laid_out(self, task: m.Task, payloads: list[Payload]) -> tuple[tuple[Any, ...], bytes]:
        """The Return entries and the body; tells the home what it must know first."""
        returns = []
        body = bytearray()
        for index, payload in enumerate(payloads):
            if payload.layout == STORED_LAYOUT:
                returns.append((_STORED, 0, 0, 0, 0, 0, 0))
                continue
            contains = bool(payload.contains)
            if contains or task.flags & _DELIVER:
                ref = RefStruct(task.id + pack_u32(index), 0, task.owner, task.home)
                with self._runtime.lock:
                    self._runtime.publish_struct(ref, payload)
            if index and payload is payloads[index - 1]:
                returns.append(returns[-1])  # an error's entries are all the same bytes (spec 4.4/5)
                continue
            size = len(payload.data)
            returns.append((_INLINE, payload.encoding, int(payload.layout), int(contains), len(body), size, 0))
            body += payload.data
            body += bytes(-size & 63 if index + 1 < len(payloads) else -size & 7)
        return tuple(returns), bytes(body)
