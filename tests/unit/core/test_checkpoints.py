"""Logs of actors with checkpoints, event by event and against a model."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bowstring_core import limits
from bowstring_core.machine.checkpoints import Call, CallLog, CallLogs, Hold, Overfull, Release
from bowstring_core.machine.objects import Ref

A, B = 1, 2  # callers


def ref(number):
    return Ref(number.to_bytes(20, "big"), 0, 9, 1)


def call(caller, sequence, contains=(), result=b"result.."):
    return Call(caller, sequence, f"task {caller} {sequence}".encode(), result, contains)


def keys(calls):
    return [(each.caller, each.sequence) for each in calls]


def test_without_a_state_every_call_is_run_again_in_order():
    log = CallLog()
    for each in (call(A, 0), call(B, 0), call(A, 1)):
        assert log.applied(each, None, ()) == []
    restart = log.restart()
    assert restart.state is None
    assert keys(restart.calls) == [(A, 0), (B, 0), (A, 1)]
    assert restart.marks == {}


def test_a_state_leaves_marks_and_the_results_that_are_not_answered():
    log = CallLog()
    log.applied(call(A, 0), None, ())
    log.applied(call(B, 0), None, ())
    assert log.saved(ref(1), [(B, 0)]) == [Hold((ref(1),))]
    log.applied(call(A, 1), None, ())
    restart = log.restart()
    assert (restart.state, restart.marks) == (ref(1), {A: 0, B: 0})
    assert keys(restart.kept) == [(B, 0)]
    assert restart.kept[0].task == b""
    assert keys(restart.calls) == [(A, 1)]


def test_a_call_that_comes_with_its_state_is_never_run_again_and_its_result_is_kept():
    log = CallLog()
    log.applied(call(A, 0, [ref(5)]), ref(1), ())
    restart = log.restart()
    assert (keys(restart.kept), restart.calls, restart.marks) == ([(A, 0)], [], {A: 0})
    log.applied(call(A, 1), ref(2), ())
    assert keys(log.restart().kept) == [(A, 1)]


def test_a_kept_result_stays_as_long_as_each_state_names_it():
    log = CallLog()
    log.applied(call(A, 0), ref(1), ())
    log.saved(ref(2), [(A, 0)])
    assert keys(log.restart().kept) == [(A, 0)]
    log.saved(ref(3), [])
    assert log.restart().kept == []
    assert log.size_bytes == 0


def test_references_are_held_while_the_log_names_them():
    log = CallLog()
    assert log.applied(call(A, 0, [ref(5)]), None, ()) == [Hold([ref(5)])]
    effects = log.saved(ref(1), ())
    assert effects == [Hold((ref(1),)), Release([ref(5)])]
    assert log.saved(ref(2), ()) == [Hold((ref(2),)), Release((ref(1),))]
    log.applied(call(A, 1, [ref(6)]), None, ())
    assert log.over() == [Release([ref(6), ref(2)])]
    assert log.over() == []


@pytest.mark.rule("5.4/8")
def test_of_a_caller_that_is_gone_only_the_effects_stay():
    log = CallLog()
    log.applied(call(A, 0), ref(1), ())
    log.applied(call(A, 1), None, ())
    log.applied(call(B, 0), None, ())
    log.caller_gone(A)
    restart = log.restart()
    assert (restart.kept, restart.marks) == ([], {})
    assert [(each.caller, each.sequence, each.result) for each in restart.calls] == [(A, 1, b""), (B, 0, b"result..")]
    log.saved(ref(2), [(A, 1), (B, 0)])
    restart = log.restart()
    assert (keys(restart.kept), restart.marks) == ([(B, 0)], {B: 0})
    log.caller_gone(B)
    assert log.size_bytes == 0


@pytest.mark.rule("5.4/4")
def test_a_log_that_grows_beyond_its_bound_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "CALL_LOG_BYTES_MAX", 100)
    log = CallLog()
    assert log.applied(call(A, 0, result=bytes(80)), None, ()) == []
    (effect,) = log.applied(call(A, 1, result=bytes(80)), None, ())
    assert isinstance(effect, Overfull)
    assert "100 are allowed" in effect.message


def test_actors_without_checkpoints_have_no_log():
    logs = CallLogs()
    assert logs.of(b"actor") is None
    logs.caller_gone(A)
    assert logs.over(b"actor") == []
    logs.made(b"actor")
    log = logs.of(b"actor")
    assert log is not None
    log.saved(ref(1), ())
    assert logs.over(b"actor") == [Release([ref(1)])]
    assert logs.of(b"actor") is None


@pytest.mark.parametrize("seed", range(20))
def test_a_restart_always_comes_to_the_state_that_was_logged(seed: int):
    """Random calls, states, losses of Results and ends of workers, against a list of what was applied."""
    chance = random.Random(seed)
    log = CallLog()
    applied: list[tuple[int, int]] = []
    saved: dict[bytes, list[tuple[int, int]]] = {}
    unanswered: set[tuple[int, int]] = set()
    sequence = dict.fromkeys((A, B, 3), 0)
    holds: Counter[Ref] = Counter()
    number = 100

    def perform(effects):
        for effect in effects:
            for each in effect.refs:
                holds[each] += 1 if isinstance(effect, Hold) else -1
                assert holds[each] >= 0

    for _ in range(400):
        caller = chance.choice(list(sequence))
        made = call(caller, sequence[caller], [ref(chance.randrange(1, 9))] if chance.random() < 0.3 else ())
        sequence[caller] += 1 + (chance.random() < 0.1)  # calls that were cancelled leave gaps
        state = None
        applied.append((caller, made.sequence))
        if chance.random() < 0.2:
            number += 1
            state = ref(number)
            saved[state.id] = list(applied)
        perform(log.applied(made, state, set(unanswered)))
        unanswered.add((caller, made.sequence))
        for key in [key for key in unanswered if chance.random() < 0.4]:
            unanswered.discard(key)
        if chance.random() < 0.1:
            restart = log.restart()
            before = [] if restart.state is None else saved[restart.state.id]
            assert before + keys(restart.calls) == applied
            assert unanswered <= {*keys(restart.kept), *keys(restart.calls)}
            for who, mark in restart.marks.items():
                assert mark == max(each for caller, each in before if caller == who)
    perform(log.over())
    assert not +holds
