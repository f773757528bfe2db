"""Random programs that hand references around: in puts, arguments, results, actors' state.

Through several processes and back, pending or not, from several threads at once; a model says what each handle must
read as. At the end every handle is read, all are dropped, and the node must know of no object, pin or byte in use.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bowstring as bow
from bowstring._session import query_state
from bowstring_wire.messages import StateKind
from tests.process.python.handing import (
    Keeper,
    fail_with,
    hand_down,
    leaf,
    make,
    number_of,
    pass_on,
    promise_down,
    promise_inside,
    put_inside,
    sum_of,
    wait_nothing_is_left,
)


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=3, object_store_memory=512 << 20) as session:
        yield session


pytestmark = pytest.mark.usefixtures("runtime")


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
