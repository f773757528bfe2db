"""The task log, rows that are made of it, and the trace."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgpack
import pytest

from bowstring_core import limits
from bowstring_core.node.task_log import RawTaskEvents, TaskLog
from bowstring_core.node.task_rows import LiveTasks, find_past, past_rows, task_rows
from bowstring_core.node.trace import Trace
from bowstring_wire import messages as m
from bowstring_wire.protocol import ProtocolError

WORKER, OTHER, OWNER = 0xA, 0xB, 0xC
US = 1_000


def task_id(number: int) -> bytes:
    return b"\1\0\0\0" + number.to_bytes(12, "big")


def event(
    number: int, start_us: int = 0, took_us: int = 1, status: int = m.TaskStatus.OK, **fields: Any
) -> m.TaskEvent:
    known = {"attempt": 0, "label": 1, "owner": OWNER, "submitted_ns": start_us * US, **fields}
    return m.TaskEvent(
        task_id(number), b"f" * 16, start_us * US, took_us * US, known["attempt"], status, m.Language.PYTHON,
        known["label"], known["owner"], known["submitted_ns"],
    )  # fmt: skip


def frame(*events: m.TaskEvent, label: str = "work", **more: Any) -> bytes:
    return m.TaskEvents(tuple(events), (label,), **more).encode()


@pytest.fixture
def log(tmp_path: Path) -> TaskLog:
    return TaskLog(str(tmp_path))


def test_rows_come_newest_first_with_name_caller_and_failure(log: TaskLog) -> None:
    log.append(7, WORKER, frame(event(1), event(2, 5, 3), label="load"))
    failure = m.TaskFailure(0, m.ErrorCode.TASK, "KeyError", "'x'")
    log.append(8, OTHER, frame(event(3, status=m.TaskStatus.ERROR, label=0), failures=(failure,)))
    rows = list(past_rows(log))
    assert [row["task"] for row in rows] == [task_id(3).hex(), task_id(2).hex(), task_id(1).hex()]
    assert [row["name"] for row in rows] == ["", "load", "load"]
    assert (rows[0]["state"], rows[0]["error"], rows[0]["error_type"], rows[0]["error_message"]) == (
        "FAILED", "TASK", "KeyError", "'x'",
    )  # fmt: skip
    assert (rows[1]["pid"], rows[1]["start_ns"], rows[1]["end_ns"], rows[1]["job"]) == (7, 5 * US, 8 * US, 1)
    assert rows[1]["owner"] == f"{OWNER:016x}"
    log.close()


def test_what_its_caller_gave_up_ran_nowhere(log: TaskLog) -> None:
    log.append(7, OWNER, frame(event(1, status=m.TaskStatus.CANCELLED)))
    (row,) = past_rows(log)
    assert (row["state"], row["worker"], row["pid"]) == ("CANCELLED", "", 0)
    log.close()


def test_a_task_is_found_by_its_id_at_its_last_attempt(log: TaskLog) -> None:
    log.append(7, WORKER, frame(event(1, attempt=0), event(2)))
    log.append(7, WORKER, frame(event(1, attempt=1)))
    log.append(7, WORKER, frame(event(3)))
    found = find_past(log, task_id(1).hex())
    assert found is not None
    assert found["attempt"] == 1
    assert find_past(log, task_id(9).hex()) is None
    log.close()


def test_the_oldest_files_go_first_and_the_rest_stays_readable(
    log: TaskLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "TASK_FILE_BYTES", 2_000)
    monkeypatch.setattr(limits, "TASK_FILES_MAX", 3)
    for number in range(100):
        log.append(7, WORKER, frame(event(number)))
    assert len(list(tmp_path.iterdir())) == 3
    numbers = [int(row["task"][8:], 16) for row in past_rows(log)]
    assert numbers == list(range(99, 99 - len(numbers), -1))
    assert 10 < len(numbers) < 100
    log.close()


def test_a_frame_that_can_not_be_read_hides_no_other(log: TaskLog, tmp_path: Path) -> None:
    broken = bytearray(frame(event(1)))
    broken[-72 - 4 : -72] = b"\xff\xff\xff\x7f"  # a count that runs over the end
    RawTaskEvents.decode(bytes(broken))  # the vectors are not looked into when it comes
    log.append(7, WORKER, frame(event(2)))
    log.append(7, WORKER, bytes(broken))
    log.append(7, WORKER, frame(event(3)))
    log.close()
    (file,) = tmp_path.iterdir()
    with file.open("ab") as end:
        end.write(b"\1\2\3")  # a write that was cut
    assert {row["task"] for row in past_rows(log)} >= {task_id(2).hex(), task_id(3).hex()}


@pytest.mark.parametrize("data", [b"", b"\0" * 16, b"\x08\0\0\0XXXX" + b"\0" * 8, b"\xff\xff\xff\xffBWS1" + b"\0" * 8])
def test_what_is_no_table_is_a_protocol_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        RawTaskEvents.decode(data)


def test_what_is_under_way_comes_first_and_once(log: TaskLog) -> None:
    log.append(7, WORKER, frame(event(1), event(2)))
    caller, worker = SimpleNamespace(process=OWNER, pid=1), SimpleNamespace(process=WORKER, pid=7)
    two, three = task_id(2).hex(), task_id(3).hex()
    told: Any = [
        (worker, [{"place": "worker", "task": two, "state": "RUNNING", "start_ns": 5}]),
        (
            caller,
            [
                {
                    "place": "caller",
                    "task": two,
                    "name": "work",
                    "state": "SENT",
                    "resources": {"CPU": 1.0},
                    "worker": f"{WORKER:016x}",
                },
                {"place": "caller", "task": three, "state": "SENT", "worker": f"{WORKER:016x}"},
                {"place": "caller", "task": 5},
            ],
        ),
    ]
    live = LiveTasks([(peer, [msgpack.packb(rows), b"\x93\x01"]) for peer, rows in told], {f"{WORKER:016x}": 7})
    rows = [row for row in task_rows(live, log) if row is not None]
    assert [(row["task"], row["state"]) for row in rows] == [
        (two, "RUNNING"),
        (three, "SENT"),
        (task_id(1).hex(), "FINISHED"),
    ]
    assert (rows[0]["owner"], rows[0]["worker"], rows[0]["pid"]) == (f"{OWNER:016x}", f"{WORKER:016x}", 7)
    assert (rows[0]["name"], rows[0]["resources"]) == ("work", {"CPU": 1.0})
    assert rows[1]["pid"] == 7
    assert len([None for _ in live.index()]) > 0
    assert live.get(two) == rows[0]
    assert live.get(three) == rows[1]
    assert live.get(task_id(1).hex()) is None
    assert [row["task"] for row in live.running()] == [two]
    log.close()


def trace_of(log: TaskLog) -> list[dict[str, Any]]:
    pids = {WORKER: (7, "worker 7"), OWNER: (1, "driver 1")}
    events = Trace(log, LiveTasks([], {}), lambda process: pids.get(process, (0, "?")), 0).events()
    return [event for event in events if event is not None]


def test_calls_that_overlap_lie_in_lanes_of_their_own(log: TaskLog) -> None:
    log.append(7, WORKER, frame(event(1, 0, 10), event(2, 5, 10), event(3, 12, 8), event(4, 30, 5)))
    spans = [each for each in trace_of(log) if each.get("cat") == "task"]
    by_lane: dict[int, list[tuple[float, float]]] = {}
    for span in spans:
        by_lane.setdefault(span["tid"], []).append((span["ts"], span["ts"] + span["dur"]))
    assert len(by_lane) == 2
    for lane in by_lane.values():
        lane.sort()
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(lane))
    log.close()


def test_an_arrow_leads_from_the_call_to_the_run_and_spans_lie_with_their_task(log: TaskLog) -> None:
    span = m.TaskSpan(task_id(1), 4 * US, 2 * US, 100, m.SpanKind.GET, 0, 0, 3)
    log.append(7, WORKER, frame(event(1, 3, 5, submitted_ns=1 * US), spans=(span,)))
    events = {(each.get("cat", each["name"]), each["ph"]): each for each in trace_of(log)}
    begin, end = events["call", "s"], events["call", "f"]
    assert (begin["pid"], begin["ts"], end["pid"], end["ts"]) == (1, 1.0, 7, 3.0)
    assert begin["id"] == end["id"]
    inside = events["object", "X"]
    assert (inside["name"], inside["pid"], inside["tid"], inside["ts"], inside["dur"]) == ("get", 7, 0, 4.0, 2.0)
    assert inside["args"] == {"task": task_id(1).hex(), "bytes": 100, "references": 3}
    log.close()
