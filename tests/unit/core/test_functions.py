"""The function table."""

from bowstring_core import limits
from bowstring_core.machine.functions import FunctionEntry, FunctionTable, Hold, NotFound, Release, Told
from bowstring_core.machine.objects import Ref

KEY = b"k" * 16
CAPTURED = (Ref(b"o" * 20, 0, 1, 1),)


def function(contains=()):
    return FunctionEntry(KEY, 1, "", "", "", b"blob", 4, contains)


def test_question_waits_for_the_put():
    table = FunctionTable()
    assert table.get(1, 5, KEY, 0.0) == []
    put = function()
    assert table.put(put, 1) == [Told(1, 5, put)]
    assert table.get(2, 6, KEY, 0.0) == [Told(2, 6, put)]
    assert table.deadline() is None


def test_question_that_nobody_answers_fails_after_a_while():
    table = FunctionTable()
    table.get(1, 5, KEY, 0.0)
    assert table.tick(limits.FUNCTION_WAIT_S - 1) == []
    (effect,) = table.tick(limits.FUNCTION_WAIT_S)
    assert isinstance(effect, NotFound)
    assert (effect.process, effect.request) == (1, 5)


def test_function_lives_as_long_as_any_job_that_put_it():
    table = FunctionTable()
    assert table.put(function(CAPTURED), 1) == [Hold(CAPTURED)]
    assert table.put(function(CAPTURED), 2) == []
    assert table.job_over(1) == []
    assert table.job_over(2) == [Release(CAPTURED)]
    assert not table.functions


def test_gone_process_is_told_nothing():
    table = FunctionTable()
    table.get(1, 5, KEY, 0.0)
    table.process_gone(1)
    assert table.put(function(), 1) == []
