"""References are counted exactly: a value can be read while one handle on it exists anywhere, and goes with the last.

Random programs hand references around (in puts, arguments, results, actors' state, through several processes and back,
pending or not, from several threads at once); a model says what each handle must read as. At the end every handle is
read, all are dropped, and the node must know of no object, no pin and no byte in use.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import bowstring as bow
from bowstring._runtime import current_runtime
from bowstring._session import query_state
from bowstring._store import SLAB_BYTES
from bowstring_wire.messages import StateKind
from tests.process.waiting import wait_until

LARGE = 40_000  # float64 numbers of a value that lives in the store
GONE_WITHIN_S = 30.0  # bounds a failure only: what was fired and forgotten may still run on a busy machine


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=3, object_store_memory=512 << 20) as session:
        yield session


pytestmark = pytest.mark.usefixtures("runtime")


# What the programs run ------------------------------------------------------------------------------------------------


def leaf(number: int, large: bool) -> Any:
    return np.full(LARGE, number, dtype=np.float64) if large else f"leaf {number}"


def number_of(value: Any) -> int:
    if isinstance(value, np.ndarray):
        assert value.shape == (LARGE,)
        assert (value == value[0]).all()
        return int(value[0])
    return int(value.removeprefix("leaf "))


def total(value: Any) -> int:
    """The sum of all numbers below a value: leaves, or lists of references."""
    if isinstance(value, list):
        return sum(total(bow.get(ref, timeout=30)) for ref in value)
    return number_of(value)


@bow.remote
def make(number: int, large: bool, after_s: float = 0) -> Any:
    time.sleep(after_s)
    return leaf(number, large)


@bow.remote
def pass_on(value: Any) -> Any:
    return value


@bow.remote
def put_inside(number: int, large: bool) -> list[bow.ObjectRef[Any]]:
    return [bow.put(leaf(number, large))]


@bow.remote
def promise_inside(number: int, large: bool) -> list[bow.ObjectRef[Any]]:
    return [make.remote(number, large, 0.01)]


@bow.remote
def hand_down(refs: list[Any], depth: int) -> Any:
    """The same references, after a journey through `depth` more processes."""
    return bow.get(hand_down.remote(refs, depth - 1)) if depth else refs


@bow.remote
def promise_down(refs: list[Any], depth: int) -> list[Any]:
    """References to references whose value is not made yet when they leave."""
    return [promise_down.remote(refs, depth - 1)] if depth else refs


@bow.remote
def sum_of(refs: list[Any]) -> int:
    return total(refs)


@bow.remote
def fail_with(refs: list[Any]) -> None:
    kept = [refs, bow.get(refs[0])]
    raise ValueError(f"kept {len(kept)}")


@bow.remote(max_retries=0)
def die_with(refs: list[Any]) -> None:
    kept = [bow.get(ref) for ref in refs]
    assert kept
    os.kill(os.getpid(), signal.SIGKILL)


@bow.remote
class Keeper:
    def __init__(self, refs: list[Any] | None = None) -> None:
        self.kept: dict[int, Any] = {0: refs}

    def keep(self, key: int, refs: Any) -> None:
        self.kept[key] = refs

    def keep_and_fail(self, key: int, refs: Any) -> None:
        self.kept[key] = refs
        raise KeyError(key)

    def give(self, key: int) -> Any:
        return self.kept[key]

    def sum(self, key: int) -> int:
        return total(self.kept[key])

    def drop(self, key: int) -> None:
        del self.kept[key]

    def pid(self) -> int:
        return os.getpid()


# What must be left ----------------------------------------------------------------------------------------------------


def left_of_objects() -> list[str]:
    gc.collect()
    actors = {row["actor"] for row in query_state(StateKind.ACTORS) if row["life"] != "DEAD"}
    left = [str(row) for row in query_state(StateKind.OBJECTS) if row["object"][:32] not in actors]
    (store,) = query_state(StateKind.STORE)
    if store["objects"] or store["pins"] or store["in_use"] % SLAB_BYTES:
        left.append(str(store))
    return left


def wait_nothing_is_left() -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := left_of_objects():
        if time.monotonic() > deadline:
            unfinished = [str(row) for row in query_state(StateKind.TASKS) if row["end_ns"] == 0]
            holds = [str(row) for row in query_state(StateKind.HOLDS)]
            workers = [str(row) for row in query_state(StateKind.WORKERS)]
            lines = [*left, "tasks:", *unfinished, "holds:", *holds, "workers:", *workers]
            raise AssertionError("still there:\n  " + "\n  ".join(lines))


@pytest.fixture(autouse=True)
def leaves_no_object() -> Iterator[None]:
    yield
    wait_nothing_is_left()


def read(ref: bow.ObjectRef[Any], model: Any) -> None:
    """Get a value and compare it with what the model says: a number, or a list of models."""
    value = bow.get(ref, timeout=30)
    if isinstance(model, list):
        assert isinstance(value, list)
        assert len(value) == len(model)
        for inner, inner_model in zip(value, model, strict=True):
            read(inner, inner_model)
    else:
        assert number_of(value) == model


def sum_of_model(model: Any) -> int:
    return sum(map(sum_of_model, model)) if isinstance(model, list) else int(model)


class Program:
    """A random program of one thread: its handles with their models, and its share of an actor's state."""

    def __init__(self, seed: int, keeper: Any, first_key: int) -> None:
        self.random = random.Random(seed)
        self.keeper = keeper
        self.next_key = first_key
        self.held: list[tuple[bow.ObjectRef[Any], Any]] = []
        self.kept: dict[int, list[Any]] = {}
        self.sums: list[tuple[bow.ObjectRef[int], int]] = []
        self.failures: list[tuple[bow.ObjectRef[None], type[BaseException]]] = []
        self.number = 0

    def leaf(self) -> tuple[int, bool]:
        self.number += 1
        return self.number, self.random.random() < 0.4

    def some(self) -> tuple[list[Any], list[Any]]:
        """A few handles and their models."""
        chosen = self.random.sample(self.held, min(len(self.held), self.random.randint(1, 3)))
        if not chosen:
            self.put()
            chosen = [self.held[-1]]
        return [ref for ref, _ in chosen], [model for _, model in chosen]

    def put(self) -> None:
        number, large = self.leaf()
        self.held.append((bow.put(leaf(number, large)), number))

    def put_nested(self) -> None:
        refs, models = self.some()
        self.held.append((bow.put(refs), models))

    def make(self) -> None:
        number, large = self.leaf()
        self.held.append((make.remote(number, large, self.random.choice((0, 0, 0.005))), number))

    def make_inside(self) -> None:
        number, large = self.leaf()
        self.held.append((self.random.choice((put_inside, promise_inside)).remote(number, large), [number]))

    def pass_value(self) -> None:
        refs, models = self.some()
        self.held.append((pass_on.remote(refs[0]), models[0]))

    def pass_refs(self) -> None:
        refs, models = self.some()
        self.held.append((pass_on.remote(refs), models))

    def hand_down(self) -> None:
        refs, models = self.some()
        self.held.append((hand_down.remote(refs, self.random.randint(1, 3)), models))

    def promise_down(self) -> None:
        refs, models = self.some()
        depth = self.random.randint(1, 2)
        for _ in range(depth):
            models = [models]
        self.held.append((promise_down.remote(refs, depth), models))

    def unwrap(self) -> None:
        nested = [item for item in self.held if isinstance(item[1], list)]
        if nested:
            ref, models = self.random.choice(nested)
            self.held += zip(bow.get(ref, timeout=30), models, strict=True)

    def sum(self) -> None:
        refs, models = self.some()
        self.sums.append((sum_of.remote(refs), sum_of_model(models)))

    def fail(self) -> None:
        refs, _ = self.some()
        self.failures.append((fail_with.remote(refs), ValueError))

    def keep(self) -> None:
        refs, models = self.some()
        key, self.next_key = self.next_key, self.next_key + 1
        self.kept[key] = models
        if self.random.random() < 0.3:
            self.failures.append((self.keeper.keep_and_fail.remote(key, refs), KeyError))
        else:
            self.keeper.keep.remote(key, refs)

    def give(self) -> None:
        if self.kept:
            key = self.random.choice(list(self.kept))
            self.held.append((self.keeper.give.remote(key), self.kept[key]))

    def sum_kept(self) -> None:
        if self.kept:
            key = self.random.choice(list(self.kept))
            self.sums.append((self.keeper.sum.remote(key), sum_of_model(self.kept[key])))

    def drop_kept(self) -> None:
        if self.kept:
            key = self.random.choice(list(self.kept))
            del self.kept[key]
            self.keeper.drop.remote(key)

    def drop(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            if self.held:
                del self.held[self.random.randrange(len(self.held))]

    def look(self) -> None:
        if self.held:
            read(*self.random.choice(self.held))

    def glance(self) -> None:
        if self.held:
            bow.wait([self.random.choice(self.held)[0]], timeout=self.random.choice((0, 0.001)))

    def run(self, steps: int) -> None:
        actions: list[Callable[[], None]] = [
            self.put, self.put_nested, self.make, self.make_inside, self.pass_value, self.pass_refs, self.hand_down,
            self.promise_down, self.unwrap, self.sum, self.fail, self.keep, self.give, self.sum_kept, self.drop_kept,
            self.drop, self.drop, self.drop, self.drop, self.look, self.look, self.glance,
        ]  # fmt: skip
        for _ in range(steps):
            self.random.choice(actions)()

    def finish(self) -> None:
        """Read every handle, then drop them all."""
        for ref, model in self.held:
            read(ref, model)
        for sum_ref, expected in self.sums:
            assert bow.get(sum_ref, timeout=30) == expected
        for failure, kind in self.failures:
            with pytest.raises(kind):
                bow.get(failure, timeout=30)
        for key in self.kept:
            self.keeper.drop.remote(key)
        bow.get(self.keeper.pid.remote(), timeout=30)


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_read_what_they_hold_and_leave_nothing(seed: int) -> None:
    keeper = Keeper.remote()
    programs = [Program(seed * 10 + i, keeper, 1 + i * 1000) for i in range(3)]
    errors: list[BaseException] = []

    def run(program: Program) -> None:
        try:
            program.run(80)
            program.finish()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a program hangs"
    if errors:
        raise errors[0]


class UnluckyProgram(Program):
    """A program whose workers are killed: a value may be lost with its owner, with an error that says so."""

    def run(self, steps: int) -> None:
        for _ in range(steps):
            try:
                super().run(1)
            except bow.BowstringError:
                continue

    def finish(self) -> None:
        for ref, model in self.held:
            try:
                read(ref, model)
            except bow.GetTimeoutError:
                raise  # neither a value nor an error came
            except bow.BowstringError:
                continue
        self.keeper.keep.remote(0, None)
        for ref, _ in [*self.sums, *self.failures]:
            bow.wait([ref], timeout=30)


@pytest.mark.parametrize("seed", range(2))
def test_programs_whose_workers_are_killed_lose_values_but_hang_on_nothing_and_leave_nothing(seed: int) -> None:
    keepers = [Keeper.options(max_restarts=-1, max_task_retries=2).remote() for _ in range(2)]
    programs = [UnluckyProgram(1000 + seed * 10 + i, keepers[i], 1 + i * 1000) for i in range(2)]
    errors: list[BaseException] = []

    def run(program: Program) -> None:
        try:
            program.run(120)
            program.finish()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(program,)) for program in programs]
    for thread in threads:
        thread.start()
    chance = random.Random(seed)
    for _ in range(15):
        pids = [row["pid"] for row in query_state(StateKind.WORKERS) if row["pid"] and row["state"] != "idle"]
        if pids:
            with contextlib.suppress(ProcessLookupError):  # it may have ended since the query
                os.kill(chance.choice(pids), signal.SIGKILL)
        threads[0].join(0.1)
    for thread in threads:
        thread.join(90)
        assert not thread.is_alive(), "a program hangs"
    if errors:
        raise errors[0]
    bow.get([keeper.pid.remote() for keeper in keepers], timeout=30)


# One rule at a time ---------------------------------------------------------------------------------------------------


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
