"""Inline mode is held to the tests of what it runs as a whole runtime does; what does not apply is listed."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType, ModuleType

import pytest

import bowstring as bow
from tests.process.python import (
    test_actor_options,
    test_actors,
    test_arguments,
    test_completions,
    test_errors,
    test_in_place,
    test_streams,
    test_tasks,
)
from tests.process.python.util import test_actor_pool, test_executor, test_queue

pytestmark = pytest.mark.usefixtures("runtime")

NOT_INLINE: dict[ModuleType, dict[str, str]] = {
    test_tasks: {
        "test_tasks_run_in_other_processes": "there is one process",
        "test_an_error_is_also_of_the_class_that_was_raised": "asserts that another process raised",
        "test_get_with_a_timeout_leaves_the_task_alone": "a call is over when it was made",
        "test_wait_splits_ready_from_not_ready": "a call is over when it was made",
    },
    test_actors: {
        "test_an_actor_ends_with_its_last_handle": "asserts the end of a process",
        "test_kill_ends_an_actor": "asserts the end of a process",
        "test_a_killed_actor_restarts_if_it_may": "kills the actor's process",
        "test_a_call_in_flight_without_retries_fails_and_says_that_it_may_have_run": "kills the actor's process",
        "test_max_pending_calls_is_enforced": "a call is over when it was made",
    },
    test_arguments: {},
    test_actor_pool: {},
    test_executor: {
        "test_a_call_whose_worker_crashes_fails_and_the_executor_goes_on": "kills the worker",
        "test_the_interpreter_waits_at_its_end_for_what_was_submitted": "starts a program of its own, not inline",
        "test_what_waits_for_a_worker_can_be_cancelled": "a call is over when it was made",
    },
    test_queue: {
        "test_getters_and_putters_wait_for_each_other": "a task waits for what a later one does",
    },
}


@pytest.fixture(scope="module")
def runtime() -> Iterator[bow.Session]:
    with bow.init(inline=True, num_cpus=2, num_gpus=2, resources={"widget": 3}) as session:
        yield session


INLINE: dict[ModuleType, tuple[str, ...]] = {
    test_completions: (
        "test_as_completed_gives_failures_too",
        "test_as_completed_works_in_tasks_and_for_borrowed_references",
        "test_a_long_list_is_waited_for_one_by_one",
        "test_a_long_list_is_waited_for_in_lots_in_its_order",
        "test_what_is_left_is_a_list_that_may_be_changed",
        "test_an_older_list_of_what_is_left_can_be_asked_again",
        "test_threads_wait_for_the_same_long_list",
    ),
    test_errors: (
        "test_an_exception_that_does_not_pickle_is_still_one_of_its_class",
        "test_attributes_beside_the_dictionary_arrive",
        "test_an_exception_without_words_arrives",
        "test_groups_are_caught_by_their_parts",
        "test_causes_are_told_in_order",
    ),
    test_in_place: (
        "test_a_table_is_filled_in_place_and_put",
        "test_a_large_table_in_place_is_not_copied",
        "test_a_builder_that_a_task_returns_is_a_table_to_everybody",
        "test_a_builder_inside_of_a_value_is_refused",
        "test_a_table_without_rows_can_be_made",
        "test_wrong_arguments_are_named",
        "test_wrong_offsets_are_refused_and_the_builder_can_be_mended",
        "test_an_array_stays_good_after_it_was_put_even_if_the_object_is_freed_or_the_store_is_full",
        "test_a_copy_is_writable_and_keeps_nothing_of_the_store",
        "test_copies_of_whatever_holds_arrays_are_writable",
        "test_a_copy_of_a_table_lies_in_memory_of_its_own",
        "test_a_copy_of_an_error_is_raised",
    ),
    test_actor_options: (
        "test_a_full_group_holds_back_only_its_own_calls",
        "test_calls_of_one_group_run_in_order",
        "test_a_call_can_be_put_in_another_group",
        "test_an_unknown_group_is_refused_by_name",
        "test_a_methods_group_must_be_one_of_the_class",
        "test_wrong_groups_are_refused",
        "test_what_an_async_method_submits_leaves_without_being_awaited",
        "test_async_calls_beyond_the_limit_wait_and_can_be_cancelled",
        "test_calls_in_flight_outlive_the_last_handle",
        "test_methods_that_raise_are_tried_again_if_their_class_says_so",
        "test_a_call_can_say_itself_what_is_tried_again",
        "test_what_is_tried_again_travels_with_the_handle",
    ),
    test_streams: (
        "test_a_long_stream_is_whole",
        "test_a_function_streams_only_what_it_is_told_to",
        "test_an_error_is_the_last_item",
        "test_what_can_not_be_written_ends_the_stream_with_an_error",
        "test_large_items_go_through_the_store_and_are_freed",
        "test_items_may_hold_references_to_arguments_and_puts",
        "test_items_can_be_arguments_and_be_passed_on",
        "test_no_more_items_than_the_backpressure_are_made_ahead",
        "test_a_stream_that_waits_to_be_read_gives_its_cpu_away",
        "test_one_that_waits_for_its_reader_is_cancelled",
        "test_a_stream_in_the_queue_can_be_closed",
        "test_a_stream_is_read_from_asyncio",
        "test_several_threads_share_a_stream",
        "test_threads_of_an_actor_stream_side_by_side",
        "test_methods_of_async_actors_stream_side_by_side",
        "test_tasks_read_streams_of_tasks",
        "test_a_generator_can_not_be_passed_on",
    ),
}
"""Of modules that are mostly about processes, time limits and waiting: what applies."""

NEEDS_PROCESSES = re.compile(r"kill|_exit|crash|pid|subprocess|query_state|Driver|driver")
"""What stands in the source of tests that are about processes."""

for module, selected in INLINE.items():
    for name in filter(module.__dict__.__contains__, selected):
        globals()[f"{name}_{module.__name__.rpartition('.')[2]}"] = getattr(module, name)

for module, excluded in NOT_INLINE.items():
    for name, found in vars(module).items():
        if not name.startswith("test_") or name in excluded:
            continue
        if not NEEDS_PROCESSES.search(inspect.getsource(found)):
            globals()[f"{name}_{module.__name__.rpartition('.')[2]}"] = found


@pytest.fixture(autouse=True)
def this_process_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would end the worker's process would end this one."""
    real_kill = os.kill

    def kill(pid: int, number: int) -> None:
        assert not (pid == os.getpid() and number), "the test kills a worker: list it in NOT_INLINE"
        real_kill(pid, number)

    def leave(_status: int) -> None:
        raise AssertionError("the test ends a worker: list it in NOT_INLINE")

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(os, "_exit", leave)


def test_what_is_selected_and_left_out_exists() -> None:
    for module, names in [*NOT_INLINE.items(), *INLINE.items()]:
        assert [name for name in names if not hasattr(module, name)] == []


@bow.remote
def whereabouts() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()


@bow.remote
class Holder:
    def __init__(self) -> None:
        self.value: list[int] = []

    def add(self, number: int) -> list[int]:
        self.value.append(number)
        return self.value

    def where(self) -> tuple[int, int]:
        return os.getpid(), threading.get_ident()

    def me(self) -> str | None:
        return bow.get_runtime_context().get_actor_id()


def test_calls_run_in_this_thread_when_they_are_made() -> None:
    here = (os.getpid(), threading.get_ident())
    assert bow.get(whereabouts.remote()) == here
    assert bow.get(Holder.remote().where.remote()) == here
    note = bow.remote(lambda: sys.modules[__name__].SEEN.append(1))
    SEEN.clear()
    note.remote()
    assert SEEN == [1]


SEEN: list[int] = []


def test_no_value_is_shared_with_a_call() -> None:
    holder = Holder.remote()
    first = bow.get(holder.add.remote(1))
    first.append(99)
    assert bow.get(holder.add.remote(2)) == [1, 2]
    numbers = [1]

    @bow.remote
    def spoil(given: list[int]) -> None:
        given.append(2)
        numbers.append(2)

    bow.get(spoil.remote(numbers))
    assert numbers == [1]


def test_what_cannot_be_pickled_is_refused_as_between_processes() -> None:
    with pytest.raises(bow.SerializationError, match="lock"):
        bow.put(threading.Lock())

    @bow.remote
    def makes_a_lock() -> object:
        return threading.Lock()

    with pytest.raises(bow.SerializationError, match="lock"):
        bow.get(makes_a_lock.remote())


def test_a_stack_shows_who_called() -> None:
    @bow.remote
    def stack() -> list[str]:
        names = []
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        return names

    assert "test_a_stack_shows_who_called" in bow.get(stack.remote())


def test_an_interrupt_reaches_who_sits_at_the_keyboard() -> None:
    @bow.remote
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted.remote()


def test_kill_and_restart_of_an_actor() -> None:
    holder = Holder.options(max_restarts=1).remote()
    assert bow.get(holder.add.remote(1)) == [1]
    bow.kill(holder, no_restart=False)
    assert bow.get(holder.add.remote(2)) == [2]
    bow.kill(holder, no_restart=False)
    with pytest.raises(bow.ActorDiedError, match="was killed"):
        bow.get(holder.add.remote(3))


def test_a_restart_resumes_where_checkpoints_would() -> None:
    @bow.remote(max_restarts=-1, checkpoint_interval=10)
    class Account:
        def __init__(self) -> None:
            self.balance = 0

        def save_checkpoint(self) -> int:
            return self.balance

        def restore_checkpoint(self, state: int) -> None:
            self.balance = state

        def deposit(self, amount: int) -> int:
            self.balance += amount
            return self.balance

    account = Account.remote()
    for _ in range(3):
        account.deposit.remote(5)
    bow.kill(account, no_restart=False)
    assert bow.get(account.deposit.remote(5)) == 20


def test_an_actor_ends_with_its_last_handle() -> None:
    SEEN.clear()

    @bow.remote
    class Ending:
        def hello(self) -> None: ...

        def __del__(self) -> None:
            sys.modules[__name__].SEEN.append(2)

    actor = Ending.remote()
    bow.get(actor.hello.remote())
    del actor
    bow.put(1)
    assert bow.get(whereabouts.remote())
    assert SEEN == [2]


def test_the_runtime_tells_of_itself() -> None:
    holder = Holder.options(name="held").remote()
    assert bow.get(holder.me.remote()) == holder.actor_id().hex()
    assert bow.cluster_resources()["CPU"] == 2
    assert bow.nodes()[0]["address"] == "inline"
    assert bow.get_runtime_context().get_task_id() is None


def test_errors_are_tried_again_as_told() -> None:
    SEEN.clear()

    @bow.remote(max_retries=2, retry_exceptions=[KeyError])
    def third_time_lucky() -> int:
        seen: list[int] = sys.modules[__name__].SEEN
        seen.append(1)
        if len(seen) < 3:
            raise KeyError(len(seen))
        return len(seen)

    assert bow.get(third_time_lucky.remote()) == 3
    SEEN.clear()

    @bow.remote(max_retries=1, retry_exceptions=True)
    def stream() -> Iterator[int]:
        seen: list[int] = sys.modules[__name__].SEEN
        yield 1
        if not seen:
            seen.append(1)
            raise KeyError
        yield 2

    assert [bow.get(ref) for ref in stream.remote()] == [1, 2]


def test_an_environment_changes_nothing_and_that_is_said() -> None:
    with pytest.warns(UserWarning, match="runtime_env changes nothing"):
        assert bow.get(whereabouts.options(runtime_env={"env_vars": {"A": "1"}}).remote())[0] == os.getpid()


def test_java_is_refused() -> None:
    with pytest.raises(bow.CrossLanguageError, match="inline mode"):
        bow.get(bow.java_function("java.lang.Math", "abs").remote(1))
    with pytest.raises(bow.CrossLanguageError, match="inline mode"):
        bow.java_actor_class("a.B").remote()


def test_no_process_and_no_thread_is_started(runtime: bow.Session) -> None:
    program = """
import os, threading
import bowstring as bow

with bow.init(inline=True) as session:
    square = bow.remote(lambda x: x * x)
    assert bow.get([square.remote(i) for i in range(3)]) == [0, 1, 4]
    assert square.remote(3).future().result() == 9
    assert threading.active_count() == 1
    children = open(f"/proc/self/task/{os.getpid()}/children").read()
    sockets = [fd for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
               and "socket" in os.readlink(f"/proc/self/fd/{fd}")]
    assert not children and not sockets, (children, sockets)
assert not bow.is_initialized()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, stdin=subprocess.DEVNULL)


def test_inline_mode_joins_nothing() -> None:
    program = """
import bowstring as bow
try:
    bow.init("auto", inline=True)
except bow.InvalidArgumentError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert "inline=True" in done.stdout


def test_a_placement_group_is_refused_by_name() -> None:
    with pytest.raises(bow.BowstringError, match="inline"):
        bow.util.placement_group([{"CPU": 1}])
