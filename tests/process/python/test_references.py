"""References are counted exactly: a value can be read while one handle on it exists anywhere, and goes with the last.

Random programs that hand them around are in test_reference_programs.py.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import bowstring as bow
from bowstring._runtime import current_runtime
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.python.handing import (
    GONE_WITHIN_S,
    Keeper,
    die_with,
    leaf,
    make,
    number_of,
    pass_on,
    promise_down,
    put_inside,
    sum_of,
    wait_nothing_is_left,
)
from tests.process.waiting import wait_until


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=3, object_store_memory=512 << 20) as session:
        yield session


pytestmark = pytest.mark.usefixtures("runtime")


@pytest.fixture(autouse=True)
def leaves_no_object() -> Iterator[None]:
    yield
    wait_nothing_is_left()


def object_rows() -> dict[str, dict[str, Any]]:
    return {row["object"]: row for row in query_state(StateKind.OBJECTS)}


@bow.remote
class Glancer:
    def glance(self, refs: list[Any]) -> int:
        """Ask for a value that is not there yet, and go without it."""
        ready, _ = bow.wait(refs, timeout=0)
        return len(ready)


def test_what_was_asked_for_and_forgotten_leaves_no_pin(runtime: bow.Session) -> None:
    glancer = Glancer.remote()
    pending = make.remote(1, True, 0.2)
    assert bow.get(glancer.glance.remote([pending]), timeout=30) == 0
    assert number_of(bow.get(pending, timeout=30)) == 1
    bow.get(glancer.glance.remote([bow.put(1)]), timeout=30)
    del pending
    wait_nothing_is_left()  # while the actor lives


def test_a_view_keeps_its_memory_after_the_last_handle_and_no_longer() -> None:
    view = bow.get(bow.put(leaf(7, True)))[100:]
    again = [bow.put(leaf(i, True)) for i in range(20)]
    assert (view == 7).all()
    assert bow.get(sum_of.remote(again)) == sum(range(20))
    del again
    gc.collect()
    wait_until(lambda: not object_rows(), GONE_WITHIN_S, "the objects are gone")
    assert query_state(StateKind.STORE)[0]["pins"] == 1
    assert (view == 7).all()


def test_fire_and_forget_leaves_nothing() -> None:
    inner = [bow.put(leaf(1, True)), make.remote(2, True, 0.05)]
    for _ in range(50):
        pass_on.remote(inner)
        promise_down.remote(inner, 2)
        put_inside.remote(3, True)


def test_what_a_dead_worker_put_is_read_from_its_results() -> None:
    keeper = Keeper.remote()

    @bow.remote
    class Maker:
        def make(self) -> tuple[int, list[Any]]:
            return os.getpid(), [bow.put(leaf(5, True)), bow.put("leaf 6"), [bow.put(leaf(7, False))]]

    maker = Maker.remote()
    result = maker.make.remote()
    pid, (large, small, (nested,)) = bow.get(result)
    bow.get(keeper.keep.remote(1, [large, small]))
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(row["pid"] != pid for row in query_state(StateKind.WORKERS)), 10, "the worker is gone")
    assert [number_of(bow.get(ref, timeout=10)) for ref in (large, small, nested)] == [5, 6, 7]
    del large, small, nested, result
    assert bow.get(keeper.sum.remote(1), timeout=10) == 11


@pytest.mark.parametrize("large", [False, True])
def test_a_worker_killed_while_it_holds_references_and_pins_gives_them_up(large: bool) -> None:
    refs = [bow.put(leaf(i, large)) for i in range(5)]
    refs += [make.remote(i, large) for i in range(5)]
    for _ in range(3):
        with pytest.raises(bow.WorkerCrashedError):
            bow.get(die_with.remote(refs), timeout=30)
    assert [number_of(value) for value in bow.get(refs, timeout=30)] == [*range(5), *range(5)]
    held = [ref.hex() for ref in refs]
    wait_until(lambda: all(object_rows()[ref]["holders"] <= 1 for ref in held), GONE_WITHIN_S, "nobody else holds them")


def test_what_a_killed_owner_left_pending_fails_and_goes() -> None:
    keeper = Keeper.remote()

    @bow.remote(max_retries=0)
    def promise_and_die(keeper: Any) -> None:
        refs = [make.remote(1, True, 30), pass_on.remote(make.remote(2, False, 30))]
        bow.get(keeper.keep.remote(1, refs))
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(bow.WorkerCrashedError):
        bow.get(promise_and_die.remote(keeper), timeout=30)
    for ref in bow.get(keeper.give.remote(1), timeout=10):
        with pytest.raises(bow.BowstringError):
            bow.get(ref, timeout=20)


def test_a_restarted_actor_finds_its_arguments_and_the_old_state_is_given_up() -> None:
    inside = bow.put(leaf(3, True))
    keeper = Keeper.options(max_restarts=2).remote([inside])
    other = bow.put(leaf(4, True))
    bow.get(keeper.keep.remote(1, [other]), timeout=30)
    other_id, inside_id = other.hex(), inside.hex()
    del other, inside
    assert bow.get(keeper.sum.remote(1), timeout=30) == 4
    bow.kill(keeper, no_restart=False)
    assert bow.get(keeper.sum.remote(0), timeout=30) == 3
    wait_until(lambda: other_id not in object_rows(), GONE_WITHIN_S, "the first incarnation's state is gone")
    assert inside_id in object_rows()
    os.kill(bow.get(keeper.pid.remote()), signal.SIGKILL)
    assert bow.get(keeper.sum.options(max_task_retries=-1).remote(0), timeout=30) == 3


def test_what_a_function_captures_lives_while_its_job_does(runtime: bow.Session, tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, bowstring as bow, numpy as np\n"
        "from bowstring._session import query_state\n"
        "from bowstring_wire.messages import StateKind\n"
        "bow.init(sys.argv[1])\n"
        "captured = bow.put(np.full(40_000, 3.0))\n"
        "pending = bow.remote(lambda: 4).remote()\n"
        "f = bow.remote(lambda: (bow.get(captured).sum(), bow.get(pending)))\n"
        "assert bow.get(f.remote()) == (120_000.0, 4)\n"
        "del captured, pending\n"
        "assert bow.get(f.options(num_cpus=2).remote()) == (120_000.0, 4)\n"
        "assert len(query_state(StateKind.OBJECTS)) == 2\n"
        "print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, str(program), runtime.address], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_a_reference_in_an_exception_is_refused_with_its_reason() -> None:
    @bow.remote
    def raise_with(refs: list[Any]) -> None:
        raise ValueError(refs[0])

    with pytest.raises(bow.TaskError, match="ObjectRef"):
        bow.get(raise_with.remote([bow.put(leaf(1, True))]), timeout=30)


def test_cancelled_tasks_give_up_their_arguments() -> None:
    refs = [bow.put(leaf(1, True)), make.remote(2, True, 0.1)]
    waiting = [pass_on.remote(make.remote(i, True, 0.2)) for i in range(6)]
    tasks = [sum_of.remote(refs) for _ in range(20)]
    for ref in [*waiting, *tasks]:
        bow.cancel(ref)
    for ref in [*waiting, *tasks]:
        try:
            bow.get(ref, timeout=30)
        except bow.TaskCancelledError:
            pass
    del ref


@pytest.mark.parametrize("large", [False, True])
def test_threads_that_read_and_drop_the_same_references_at_once(large: bool) -> None:
    """One object has one ObjectRef in a process: it must not die under a thread that is just finding it."""
    refs = [bow.put(leaf(i, large)) for i in range(4)]
    outer = [bow.put(refs)]
    del refs
    errors: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(60):
                inner = bow.get(outer[0], timeout=30)
                assert [number_of(value) for value in bow.get(inner, timeout=30)] == [0, 1, 2, 3]
                del inner
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    if errors:
        raise errors[0]


def test_a_handle_that_dies_while_another_thread_finds_the_object_takes_nothing_with_it() -> None:
    """Whatever Python code runs at a handle's end: a thread that reads the object meanwhile has a handle of its own."""
    outer = [bow.put([bow.put(leaf(8, True)), leaf(0, True)])]  # in the store, where it holds the other
    found: list[bow.ObjectRef[Any]] = []

    def find(frame: Any, event: str, _arg: Any) -> None:
        if event == "call" and frame.f_code.co_name == "__del__" and not found:
            thread = threading.Thread(target=lambda: found.append(bow.get(outer[0], timeout=30)[0]))
            thread.start()
            thread.join()

    def drop() -> None:
        inner = bow.get(outer[0], timeout=30)[0]
        sys.settrace(find)
        del inner
        sys.settrace(None)

    dropping = threading.Thread(target=drop)
    dropping.start()
    dropping.join()
    found = found or bow.get(outer[0], timeout=30)[:1]
    outer.clear()
    query_state(StateKind.OBJECTS)  # the node has heard of every change
    assert number_of(bow.get(found[0], timeout=10)) == 8


def test_an_actor_with_overlapping_calls_keeps_what_callers_drop_at_once() -> None:
    keeper = Keeper.options(max_concurrency=8).remote()
    rounds = 150
    kept = [keeper.keep.remote(i, [bow.put(leaf(i, i % 10 == 0)), bow.put([bow.put("leaf 1")])]) for i in range(rounds)]
    bow.get(kept, timeout=30)
    assert bow.get([keeper.sum.remote(i) for i in range(rounds)], timeout=30) == [i + 1 for i in range(rounds)]


def test_a_process_forgets_actors_that_are_dead(runtime: bow.Session) -> None:
    clients = current_runtime().actors.by_actor
    keeper, dead = Keeper.remote(), Keeper.remote()
    for i in range(10):
        passing = Keeper.remote([bow.put(i)])
        bow.get([passing.pid.remote(), keeper.keep.remote(1, passing)])
        del passing
    bow.get([keeper.keep.remote(1, [dead]), dead.pid.remote()])
    bow.kill(dead)
    with pytest.raises(bow.ActorDiedError):
        bow.get(dead.pid.remote(), timeout=10)
    del dead
    (again,) = bow.get(keeper.give.remote(1), timeout=10)
    with pytest.raises(bow.ActorDiedError):
        bow.get(again.pid.remote(), timeout=10)
    wait_until(lambda: query_state(StateKind.ACTORS) is not None and len(clients) <= 1, GONE_WITHIN_S, "all but one")
