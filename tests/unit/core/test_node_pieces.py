"""Loop, sessions and arguments, without a node."""

import os
import time
import tomllib
from pathlib import Path

import pytest

import bowstring_core
from bowstring_core import limits
from bowstring_core.node import __main__ as program
from bowstring_core.node import loop as loops
from bowstring_core.node.logs import EndedLogs
from bowstring_core.node.sessions import Session, SessionError, session_root, sweep


@pytest.fixture
def loop():
    errors = []
    loop = loops.Loop(errors.append)
    yield loop
    loop.close()
    assert not errors


def test_timers_run_in_order_and_cancelled_ones_do_not(loop):
    ran = []
    now = time.monotonic()
    loop.call_at(now + 0.002, lambda: ran.append("second"))
    loop.call_at(now + 0.001, lambda: ran.append("first"))
    loop.call_at(now + 0.0015, lambda: ran.append("never")).cancel()
    loop.call_at(now + 0.003, loop.stop)
    loop.run()
    assert ran == ["first", "second"]


def test_idle_work_goes_on_between_events_until_it_is_done(loop):
    left = [3, 2, 1]

    def work():
        left.pop()
        if not left:
            loop.stop()
        return bool(left)

    loop.call_idle(work)
    loop.run()
    assert not left


def test_event_of_a_descriptor_closed_in_the_same_turn_is_dropped(loop):
    first, second = os.pipe(), os.pipe()
    heard = []

    def close_both(events):
        for pipe in (first, second):
            loop.unwatch(pipe[0])
            os.close(pipe[0])
        again = os.pipe()  # takes the numbers over
        loop.watch(again[0], loops.READ, lambda events: heard.append("stale"))
        loop.call_soon(lambda: (loop.unwatch(again[0]), os.close(again[0]), os.close(again[1]), loop.stop()))

    for pipe in (first, second):
        loop.watch(pipe[0], loops.READ, close_both)
        os.write(pipe[1], b"x")
    loop.run()
    for pipe in (first, second):
        os.close(pipe[1])
    assert not heard


def test_error_in_a_handler_is_told_and_the_loop_goes_on():
    errors = []
    loop = loops.Loop(errors.append)
    loop.call_soon(lambda: 1 / 0)
    loop.call_soon(loop.stop)
    loop.run()
    loop.close()
    assert isinstance(errors[0], ZeroDivisionError)


def test_session_folder_is_private_and_goes_away(short_path, monkeypatch):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    session = Session(session_root(), 7, "1")
    assert os.stat(session.path).st_mode & 0o777 == 0o700
    assert (len(session.token), os.stat(f"{session.path}/token").st_mode & 0o777) == (32, 0o600)
    session.remove()
    assert not os.path.exists(session.path)


def test_sweep_removes_what_is_not_locked_and_nothing_else(short_path, monkeypatch):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    root = session_root()
    alive = Session(root, 7, "1")
    for name in ("dead", ".old", ".new"):
        os.makedirs(f"{root}/{name}/logs")
        open(f"{root}/{name}/lock", "w").close()
    os.symlink("/etc", f"{root}/dead/link")
    os.utime(f"{root}/.old", (1, 1))
    sweep(root)
    assert sorted(os.listdir(root)) == [".new", os.path.basename(alive.path)]
    assert os.path.isdir("/etc")
    alive.remove()


def test_root_that_others_can_enter_is_refused(short_path, monkeypatch):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    root = short_path / f"bowstring-{os.getuid()}"
    root.mkdir()
    root.chmod(0o755)
    with pytest.raises(SessionError, match="only this user"):
        session_root()


def test_root_that_is_a_link_is_refused(short_path, monkeypatch):
    monkeypatch.setenv("BOWSTRING_TMP", str(short_path))
    (short_path / f"bowstring-{os.getuid()}").symlink_to("/tmp")
    with pytest.raises(SessionError, match="only this user"):
        session_root()


def test_root_that_is_too_long_for_sockets_is_refused(tmp_path, monkeypatch):
    folder = tmp_path / ("x" * 80)
    folder.mkdir()
    monkeypatch.setenv("BOWSTRING_TMP", str(folder))
    with pytest.raises(SessionError, match="too long"):
        session_root()


def test_arguments_in_both_forms():
    values = program._arguments(["--num-cpus", "1.5", "--namespace=a b", "--resources", '{"x": 1}'])
    assert values == {"--num-cpus": 1.5, "--namespace": "a b", "--resources": {"x": 1}}


@pytest.mark.parametrize("argv", [["--nope", "1"], ["--num-gpus"], ["--num-gpus", "a"], ["--resources", "{"]], ids=str)
def test_arguments_that_make_no_sense(argv):
    with pytest.raises(program.UsageError, match=argv[0]):
        program._arguments(argv)


def test_totals_are_in_ten_thousandths():
    totals = program._totals({"--num-cpus": 0.5, "--resources": {"disk": 2.5, "none": 0}}, 1000)
    assert totals == {"CPU": 5_000, "memory": 10_000_000, "disk": 25_000}


def test_version_is_that_of_the_package():
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert bowstring_core.__version__ == project["project"]["version"]


def test_logs_of_the_last_ended_workers_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LOGS_OF_ENDED_MAX", 2)
    ended = EndedLogs(str(tmp_path))
    for slot in (1, 2, 3):
        for suffix in ("out", "out.1", "err", "stacks"):
            (tmp_path / f"worker-{slot}.{suffix}").touch()
    (tmp_path / "worker-2.stacks").write_text("File ...")
    for slot in (1, 2, 3):
        ended.add(slot)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [
        "worker-2.err", "worker-2.out", "worker-2.out.1", "worker-2.stacks", "worker-3.err", "worker-3.out",
        "worker-3.out.1",
    ]  # fmt: skip
