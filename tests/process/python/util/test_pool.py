"""The look-alike of multiprocessing.Pool: results, errors, callbacks, lazy maps, the life of its processes."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bowstring as bow
from bowstring.util.multiprocessing import Pool

pytestmark = pytest.mark.usefixtures("runtime")
STATUS: list[str] = []


@pytest.fixture
def pool(runtime: bow.Session) -> Iterator[Pool]:
    with Pool(2) as made:
        yield made


def square(x: int) -> int:
    return x * x


def fail(x: int) -> None:
    raise KeyError(x)


def note(status: str) -> None:
    STATUS.append(status)


def noted(_x: int) -> tuple[int, list[str]]:
    return os.getpid(), STATUS


def refuse() -> None:
    raise OSError("no licence")


def hold(path: str) -> str:
    with open(path) as pipe:
        return pipe.read()


def test_calls_and_maps_give_what_the_standard_pool_gives(pool: Pool) -> None:
    assert pool.apply(pow, (2, 3)) == 8
    assert pool.apply(int, ("ff",), {"base": 16}) == 255
    assert pool.map(square, range(100)) == [x * x for x in range(100)]
    assert pool.map(square, range(10), chunksize=3) == [x * x for x in range(10)]
    assert pool.map(square, []) == []
    assert pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9]
    assert list(pool.imap(square, range(20), chunksize=3)) == [x * x for x in range(20)]
    assert sorted(pool.imap_unordered(square, range(20))) == [x * x for x in range(20)]
    assert pool.map_async(square, range(3)).get(timeout=60) == [0, 1, 4]
    assert pool.starmap_async(pow, [(2, 2)]).get() == [4]
    assert pool.map(lambda x: x + 1, [1]) == [2]


def test_errors_are_those_that_the_function_raised(pool: Pool) -> None:
    with pytest.raises(KeyError) as caught:
        pool.apply(fail, (3,))
    assert type(caught.value) is KeyError
    assert "in fail" in str(caught.value.__cause__)
    result = pool.map_async(fail, [1, 2])
    result.wait()
    assert result.ready()
    assert not result.successful()
    numbers = pool.imap(fail, [5])
    with pytest.raises(KeyError, match="5"):
        next(numbers)
    with pytest.raises(bow.SerializationError, match="lock"):
        pool.apply(len, (threading.Lock(),))
    assert pool.apply(abs, (-1,)) == 1


def test_results_can_be_waited_for_with_a_timeout(pool: Pool, tmp_path: Path) -> None:
    pipes = [str(tmp_path / name) for name in ("first", "second")]
    for pipe in pipes:
        os.mkfifo(pipe)
    result = pool.apply_async(hold, (pipes[0],))
    assert not result.ready()
    with pytest.raises(ValueError, match="not ready"):
        result.successful()
    with pytest.raises(multiprocessing.TimeoutError):
        result.get(timeout=0.01)
    lazy = pool.imap(hold, pipes[1:])
    with pytest.raises(multiprocessing.TimeoutError):
        lazy.next(timeout=0.01)
    for pipe in pipes:
        with open(pipe, "w") as end:
            end.write(Path(pipe).name)
    assert (result.get(), lazy.next()) == ("first", "second")


def test_callbacks_get_the_result_or_the_error(pool: Pool) -> None:
    got: list[Any] = []
    pool.apply_async(square, (3,), callback=got.append).wait()
    pool.map_async(square, [1, 2], callback=got.append).wait()
    pool.apply_async(fail, (4,), callback=got.append, error_callback=lambda error: got.append(type(error))).wait()
    assert got == [9, [1, 4], KeyError]


def test_lazy_maps_read_an_endless_input_only_a_little_ahead(pool: Pool) -> None:
    numbers = itertools.count()
    assert list(itertools.islice(pool.imap(square, numbers), 5)) == [0, 1, 4, 9, 16]
    assert next(numbers) < 50


def test_each_process_is_initialized_once_and_replaced_after_its_share(runtime: bow.Session) -> None:
    with Pool(1, initializer=note, initargs=("ready",), maxtasksperchild=2) as pool:
        answers = pool.map(noted, range(4), chunksize=1)
    assert [status for _, status in answers] == [["ready"]] * 4
    pids = [pid for pid, _ in answers]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_failing_initializer_fails_what_waits_instead_of_hanging(runtime: bow.Session) -> None:
    pool = Pool(1, initializer=refuse)
    with pytest.raises(bow.ActorDiedError, match="no licence"):
        pool.map(square, range(10), chunksize=1)
    with pytest.raises(bow.ActorDiedError, match="no licence"):
        pool.apply(square, (1,))
    pool.close()
    pool.join()


def test_a_process_that_dies_is_replaced(pool: Pool) -> None:
    with pytest.raises(bow.ActorDiedError):
        pool.apply(os._exit, (1,))
    with pytest.raises(bow.ActorDiedError):
        pool.apply(os._exit, (1,))
    assert pool.map(square, range(10)) == [x * x for x in range(10)]


def test_a_closed_pool_finishes_and_takes_no_more(runtime: bow.Session) -> None:
    pool = Pool(1)
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    result = pool.map_async(square, range(50), chunksize=1)
    pool.close()
    pool.join()
    assert result.ready()
    assert result.get() == [x * x for x in range(50)]
    with pytest.raises(ValueError, match="not running"):
        pool.apply(square, (1,))


def test_terminate_ends_what_runs(runtime: bow.Session) -> None:
    pool = Pool(1)
    running = pool.apply_async(time.sleep, (600,))
    waiting = pool.apply_async(square, (1,))
    pool.terminate()
    pool.join()
    for result in (running, waiting):
        with pytest.raises(bow.TaskCancelledError):
            result.get(timeout=60)


def test_wrong_arguments_are_named(pool: Pool) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Pool(0)
    with pytest.raises(ValueError, match="maxtasksperchild"):
        Pool(1, maxtasksperchild=0)
    with pytest.raises(TypeError, match="initializer"):
        Pool(1, initializer=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="Chunksize"):
        pool.map(square, [1], chunksize=-1)
    with pytest.raises(bow.InvalidArgumentError, match="max_concurrency"):
        Pool(1, actor_options={"max_concurrency": 2})
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(pool)
