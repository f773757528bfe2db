"""Why something is not there: the walk over what waits for what."""

from __future__ import annotations

from typing import Any

from bowstring_core.machine.blockers import CHILDREN_MAX, Explanation, Facts, seconds

NOW_NS = 100_000_000_000


def task(number: int, state: str, **fields: Any) -> dict[str, Any]:
    return {
        "task": f"{number:032x}", "name": f"t{number}", "state": state, "language": "PYTHON", "actor": "", "worker": "",
        "pid": 0, "submitted_ns": NOW_NS - 2_000_000_000, "start_ns": NOW_NS - 1_000_000_000, "waits_for": [],
        "resources": {"CPU": 1.0}, **fields,
    }  # fmt: skip


def result_of(number: int) -> str:
    return f"{number:032x}" + "00000000"


def facts(*tasks: dict[str, Any], **known: Any) -> Facts:
    rows = {row["task"]: row for row in tasks}
    running = [row for row in tasks if row["state"] in ("RUNNING", "BLOCKED")]
    return Facts(rows.get, lambda _task: None, lambda _object: "", running, now_ns=NOW_NS, **known)


def told(known: Facts, number: int) -> list[tuple[int, str, str]]:
    return [(row["depth"], row["name"], row["reason"]) for row in Explanation(known).of_task(f"{number:032x}")]


def texts(known: Facts, number: int) -> list[str]:
    return [row["text"] for row in Explanation(known).of_task(f"{number:032x}")]


def test_arguments_are_followed_to_the_task_that_runs() -> None:
    known = facts(
        task(1, "PENDING_ARGUMENTS", waits_for=[result_of(2)]),
        task(2, "PENDING_ARGUMENTS", waits_for=[result_of(3)]),
        task(3, "RUNNING", pid=7),
    )
    assert told(known, 1) == [(0, "t1", "PENDING_ARGUMENTS"), (1, "t2", "PENDING_ARGUMENTS"), (2, "t3", "RUNNING")]
    assert texts(known, 1)[0] == "has waited 2.0 s for 1 argument that is not there"
    assert "process 7 since 1.0 s" in texts(known, 1)[2]


def test_a_circle_is_said_to_be_one() -> None:
    known = facts(task(1, "BLOCKED", waits_for=[result_of(2)]), task(2, "BLOCKED", waits_for=[result_of(1)]))
    assert [row[0] for row in told(known, 1)] == [0, 1, 2]
    assert "never ends" in texts(known, 1)[2]


def test_what_two_wait_for_is_explained_to_both() -> None:
    known = facts(
        task(1, "PENDING_ARGUMENTS", waits_for=[result_of(2), result_of(3)]),
        task(2, "PENDING_ARGUMENTS", waits_for=[result_of(4)]),
        task(3, "PENDING_ARGUMENTS", waits_for=[result_of(4)]),
        task(4, "RUNNING"),
    )
    assert [name for _, name, _ in told(known, 1)] == ["t1", "t2", "t4", "t3", "t4"]


def test_many_arguments_are_told_up_to_a_number() -> None:
    many = CHILDREN_MAX + 5
    known = facts(
        task(1, "PENDING_ARGUMENTS", waits_for=[result_of(n) for n in range(2, 2 + many)]),
        *(task(n, "RUNNING") for n in range(2, 2 + many)),
    )
    assert len(told(known, 1)) == 1 + CHILDREN_MAX + 1
    assert texts(known, 1)[-1] == "and 5 other objects"


def test_missing_resources_name_who_holds_them_and_what_that_runs() -> None:
    holders = [
        {"who": "worker process 7", "process": "w7", "resources": {"CPU": 1.0}, "blocked": False},
        {"who": "worker process 8", "process": "w8", "resources": {"CPU": 1.0}, "blocked": True},
        {"who": "worker process 9", "process": "w9", "resources": {"disk": 1.0}, "blocked": False},
    ]
    known = facts(
        task(1, "PENDING_LEASE"),
        task(2, "RUNNING", worker="w7"),
        totals={"CPU": 1.0},
        free={"CPU": 0.0},
        holders=holders,
    )
    assert texts(known, 1) == [
        "has waited 2.0 s for CPU 1 (0 of 1 free)",
        "CPU 1 is held by worker process 7; it runs t2",
    ]


def test_free_resources_leave_the_start_of_a_worker() -> None:
    known = facts(task(1, "PENDING_LEASE"), totals={"CPU": 4.0}, free={"CPU": 4.0}, starting={"PYTHON": 2})
    assert told(known, 1) == [(0, "t1", "WORKER_START")]
    assert "2 Python workers are starting" in texts(known, 1)[0]
    known = facts(task(1, "PENDING_LEASE"), totals={"CPU": 4.0}, free={"CPU": 1.0}, kept={"CPU"})
    assert "CPU: what is free is kept for who has waited longest" in texts(known, 1)[0]


def test_who_waits_for_a_placement_group_or_an_environment_is_told_so() -> None:
    held_up = {
        ("me", frozenset({("CPU", 1.0)})): ("NO_RESOURCES", "placement group ab"),
        ("aa", frozenset[tuple[str, float]]()): ("WORKER_START", "its runtime environment"),
    }
    actor = {"actor": "aa", "class": "Counter", "language": "PYTHON", "pid": 0, "reason": "", "life": "PENDING"}
    known = facts(
        task(1, "PENDING_LEASE", owner="me"),
        task(2, "PENDING_LEASE", owner="you"),
        task(3, "PENDING_ACTOR", actor="aa"),
        totals={"CPU": 4.0},
        free={"CPU": 4.0},
        actors={"aa": actor},
        held_up=held_up,
    )
    assert texts(known, 1) == ["has waited 2.0 s for placement group ab"]
    assert told(known, 2) == [(0, "t2", "WORKER_START")]
    assert texts(known, 3)[1] == "waits for its runtime environment"


def test_actors_are_explained_by_their_lives() -> None:
    actor = {"actor": "aa", "class": "Counter", "language": "PYTHON", "pid": 0, "reason": ""}
    call = task(1, "PENDING_ACTOR", actor="aa")

    def of(life: str, **fields: Any) -> list[tuple[int, str, str]]:
        rows = {"aa": {**actor, "life": life, **fields}}
        demands = {"aa": {"GPU": 1.0}} if fields.get("waits") else {}
        return told(facts(call, actors=rows, actor_demands=demands, totals={"GPU": 1.0}, free={"GPU": 0.0}), 1)[1:]

    assert of("RESTARTING", reason="killed") == [(1, "Counter", "ACTOR_RESTARTING")]
    assert of("PENDING", pid=9) == [(1, "Counter", "ACTOR_PENDING")]
    assert of("PENDING", waits=True) == [(1, "Counter", "NO_RESOURCES")]
    assert of("DEAD") == [(1, "Counter", "FAILED")]
    assert told(facts(call), 1)[1] == (1, "", "ACTOR_PENDING")


def test_a_queued_call_names_the_one_before_it() -> None:
    known = facts(task(1, "QUEUED", worker="w"), task(2, "RUNNING", worker="w", pid=7))
    assert told(known, 1) == [(0, "t1", "QUEUED"), (1, "t2", "RUNNING")]
    assert "behind t2" in texts(known, 1)[0]
    assert told(facts(task(1, "SENT", worker="w")), 1) == [(0, "t1", "QUEUED")]


def test_what_is_over_is_told_from_the_log() -> None:
    past = {"name": "t1", "start_ns": 0, "end_ns": 5_000_000, "error": "TASK", "error_type": "KeyError"}
    for state, said in (("FINISHED", "is done; it took 5 ms"), ("FAILED", "failed after 5 ms: KeyError: 'x'")):
        known = facts()
        known.over = lambda _task, state=state: {**past, "state": state, "error_message": "'x'"}  # type: ignore[misc]
        assert told(known, 1) == [(0, "t1", state)]
        assert texts(known, 1) == [said]
    assert told(facts(), 1) == [(0, "", "UNKNOWN")]


def test_objects_are_explained_by_where_they_are() -> None:
    put = f"{1:032x}" + "00000040"

    def reason(state: str, object_id: str = put) -> str:
        known = facts(task(1, "RUNNING"))
        known.objects = lambda _object: state
        return str(next(iter(Explanation(known).of_object(object_id)))["reason"])

    assert [reason(state) for state in ("inline", "stored", "spilled", "failed", "")] == [
        "READY", "READY", "RESTORING", "FAILED", "UNKNOWN",
    ]  # fmt: skip
    assert reason("pending", result_of(1)) == "RUNNING"


def test_durations_are_in_units_that_people_read() -> None:
    took = (5_000_000, 1_500_000_000, 600_000_000_000, 36_000_000_000_000)
    assert [seconds(0, each) for each in took] == ["5 ms", "1.5 s", "10 min", "10.0 h"]
