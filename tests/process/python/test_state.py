"""What people can ask of a runtime: state tables, why(), stacks, the timeline."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import bowstring as bow
from bowstring import util
from bowstring.util import state
from tests.process import waiting


def wait_until(condition: Callable[[], object]) -> None:
    waiting.wait_until(condition, within_s=60)


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2, resources={"license": 1}) as session:
        yield session


@bow.remote
def add(a: int, b: int) -> int:
    return a + b


@bow.remote
def wait_for(path: str, *_needed: Any) -> str:
    wait_until(lambda: os.path.exists(path))
    return path


@bow.remote
def wait_inside(path: str) -> str:
    return bow.get(wait_for.remote(path))


@bow.remote
def fail(message: str) -> None:
    raise ValueError(message)


@bow.remote(num_cpus=0)
class Waiter:
    def wait_for(self, path: str) -> str:
        wait_until(lambda: os.path.exists(path))
        return path

    def pid(self) -> int:
        return os.getpid()


def task_of(ref: bow.ObjectRef[Any]) -> str:
    return ref.hex()[:32]


def rows_of(ref: bow.ObjectRef[Any]) -> list[dict[str, Any]]:
    return state.tasks(f"task={task_of(ref)}").to_pylist()


def is_in(ref: bow.ObjectRef[Any], *states: str) -> bool:
    return any(row["state"] in states for row in rows_of(ref))


# Tasks ----------------------------------------------------------------------------------------------------------------


def test_a_task_that_is_over_tells_when_where_and_how_it_ran() -> None:
    before = time.time_ns()
    refs = [add.options(name="sum").remote(i, 1) for i in range(3)]
    bow.get(refs)
    for ref in refs:
        (row,) = rows_of(ref)
        assert (row["name"], row["state"], row["attempt"], row["error"]) == ("sum", "FINISHED", 0, "")
        assert before <= row["submitted_ns"] <= row["start_ns"] <= row["end_ns"] <= time.time_ns()
        assert row["duration_ns"] == row["end_ns"] - row["start_ns"]
        assert row["pid"] in state.workers().column("pid").to_pylist()


def test_a_failure_is_told_by_type_and_message() -> None:
    ref = fail.remote("it is late")
    with pytest.raises(ValueError, match="it is late"):
        bow.get(ref)
    (row,) = rows_of(ref)
    assert (row["name"], row["state"]) == ("fail", "FAILED")
    assert (row["error"], row["error_type"], row["error_message"]) == ("TASK", "ValueError", "it is late")


def test_a_task_that_never_ran_is_told_by_its_caller() -> None:
    broken = add.remote(1, fail.remote("first"))
    impossible = add.options(resources={"license": 2}).remote(1, 2)
    for ref in (broken, impossible):
        with pytest.raises(bow.BowstringError):
            bow.get(ref)
    (row,) = rows_of(broken)
    assert (row["state"], row["worker"], row["error_message"]) == ("FAILED", "", "first")
    (row,) = rows_of(impossible)
    assert (row["state"], row["error"]) == ("FAILED", "TASK_UNSCHEDULABLE")


def test_tasks_are_seen_in_every_state_on_their_way(tmp_path: Path) -> None:
    go = str(tmp_path / "go")
    running = wait_for.options(resources={"license": 1}).remote(go)
    needs_it = wait_for.remote(go, running)
    needs_license = wait_for.options(resources={"license": 1}).remote(go)
    actor = Waiter.remote()
    first, second = actor.wait_for.remote(go), actor.wait_for.remote(go)
    wait_until(lambda: is_in(running, "RUNNING") and is_in(first, "RUNNING"))
    assert rows_of(needs_it)[0]["state"] == "PENDING_ARGUMENTS"
    assert rows_of(needs_it)[0]["waits_for"] == [running.hex()]
    assert rows_of(needs_license)[0]["state"] == "PENDING_LEASE"
    assert dict(rows_of(needs_license)[0]["resources"]) == {"CPU": 1.0, "license": 1.0}
    wait_until(lambda: is_in(second, "QUEUED"))
    assert rows_of(second)[0]["pid"] == rows_of(first)[0]["pid"]
    Path(go).touch()
    bow.get([running, needs_it, needs_license, first, second])
    assert all(is_in(ref, "FINISHED") for ref in (running, needs_it, needs_license, first, second))


def test_a_cancelled_task_is_told_as_such(tmp_path: Path) -> None:
    go = str(tmp_path / "go")
    running = wait_for.options(resources={"license": 1}).remote(go)
    waiting = wait_for.options(resources={"license": 1}).remote(go)
    wait_until(lambda: is_in(running, "RUNNING"))
    bow.cancel(waiting)
    bow.cancel(running)
    for ref in (running, waiting):
        with pytest.raises(bow.TaskCancelledError):
            bow.get(ref)
        assert [row["state"] for row in rows_of(ref)] == ["CANCELLED"]


@pytest.mark.rule("8.1/4", "8.1/5")
def test_there_is_no_cap_and_pages_come_one_by_one() -> None:
    refs = [add.options(name="many").remote(i, 1) for i in range(6_000)]
    bow.get(refs)
    table = state.tasks("name=many", "state=FINISHED")
    assert table.num_rows == 6_000
    assert set(table.column("task").to_pylist()) == {task_of(ref) for ref in refs}
    assert state.tasks("name=many", limit=10).num_rows == 10
    sizes = [batch.num_rows for batch in state.batches("tasks", "name=many")]
    assert sum(sizes) == 6_000
    assert len(sizes) > 1


@pytest.mark.rule("8.2/5")
def test_a_long_queue_is_told_in_parts(tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = wait_for.options(resources={"license": 1}).remote(str(go))
    refs = [add.options(name="queued", resources={"license": 1}).remote(i, 1) for i in range(12_000)]
    table = state.tasks("name=queued", "state=PENDING_LEASE")
    assert table.num_rows == len(set(table.column("task").to_pylist())) == 12_000
    assert bow.why(refs[-1]).reason == "NO_RESOURCES"
    for ref in refs:
        bow.cancel(ref)
    go.touch()
    bow.get(holder)
    assert state.tasks("name=queued", "state=CANCELLED").num_rows == 12_000


def test_a_nested_task_names_the_process_that_called_it(tmp_path: Path) -> None:
    go = tmp_path / "go"
    ref = wait_inside.remote(str(go))
    wait_until(lambda: is_in(ref, "BLOCKED"))
    (outer,) = rows_of(ref)
    inner = f"task={outer['waits_for'][0][:32]}"
    wait_until(lambda: state.tasks(inner, "state=RUNNING").num_rows)
    assert state.tasks(inner).to_pylist()[0]["owner"] == outer["worker"]
    go.touch()
    assert bow.get(ref) == str(go)


# Other tables ---------------------------------------------------------------------------------------------------------


def test_objects_and_their_holders_are_told() -> None:
    array = np.arange(100_000)
    ref = bow.put(array)
    (row,) = state.objects(f"object={ref.hex()}").to_pylist()
    assert row["state"] == "stored"
    assert row["size"] >= array.nbytes
    assert state.objects(("size", ">=", array.nbytes), f"object={ref.hex()}").num_rows == 1
    view = bow.get(ref)
    holds = {row["kind"]: row for row in state.holds(f"object={ref.hex()}").to_pylist()}
    assert holds["handle"]["pid"] == holds["pin"]["pid"] == os.getpid()
    del view
    (held,) = state.references(f"object={ref.hex()}").to_pylist()
    assert (held["pid"], held["kind"], held["state"]) == (os.getpid(), "put", "stored")


def test_actors_workers_jobs_and_resources_are_tables() -> None:
    actor = Waiter.options(name="known").remote()
    pid = bow.get(actor.pid.remote())
    (row,) = state.actors("name=known").to_pylist()
    assert (row["class"], row["life"], row["pid"], row["language"]) == ("Waiter", "ALIVE", pid, "PYTHON")
    (worker,) = state.workers(f"pid={pid}").to_pylist()
    assert (worker["state"], worker["actor"], worker["name"]) == ("actor", row["actor"], "Waiter")
    (job,) = state.jobs("alive=true").to_pylist()
    assert (job["pid"], job["language"]) == (os.getpid(), "PYTHON")
    assert {row["name"]: row["total"] for row in state.resources().to_pylist()}["license"] == 1
    assert state.nodes().column("pid").to_pylist() == [state.nodes().to_pylist()[0]["pid"]]
    assert state.store().num_rows == 1


def test_an_empty_table_has_the_columns_and_types_of_a_full_one() -> None:
    bow.get(add.remote(1, 1))
    empty, full = state.tasks("name=nobody"), state.tasks()
    assert empty.num_rows == 0
    assert empty.schema == full.schema
    assert empty.schema.field("start_ns").type == pa.int64()


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        (("weight=1",), "no field 'weight'"),
        (("pid=me",), "pid is a number, and 'me' is none"),
        (("pid",), "FIELD=VALUE is expected"),
        ((("pid", "like", 1),), "field, operator, value"),
    ],
)
def test_wrong_filters_are_refused_by_name(filters: tuple[Any, ...], said: str) -> None:
    with pytest.raises(bow.InvalidArgumentError, match=said):
        state.workers(*filters)
    with pytest.raises(bow.InvalidArgumentError, match="limit"):
        state.workers(limit=0)
    with pytest.raises(bow.InvalidArgumentError, match="kind 'things'"):
        state.batches("things")


def test_state_is_reached_through_util() -> None:
    assert util.state is state


# Why ------------------------------------------------------------------------------------------------------------------


def test_why_names_the_arguments_the_resources_and_who_holds_them(tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = wait_for.options(name="holder", resources={"license": 1}).remote(str(go))
    waiting = wait_for.options(name="waiting", resources={"license": 1}).remote(str(go))
    needs = add.options(name="needs").remote(waiting, 1)
    wait_until(lambda: is_in(holder, "RUNNING"))
    told = bow.why(needs)
    assert [each.reason for each in told] == ["PENDING_ARGUMENTS", "NO_RESOURCES", "NO_RESOURCES"]
    assert [each.depth for each in told] == [0, 1, 2]
    assert [each.name for each in told[:2]] == ["needs", "waiting"]
    assert "license 1 (0 of 1 free)" in told[1].text
    assert "it runs holder" in told[2].text
    assert str(told).splitlines()[1].startswith("  waiting has waited")
    assert bow.why(holder).reason == "RUNNING"
    assert bow.why(task_of(needs)).reason == "PENDING_ARGUMENTS"
    bow.cancel(needs)
    go.touch()
    bow.get([holder, waiting])
    assert bow.why(holder).reason == "READY"
    assert bow.why(task_of(holder)).reason == "FINISHED"


def test_why_follows_a_blocked_task_into_what_it_waits_for(tmp_path: Path) -> None:
    go = tmp_path / "go"
    ref = wait_inside.remote(str(go))
    wait_until(lambda: [each.reason for each in bow.why(ref)] == ["BLOCKED", "RUNNING"])
    assert [each.name for each in bow.why(ref)] == ["wait_inside", "wait_for"]
    go.touch()
    bow.get(ref)


def test_why_names_the_actor_that_can_not_be_placed(tmp_path: Path) -> None:
    go = tmp_path / "go"
    holder = wait_for.options(name="holder", resources={"license": 1}).remote(str(go))
    wait_until(lambda: is_in(holder, "RUNNING"))
    actor = Waiter.options(resources={"license": 1}).remote()
    ref = actor.pid.remote()
    wait_until(lambda: [each.reason for each in bow.why(ref)][:2] == ["PENDING_ACTOR", "NO_RESOURCES"])
    assert "it runs holder" in str(bow.why(ref))
    go.touch()
    bow.get([holder, ref])


def test_why_says_behind_which_call_another_is_queued(tmp_path: Path) -> None:
    go = tmp_path / "go"
    actor = Waiter.remote()
    first, second = actor.wait_for.remote(str(go)), actor.pid.remote()
    wait_until(lambda: [each.reason for each in bow.why(second)] == ["QUEUED", "RUNNING"])
    assert "behind Waiter.wait_for" in bow.why(second)[0].text
    go.touch()
    bow.get([first, second])


def test_why_of_what_is_ready_failed_or_unknown() -> None:
    assert bow.why(bow.put(1)).reason == "READY"
    ref = fail.remote("no")
    with pytest.raises(ValueError, match="no"):
        bow.get(ref)
    assert bow.why(ref).reason == "FAILED"
    assert "ValueError: no" in bow.why(task_of(ref))[0].text
    assert bow.why("0" * 32).reason == "UNKNOWN"
    for wrong in (1, "x" * 7, "x" * 32):
        with pytest.raises(bow.InvalidArgumentError):
            bow.why(wrong)  # type: ignore[arg-type]


# Stacks ---------------------------------------------------------------------------------------------------------------


def test_a_busy_worker_shows_where_it_is(tmp_path: Path) -> None:
    go = tmp_path / "go"
    ref = wait_for.remote(str(go))
    wait_until(lambda: is_in(ref, "RUNNING"))
    mine = f"task={task_of(ref)}"
    found: list[dict[str, Any]] = []

    def is_seen() -> bool:
        found[:] = state.stacks(mine, ("stack", "~", ", in wait_for")).to_pylist()
        return bool(found)

    wait_until(is_seen)
    (row,) = found
    assert (row["role"], row["language"], row["thread"]) == ("worker", "PYTHON", "MainThread")
    assert ", in wait_for" in row["stack"].splitlines()[0]
    assert state.stacks(f"pid={os.getpid()}").num_rows
    go.touch()
    bow.get(ref)


@bow.remote
def hold_the_lock(path: str) -> None:
    import ctypes

    # A call through PyDLL keeps the interpreter's lock, as native code does that never lets go of it.
    reader, _writer = os.pipe()
    buffer = ctypes.create_string_buffer(1)
    open(path, "w").close()
    ctypes.PyDLL(None).read(reader, buffer, 1)


@pytest.mark.rule("8.2/6")
def test_a_worker_in_native_code_is_read_by_a_signal(tmp_path: Path) -> None:
    path = tmp_path / "begun"
    ref = hold_the_lock.options(max_retries=0).remote(str(path))
    wait_until(path.exists)
    found: list[dict[str, Any]] = []

    def is_read() -> bool:
        found[:] = state.stacks("role=worker", ("stack", "~", "in hold_the_lock")).to_pylist()
        return bool(found)

    wait_until(is_read)
    assert [row["task"] for row in found] == [""]
    assert "does not answer" in found[0]["thread"]
    os.kill(found[0]["pid"], signal.SIGKILL)
    with pytest.raises(bow.WorkerCrashedError):
        bow.get(ref)


# Timeline -------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("8.3/2")
def test_the_timeline_has_tasks_arrows_and_spans(tmp_path: Path) -> None:
    go = tmp_path / "go"
    ref = wait_inside.options(name="outer").remote(str(go))
    wait_until(lambda: is_in(ref, "BLOCKED"))
    go.touch()
    bow.get(ref)
    bow.put(np.zeros(4_000_000))
    task = task_of(ref)

    def complete() -> bool:
        names = {(event["name"], event["ph"]) for event in bow.timeline()}
        return {("outer", "X"), ("get", "X"), ("put", "X")} <= names

    wait_until(complete)
    events = bow.timeline()
    (span,) = [event for event in events if event["ph"] == "X" and event["cat"] == "task" and event["name"] == "outer"]
    assert span["args"]["task"] == task
    inside = [e for e in events if e.get("cat") == "object" and e["args"]["task"] == task and e["name"] == "get"]
    assert inside[0]["pid"] == span["pid"]
    assert span["ts"] <= inside[0]["ts"]
    assert inside[0]["ts"] + inside[0]["dur"] <= span["ts"] + span["dur"]
    arrow = {e["ph"]: e for e in events if e.get("cat") == "call" and e.get("id") == f"{task}.0"}
    assert arrow["s"]["pid"] == os.getpid()
    assert arrow["f"]["pid"] == span["pid"]
    assert arrow["s"]["ts"] <= arrow["f"]["ts"] == span["ts"]
    named = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert named[os.getpid()] == f"driver {os.getpid()}"
    file = tmp_path / "trace.json"
    bow.timeline(file)
    assert len(json.loads(file.read_text())["traceEvents"]) >= len(events)


def test_a_timeline_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        bow.timeline(tmp_path / "missing" / "trace.json")
    assert list(tmp_path.iterdir()) == []


def test_placement_groups_are_told_with_what_their_bundles_hold() -> None:
    held = util.placement_group([{"CPU": 1}, {"license": 0.5}], strategy="SPREAD", name="held")
    never = util.placement_group([{"license": 7}])
    try:
        bow.get(held.ready(), timeout=60)
        rows = {row["group"]: row for row in state.placement_groups().to_pylist()}
        row = rows[held.id.hex()]
        assert (row["name"], row["state"], row["strategy"], row["detached"]) == ("held", "PLACED", "SPREAD", False)
        assert row["bundles"] == [[("CPU", 1.0)], [("license", 0.5)]]
        assert rows[never.id.hex()]["state"] == "INFEASIBLE"
        assert "license" in rows[never.id.hex()]["reason"]
        assert state.placement_groups("state=INFEASIBLE").column("group").to_pylist() == [never.id.hex()]
    finally:
        for group in (held, never):
            util.remove_placement_group(group)
    wait_until(lambda: state.placement_groups().num_rows == 0)


def test_tasks_and_workers_say_in_which_environment_they_are(tmp_path: Path) -> None:
    own = wait_for.options(runtime_env={"env_vars": {"OF": "its own"}}, num_cpus=0)
    gate = tmp_path / "gate"
    running = own.remote(str(gate))
    waiting = own.options(resources={"license": 1}).remote(str(gate), wait_for.options(num_cpus=0).remote(str(gate)))
    plain = add.remote(1, 2)
    assert bow.get(plain, timeout=60) == 3

    def environment_of(ref: bow.ObjectRef[Any]) -> str:
        return str(state.tasks(f"task={ref.hex()[:32]}").column("environment")[0].as_py())

    wait_until(lambda: len(state.workers(("environment", "!=", ""), ("state", "!=", "starting"))) > 0)
    (key,) = set(state.workers(("environment", "!=", "")).column("environment").to_pylist())
    assert len(key) == 32
    assert (environment_of(running), environment_of(waiting), environment_of(plain)) == (key, key, "")
    gate.touch()
    assert bow.get([running, waiting], timeout=60) == [str(gate)] * 2
    wait_until(lambda: state.tasks(f"environment={key}", "state=FINISHED").num_rows == 2)
