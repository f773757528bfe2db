"""The short cuts write and read what the generated codec does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bowstring_wire import hot
from bowstring_wire import messages as m
from bowstring_wire.protocol import FrameParser, frame, padded

IDS = st.binary(min_size=16, max_size=16)
U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
I32 = st.integers(-(2**31), 2**31 - 1)


@given(IDS, U32, st.integers(0, 3), U64, st.integers(0, 7), st.binary(max_size=40))
def test_a_single_result_is_the_codecs_frame(
    task: bytes, attempt: int, status: int, duration: int, encoding: int, payload: bytes
) -> None:
    entry = m.Return(2, encoding, 1, 0, 0, len(payload), 0)
    metadata = m.Result(task, attempt, status, duration, (entry,)).encode()
    made = hot.single_result_frame(task, attempt, status, duration, encoding, payload, padded(payload))
    assert made == frame(m.FrameType.RESULT, metadata, payload)
    fields = hot.single_result(metadata)
    assert fields is not None
    assert (fields[1:5], m.Return(*fields[8:])) == ((task, attempt, status, duration), entry)


def test_a_result_of_unknown_status_is_left_to_the_codec() -> None:
    assert hot.single_result(m.Result(b"x" * 16, status=4, returns=(m.Return(2, 5, 1, 0, 0, 8, 0),)).encode()) is None


@given(st.lists(st.builds(m.Return, *[st.integers(0, 9)] * 7), max_size=3), st.booleans())
def test_other_results_are_left_to_the_codec(returns: list[m.Return], keeps: bool) -> None:
    kept = (m.ObjectRef(b"k" * 20, 0, 1, 2),) if keeps else ()
    fields = hot.single_result(m.Result(b"x" * 16, returns=tuple(returns), kept=kept).encode())
    assert (fields is not None) == (len(returns) == 1 and not keeps)


@given(
    IDS, IDS, IDS, U64, U64, U64, U32, U32, U32, I32, I32, I32, U32, st.text(max_size=20),
    st.one_of(st.none(), st.tuples(*[st.integers(0, 9)] * 7)), st.binary(max_size=20),
)  # fmt: skip
def test_a_task_shape_writes_the_codecs_frame(
    task: bytes, function: bytes, actor: bytes, owner: int, home: int, sequence: int, flags: int, attempt: int,
    epoch: int, num_returns: int, max_retries: int, priority: int, submitted: int, method: str,
    arg: tuple[int, ...] | None, body: bytes,
) -> None:  # fmt: skip
    args = () if arg is None else (m.Arg(*arg, bytes(20), 0, 0, 0),)
    body = b"" if arg is None else padded(body)
    message = m.Task(
        task, function, actor, owner, home, sequence, flags, attempt, epoch, num_returns, max_retries, priority, 0, 1,
        args, method, submitted_ns=submitted,
    )  # fmt: skip
    shape = hot.TaskShape(message)
    fields = (task, actor, owner, home, sequence, flags, attempt, epoch, submitted)
    made = shape.frame(*fields, arg, body)  # type: ignore[arg-type]
    assert made == frame(m.FrameType.TASK, message.encode(), body)
    ((_, metadata, _),) = FrameParser(handshake_done=True).feed(made)
    assert hot.single_task(metadata) == message


@given(st.lists(st.builds(m.Arg, *[st.integers(0, 9)] * 7, st.just(b"r" * 20), *[st.integers(0, 9)] * 3), min_size=1))
def test_a_task_shape_writes_any_number_of_arguments(args: list[m.Arg]) -> None:
    message = m.Task(b"t" * 16, b"f" * 16, b"a" * 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, tuple(args), "add", "sum")
    message.submitted_ns = 7
    shape = hot.TaskShape(message)
    made = shape.frame_of_many(b"t" * 16, b"a" * 16, 1, 2, 3, 4, 5, 6, 7, args, b"body" * 2)
    assert made == frame(m.FrameType.TASK, message.encode(), b"body" * 2)


def test_tasks_with_other_strings_or_more_arguments_are_left_to_the_codec() -> None:
    arg = m.Arg(1, 1, 1, 0, 0, 0, 0, bytes(20), 0, 0, 0)
    assert hot.single_task(m.Task(b"x" * 16, name="n").encode()) is None
    assert hot.single_task(m.Task(b"x" * 16, trace_context="t").encode()) is None
    assert hot.single_task(m.Task(b"x" * 16, args=(arg, arg)).encode()) is None
    assert hot.single_task(b"") is None


def test_a_method_outside_of_its_bytes_is_left_to_the_codec() -> None:
    whole = m.Task(b"x" * 16, method="hello").encode()
    assert hot.single_task(whole) is not None
    assert hot.single_task(whole[:-16]) is None
    place = whole.index((5).to_bytes(4, "little") + b"hello")
    assert hot.single_task(whole[:place] + b"\xff\xff\xff\x7f" + whole[place + 4 :]) is None
    assert hot.single_task(whole.replace(b"hello", b"\xff" * 5)) is None


@given(
    st.lists(st.builds(m.TaskEvent, IDS, IDS, *[st.integers(0, 200)] * 8), max_size=5),
    st.lists(st.text(max_size=20), max_size=3),
    st.lists(st.builds(m.TaskFailure, U32, st.integers(0, 30), st.text(max_size=9), st.text(max_size=9)), max_size=3),
    st.lists(st.builds(m.TaskSpan, IDS, *[st.integers(0, 200)] * 7), max_size=3),
)
def test_task_events_are_the_codecs_bytes(
    events: list[m.TaskEvent], labels: list[str], failures: list[m.TaskFailure], spans: list[m.TaskSpan]
) -> None:
    raw = b"".join(m.TASK_EVENT.pack(*event) for event in events)
    rest = (tuple(labels), tuple(failures), tuple(spans))
    assert hot.task_events_metadata(raw, *rest) == m.TaskEvents(tuple(events), *rest).encode()


@given(st.integers(0, 7), st.integers(1, 255))
def test_what_is_not_zero_where_empty_fields_point_is_left_to_the_codec(at: int, value: int) -> None:
    entry = m.Return(2, 5, 1, 0, 0, 8, 0)
    result = bytearray(m.Result(b"x" * 16, returns=(entry,)).encode())
    result[hot._RESULT_SIZE - 4 - m.RETURN.size - 12 + at] = value
    assert hot.single_result(bytes(result)) is None
    task = bytearray(m.Task(b"x" * 16).encode())
    task[hot._TASK_SIZE - 8 + at] = value
    assert hot.single_task(bytes(task)) is None
