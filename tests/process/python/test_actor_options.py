"""What the options of actors and their methods promise: groups, retries, restarts, names, and how actors end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest

import bowstring as bow
from tests.process.waiting import wait_until

pytestmark = pytest.mark.usefixtures("runtime")


@bow.remote(concurrency_groups={"io": 2, "compute": 1})
class Threaded:
    def __init__(self) -> None:
        self.opened = threading.Event()
        self.order: list[int] = []

    @bow.method(concurrency_group="io")
    def wait(self) -> str:
        return "open" if self.opened.wait(30) else "shut"

    @bow.method(concurrency_group="compute")
    def note(self, number: int) -> None:
        self.order.append(number)

    def noted(self) -> list[int]:
        return self.order

    def open(self) -> None:
        self.opened.set()


@bow.remote(concurrency_groups={"io": 2})
class Async:
    def __init__(self) -> None:
        self.opened = asyncio.Event()

    @bow.method(concurrency_group="io")
    async def wait(self) -> str:
        await self.opened.wait()
        return "open"

    async def hello(self) -> str:
        return "hello"

    async def open(self) -> None:
        self.opened.set()


@bow.remote
class Plain:
    def __init__(self) -> None:
        self.made_in = os.getpid()
        self.count = 0

    def pid(self) -> int:
        return os.getpid()

    def add(self) -> int:
        self.count += 1
        return self.count

    def crash(self, marker: str) -> int:
        return crash_until(marker, 2)

    @bow.method(max_task_retries=2)
    def crash_twice(self, marker: str) -> int:
        return crash_until(marker, 2)


def crash_until(marker: str, tries_max: int) -> int:
    path = Path(marker)
    tries = int(path.read_text()) if path.exists() else 0
    path.write_text(str(tries + 1))
    if tries < tries_max:
        os.kill(os.getpid(), signal.SIGKILL)
    return tries


# Concurrency groups ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Threaded, Async])
def test_a_full_group_holds_back_only_its_own_calls(kind: bow.ActorClass) -> None:
    actor = kind.remote()
    waiting = [actor.wait.remote() for _ in range(3)]
    if kind is Async:
        assert bow.get([actor.hello.remote() for _ in range(20)], timeout=30) == ["hello"] * 20
    else:
        bow.get([actor.note.remote(n) for n in range(20)], timeout=30)
        assert bow.get(actor.noted.remote(), timeout=30) == list(range(20))
    assert bow.wait(waiting, timeout=0)[0] == []
    bow.get(actor.open.remote(), timeout=30)
    assert bow.get(waiting, timeout=30) == ["open"] * 3


def test_calls_of_one_group_run_in_order() -> None:
    actor = Threaded.remote()
    bow.get([actor.note.remote(n) for n in range(300)])
    assert bow.get(actor.noted.remote()) == list(range(300))


def test_a_call_can_be_put_in_another_group() -> None:
    actor = Threaded.remote()
    blocked = [actor.wait.options(concurrency_group="compute").remote(), actor.note.remote(1)]
    assert bow.get(actor.noted.remote(), timeout=30) == []
    bow.get(actor.open.remote())
    bow.get(blocked, timeout=30)
    assert bow.get(actor.noted.remote()) == [1]


@pytest.mark.parametrize("kind", [Threaded, Async])
def test_an_unknown_group_is_refused_by_name(kind: bow.ActorClass) -> None:
    actor = kind.remote()
    with pytest.raises(bow.InvalidArgumentError, match=r"no concurrency group 'gpu'.*'io'"):
        bow.get(actor.open.options(concurrency_group="gpu").remote(), timeout=30)


def test_a_methods_group_must_be_one_of_the_class() -> None:
    class Lost:
        @bow.method(concurrency_group="nowhere")
        def hello(self) -> None: ...

    with pytest.raises(bow.InvalidArgumentError, match=r"Lost.hello is in the concurrency group 'nowhere'"):
        bow.remote(Lost).remote()


@pytest.mark.parametrize("groups", [{"io": 0}, {"": 1}, {"a=b": 1}, ["io"], {"io": True}])
def test_wrong_groups_are_refused(groups: object) -> None:
    with pytest.raises(bow.InvalidArgumentError, match="concurrency_groups"):
        Plain.options(concurrency_groups=groups)


# Async methods --------------------------------------------------------------------------------------------------------


@bow.remote
class Mixed:
    def __init__(self) -> None:
        self.loop = asyncio.get_event_loop()
        self.lock = asyncio.Lock()
        self.started = 0
        self.refs: list[object] = []

    async def same_loop_and_main_thread(self) -> bool:
        return asyncio.get_running_loop() is self.loop and threading.current_thread() is threading.main_thread()

    def plain(self) -> int:
        return 7

    async def blocking_get(self, ref: list[object]) -> int:
        return bow.get(ref[0])

    async def get_in_a_thread(self, ref: list[object]) -> int:
        return await asyncio.to_thread(bow.get, ref[0])

    async def submit_and_forget(self, other: object) -> None:
        self.refs.append(other.add.remote())

    async def sleep(self, seconds: float) -> float:
        self.started += 1
        await asyncio.sleep(seconds)
        return seconds

    async def count_started(self) -> int:
        return self.started

    async def leave_a_task_that(self, action: str) -> None:
        async def trouble() -> None:
            if action == "exits":
                raise SystemExit(1)
            self.loop.stop()

        self.trouble = self.loop.create_task(trouble())


@bow.remote
def slow_seven(marker: str) -> int:
    wait_until(lambda: Path(marker).exists(), 60)
    return 7


def test_async_methods_run_on_one_loop_in_the_main_thread() -> None:
    actor = Mixed.remote()
    assert bow.get(actor.same_loop_and_main_thread.remote())
    assert bow.get(actor.plain.remote()) == 7


@pytest.mark.parametrize("action", ["exits", "stops the loop"])
def test_an_async_actor_outlives_tasks_that_end_the_loop(action: str) -> None:
    actor = Mixed.remote()
    for _ in range(3):
        bow.get(actor.leave_a_task_that.remote(action), timeout=30)
        assert bow.get([actor.sleep.remote(0), actor.plain.remote()], timeout=30) == [0, 7]
    assert bow.get(actor.__bowstring_terminate__.remote(), timeout=30) is None


def test_async_methods_may_block_or_wait_in_threads(tmp_path: Path) -> None:
    actor = Mixed.remote()
    marker = tmp_path / "go"
    late = slow_seven.remote(str(marker))
    in_thread = actor.get_in_a_thread.remote([late])
    # The loop serves calls while another thread of the actor waits, and reads the sockets or does not.
    assert bow.get([actor.plain.remote() for _ in range(50)], timeout=30) == [7] * 50
    blocking = actor.blocking_get.remote([late])
    marker.touch()
    assert bow.get([in_thread, blocking], timeout=60) == [7, 7]
    assert bow.get(actor.plain.remote(), timeout=30) == 7


def test_what_an_async_method_submits_leaves_without_being_awaited() -> None:
    actor, plain = Mixed.remote(), Plain.remote()
    bow.get(actor.submit_and_forget.remote(plain))
    wait_until(lambda: bow.get(plain.add.remote()) >= 2, 30, "the call has run")


def test_async_calls_beyond_the_limit_wait_and_can_be_cancelled() -> None:
    actor = Mixed.options(max_concurrency=2).remote()
    running = [actor.sleep.remote(600) for _ in range(2)]
    queued = [actor.sleep.remote(600), actor.sleep.remote(0)]
    bow.cancel(queued[0])
    for ref in running:
        bow.cancel(ref)
    for ref in [*running, queued[0]]:
        with pytest.raises(bow.TaskCancelledError):
            bow.get(ref, timeout=30)
    assert bow.get(queued[1], timeout=30) == 0
    assert bow.get(actor.count_started.remote()) <= 3


# Ends -----------------------------------------------------------------------------------------------------------------


def dead(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("kind", [Plain, Mixed, Threaded])
def test_terminate_ends_an_actor_behind_the_calls_before_it(kind: bow.ActorClass) -> None:
    actor = kind.remote()
    before = [getattr(actor, {Plain: "add", Mixed: "plain", Threaded: "noted"}[kind]).remote() for _ in range(100)]
    end = actor.__bowstring_terminate__.remote()
    assert len(bow.get(before, timeout=30)) == 100
    assert bow.get(end, timeout=30) is None
    with pytest.raises(bow.ActorDiedError, match="exited"):
        bow.get(actor.open.remote() if kind is Threaded else actor.pid.remote(), timeout=30)


def test_kill_ends_a_restartable_actor_for_good_unless_told_otherwise() -> None:
    actor = Plain.options(max_restarts=-1).remote()
    first = bow.get(actor.pid.remote())
    bow.kill(actor, no_restart=False)
    assert dead(first)
    second = bow.get(actor.pid.remote(), timeout=30)
    assert second != first
    bow.kill(actor)
    with pytest.raises(bow.ActorDiedError, match="killed"):
        bow.get(actor.pid.remote(), timeout=30)
    assert dead(second)


def test_an_actor_in_a_container_lives_as_long_as_the_container() -> None:
    actor = Plain.remote()
    pid = bow.get(actor.pid.remote())
    kept = bow.put({"inside": [actor]})
    del actor
    assert bow.get(bow.get(kept)["inside"][0].pid.remote()) == pid
    del kept
    wait_until(lambda: dead(pid), 30, "the actor has ended")


@pytest.mark.rule("5.2/6")
def test_calls_in_flight_outlive_the_last_handle() -> None:
    refs = [Plain.remote().add.remote() for _ in range(2)]
    assert bow.get(refs, timeout=30) == [1, 1]


# Retries and restarts -------------------------------------------------------------------------------------------------


def test_a_methods_own_retries_win_over_the_actors(tmp_path: Path) -> None:
    actor = Plain.options(max_restarts=-1).remote()
    with pytest.raises(bow.ActorUnavailableError):
        bow.get(actor.crash.remote(str(tmp_path / "a")), timeout=60)
    assert bow.get(actor.crash_twice.remote(str(tmp_path / "b")), timeout=60) == 2
    assert bow.get(actor.crash.options(max_task_retries=2).remote(str(tmp_path / "c")), timeout=60) == 2


def test_a_methods_retries_travel_with_the_handle(tmp_path: Path) -> None:
    @bow.remote
    def call(actor: bow.ActorHandle, marker: str) -> int:
        return bow.get(actor.crash_twice.remote(marker), timeout=60)

    assert bow.get(call.remote(Plain.options(max_restarts=-1).remote(), str(tmp_path / "m")), timeout=60) == 2


@bow.remote
class Flaky:
    def __init__(self) -> None:
        self.tries = 0

    def _fail_twice(self, error: Exception) -> int:
        self.tries += 1
        if self.tries < 3:
            raise error
        return self.tries

    @bow.method(max_task_retries=2, retry_exceptions=[LookupError])
    def look(self, error: Exception) -> int:
        return self._fail_twice(error)

    @bow.method(retry_exceptions=True)
    async def anything(self, error: Exception) -> int:
        return self._fail_twice(error)

    def plain(self, error: Exception) -> int:
        return self._fail_twice(error)


@pytest.mark.rule("5.2/7")
def test_methods_that_raise_are_tried_again_if_their_class_says_so() -> None:
    assert bow.get(Flaky.remote().look.remote(KeyError("k")), timeout=30) == 3
    with pytest.raises(ValueError, match="wrong kind"):
        bow.get(Flaky.remote().look.remote(ValueError("wrong kind")), timeout=30)
    assert bow.get(Flaky.options(max_task_retries=-1).remote().anything.remote(ValueError()), timeout=30) == 3
    with pytest.raises(ValueError, match="once"):
        bow.get(Flaky.remote().anything.remote(ValueError("once")), timeout=30)
    with pytest.raises(ValueError, match="once"):
        bow.get(Flaky.options(max_task_retries=5).remote().plain.remote(ValueError("once")), timeout=30)


def test_a_call_can_say_itself_what_is_tried_again() -> None:
    method = Flaky.remote().plain
    assert bow.get(method.options(max_task_retries=2, retry_exceptions=[KeyError]).remote(KeyError()), timeout=30) == 3
    method = Flaky.remote().look
    with pytest.raises(KeyError):
        bow.get(method.options(retry_exceptions=False).remote(KeyError()), timeout=30)
    with pytest.raises(bow.InvalidArgumentError, match=r"retry_exceptions\[0\]"):
        method.options(retry_exceptions=["KeyError"])


def test_what_is_tried_again_travels_with_the_handle() -> None:
    @bow.remote
    def call(actor: bow.ActorHandle) -> int:
        return bow.get(actor.look.remote(IndexError()), timeout=60)

    assert bow.get(call.remote(Flaky.remote()), timeout=60) == 3


def test_restarts_are_counted() -> None:
    actor = Plain.options(max_restarts=2, max_task_retries=-1).remote()
    for _ in range(2):
        bow.kill(actor, no_restart=False)
        bow.get(actor.pid.remote(), timeout=60)
    os.kill(bow.get(actor.pid.remote()), signal.SIGKILL)
    with pytest.raises(bow.ActorDiedError):
        bow.get(actor.pid.remote(), timeout=60)


@bow.remote
class Putter:
    def __init__(self) -> None:
        self.ref = bow.put("put by the constructor")

    def read(self) -> str:
        return bow.get(read_nested.remote([self.ref]))

    def pid(self) -> int:
        return os.getpid()


@bow.remote
def read_nested(refs: list[bow.ObjectRef[str]]) -> str:
    return bow.get(refs[0])


def test_what_a_restarted_constructor_puts_can_be_read() -> None:
    actor = Putter.options(max_restarts=1).remote()
    assert bow.get(actor.read.remote(), timeout=30) == "put by the constructor"
    bow.kill(actor, no_restart=False)
    assert bow.get(actor.read.remote(), timeout=30) == "put by the constructor"


# Pending calls and names ----------------------------------------------------------------------------------------------


def test_the_limit_of_pending_calls_is_each_callers_own() -> None:
    @bow.remote
    def call(actor: bow.ActorHandle) -> str:
        return bow.get(actor.hello.remote(), timeout=60)

    actor = Async.options(max_pending_calls=1).remote()
    waiting = actor.wait.remote()
    with pytest.raises(bow.PendingCallsLimitExceeded):
        actor.hello.remote()
    assert bow.get(call.remote(actor), timeout=60) == "hello"
    bow.kill(actor)
    with pytest.raises(bow.ActorDiedError):
        bow.get(waiting, timeout=30)


def test_get_if_exists_makes_one_actor_for_all_who_ask_at_once() -> None:
    @bow.remote
    def join() -> int:
        actor = Plain.options(name="the one", get_if_exists=True, lifetime="detached").remote()
        return bow.get(actor.pid.remote(), timeout=60)

    assert len(set(bow.get([join.remote() for _ in range(6)], timeout=60))) == 1
    bow.kill(bow.get_actor("the one"))
    with pytest.raises(bow.InvalidArgumentError, match="get_if_exists needs a name"):
        Plain.options(get_if_exists=True).remote()
