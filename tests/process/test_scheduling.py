"""Tasks run where there is room, whatever they were queued behind."""

from __future__ import annotations

from pathlib import Path

import bowstring as bow
from tests.process.waiting import wait_until


@bow.remote
def quick() -> str:
    return "quick"


@bow.remote
def wait_for_file(path: str) -> str:
    wait_until(Path(path).exists, 30, path)
    return "seen"


@bow.remote
def make_file(path: str) -> None:
    Path(path).touch()


def warm_up_one_worker() -> None:
    """Calls in turn, until their one worker is known to be quick and is sent several tasks at a time."""
    for _ in range(200):
        bow.get(quick.remote())


def test_a_task_that_was_sent_behind_a_long_one_goes_to_another_worker(tmp_path: Path) -> None:
    with bow.init(num_cpus=2):
        for number in range(5):
            warm_up_one_worker()
            path = str(tmp_path / str(number))
            long = wait_for_file.remote(path)
            assert bow.get([quick.remote() for _ in range(20)], timeout=10) == ["quick"] * 20
            Path(path).touch()
            assert bow.get(long, timeout=10) == "seen"


def test_a_task_may_wait_for_what_one_behind_it_does(tmp_path: Path) -> None:
    with bow.init(num_cpus=2):
        for number in range(5):
            warm_up_one_worker()
            path = str(tmp_path / str(number))
            waiting, _ = wait_for_file.remote(path), make_file.remote(path)
            assert bow.get(waiting, timeout=10) == "seen"
