"""Who ends for the memory that it uses; no clock, no process."""

from bowstring_core import limits
from bowstring_core.machine.memory import MemoryWatch, Usage

MB = 1 << 20
GB = 1 << 30


def test_what_a_worker_had_before_its_lease_does_not_count():
    watch = MemoryWatch(0)
    watch.granted(1, 7, 100 * MB, baseline=50 * MB)
    limited = watch.limited[1]
    assert not watch.is_suspect(limited, 150 * MB)
    assert watch.is_suspect(limited, 150 * MB + 1)
    assert watch.check(limited, 150 * MB, 0.0) == []
    (end,) = watch.check(limited, 170 * MB, 0.0)
    assert end.slot == 7
    assert "used 120 MiB" in end.message
    assert "limit is 100 MiB (memory=104857600)" in end.message


def test_a_worker_is_told_to_end_once():
    watch = MemoryWatch(0)
    watch.granted(1, 7, MB, baseline=0)
    assert watch.check(watch.limited[1], 2 * MB, 0.0)
    assert watch.check(watch.limited[1], 3 * MB, 1.0) == []


def test_the_guard_ends_the_greediest_task_before_any_actor():
    watch = MemoryWatch(GB)
    assert not watch.is_short(GB, 0.0)
    assert watch.is_short(GB - 1, 0.0)
    usages = [Usage(1, 100 * MB, False), Usage(2, 300 * MB, False), Usage(3, 900 * MB, True)]
    (end,) = watch.choose(500 * MB, usages, 0.0)
    assert end.slot == 2
    assert "only 500 MiB" in end.message
    assert "must keep" in end.message
    assert "300 MiB" in end.message


def test_the_guard_ends_an_actor_if_no_task_uses_much():
    watch = MemoryWatch(GB)
    usages = [Usage(1, limits.GUARD_BYTES_MIN - 1, False), Usage(3, 900 * MB, True)]
    assert [end.slot for end in watch.choose(0, usages, 0.0)] == [3]
    assert watch.choose(0, usages, 0.0) == []


def test_the_guard_waits_for_one_to_end_before_it_chooses_another_but_not_for_ever():
    watch = MemoryWatch(GB)
    usages = [Usage(1, 100 * MB, False), Usage(2, 300 * MB, False)]
    watch.choose(0, usages, 0.0)
    assert not watch.is_short(0, 0.5)
    assert watch.is_short(0, limits.GUARD_PATIENCE_S + 0.1)
    assert [end.slot for end in watch.choose(0, usages, 3.0)] == [1]
    watch.worker_ended(1)
    watch.worker_ended(2)
    assert watch.is_short(0, 3.1)


def test_looks_are_the_closer_the_less_there_is():
    watch = MemoryWatch(GB)
    assert watch.wait_s(100 * GB) == limits.GUARD_WAIT_MAX_S
    assert limits.GUARD_WAIT_MIN_S < watch.wait_s(3 * GB) < limits.GUARD_WAIT_MAX_S
    assert watch.wait_s(GB) == watch.wait_s(0) == limits.GUARD_WAIT_MIN_S
    watch.granted(1, 7, MB, baseline=0)
    assert watch.wait_s(100 * GB) == limits.MEMORY_LOOK_S
    watch.over(1)
    assert watch.wait_s(100 * GB) == limits.GUARD_WAIT_MAX_S
