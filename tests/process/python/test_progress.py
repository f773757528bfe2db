"""Progress bars from tasks, shown by the driver."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import bowstring as bow
from bowstring import _progress_view
from bowstring.util import Progress, progress
from bowstring_wire import messages as m
from tests.process import waiting
from tests.process.hearing import hearing


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=2) as session:
        yield session


@bow.remote
def walk(count: int) -> int:
    return sum(Progress(range(count), description="walking", unit="steps"))


@bow.remote(max_retries=0)
def leave_open(path: str) -> None:
    Progress(description="left open", total=2).update()
    open(path, "w").close()
    signal.pause()


def test_the_bars_of_a_task_are_lines_of_the_driver_where_there_is_no_terminal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with hearing() as heard:
        assert bow.get(walk.remote(50)) == 1225
        waiting.wait_until(lambda: heard.bars and heard.bars[-1].endswith("over"), within_s=60)
    first, *_, last = capfd.readouterr().err.splitlines()
    assert first.startswith("(worker pid=")
    assert "walking: " in first
    assert last.endswith("walking: 50/50 steps (100 %), over")


@pytest.mark.rule("8.4/2")
def test_a_worker_that_ends_takes_its_bars_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[m.Progress] = []
    monkeypatch.setattr(bow._session.running_runtime(), "on_progress", told.append)
    path = tmp_path / "begun"
    ref = leave_open.remote(str(path))
    waiting.wait_until(lambda: path.exists() and told, within_s=60)
    assert (told[0].description, told[0].total, told[0].over) == ("left open", 2, False)
    os.kill(told[0].pid, signal.SIGKILL)
    with pytest.raises(bow.WorkerCrashedError):
        bow.get(ref)
    waiting.wait_until(lambda: told[-1].over, within_s=60)
    assert (told[-1].pid, told[-1].bar) == (told[0].pid, 0)


def test_the_drivers_own_bars_are_shown_too(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress(total=4, description="counting") as bar:
        bar.update(3)
        assert bar.done == 3
    assert capfd.readouterr().err.splitlines() == ["counting: 0/4 (0 %)", "counting: 3/4 (75 %), over"]
    bar.close()
    bar.update()
    assert capfd.readouterr().err == ""


@pytest.mark.rule("8.4/2")
def test_no_more_is_told_than_people_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(bow._session.running_runtime(), "on_progress", lambda said: told.append(said.done))
    now = [1000.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    for _ in Progress(range(10_000)):
        now[0] += 0.001
    assert 90 <= len(told) <= 110
    assert told[-1] == 10_000


def test_wrong_arguments_are_named() -> None:
    for name, value in {"total": -1, "description": 7, "unit": None}.items():
        with pytest.raises(bow.InvalidArgumentError, match=name):
            Progress(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(bow.InvalidArgumentError, match="count"):
        Progress().update(-1)
    with pytest.raises(bow.InvalidArgumentError, match="iterable"):
        iter(Progress()).__next__()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_output_goes_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = Terminal(), Terminal()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    monkeypatch.setenv("TERM", "xterm")
    view = _progress_view.ProgressView()
    view.show(m.Progress(7, "worker", 1, "loading", "files", 10, 4, False))
    print("a line in between")
    waiting.wait_until(lambda: "4/10" in err.getvalue())
    view.show(m.Progress(7, "worker", 1, "loading", "files", 10, 10, True))
    view.close()
    assert "(worker pid=7) loading" in err.getvalue()
    assert "a line in between" in err.getvalue()  # rich has drawn it above
    assert out.getvalue() == ""
