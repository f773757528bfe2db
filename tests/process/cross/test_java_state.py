"""What JVM workers tell of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

import bowstring as bow
from bowstring.util import state
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


def test_a_java_task_is_seen_while_it_runs_and_when_it_is_over(tmp_path: Path) -> None:
    go = tmp_path / "go"
    ref = bow.java_function("cross.Sleeper", "waitFor").remote(str(go))
    task = ref.hex()[:32]
    wait_until(lambda: state.tasks(f"task={task}", "state=RUNNING").num_rows, 60)
    (row,) = state.tasks(f"task={task}").to_pylist()
    assert (row["name"], row["language"]) == ("Sleeper.waitFor", "JAVA")
    where = ("stack", "~", "cross.Sleeper.waitFor(Sleeper.java")
    wait_until(lambda: state.stacks(f"task={task}", where).num_rows, 60)
    stacks = state.stacks(f"pid={row['pid']}").to_pylist()
    assert {each["language"] for each in stacks} == {"JAVA"}
    assert {"bowstring-io", "bowstring-task"} & {each["thread"] for each in stacks}
    assert f"process {row['pid']}" in str(bow.why(ref))
    go.touch()
    assert bow.get(ref, timeout=60) == 1
    wait_until(lambda: state.tasks(f"task={task}", "state=FINISHED").num_rows, 60)
    (row,) = state.tasks(f"task={task}").to_pylist()
    assert row["name"] == "Sleeper.waitFor"
    assert row["submitted_ns"] > 0


def test_a_java_failure_is_told_by_its_class() -> None:
    ref = bow.java_function("cross.Sleeper", "waitFor").remote("\0")
    with pytest.raises(bow.TaskError):
        bow.get(ref, timeout=60)
    rows = f"task={ref.hex()[:32]}"
    wait_until(lambda: state.tasks(rows, "state=FAILED").num_rows, 60)
    (row,) = state.tasks(rows).to_pylist()
    assert (row["error"], row["error_type"]) == ("TASK", "java.nio.file.InvalidPathException")
