"""Which errors a rule lets be tried again, by their records alone."""

from __future__ import annotations

import pytest

from bowstring._retries import RetryRule, rule_of
from bowstring.errors import TaskCancelledError, TaskTimeoutError, WorkerCrashedError, record_from_exception


class Base(Exception):
    class Inner(ValueError):
        """In a class's body."""


class Derived(Base):
    """A subclass."""


class Unloadable(Exception):
    def __reduce__(self) -> object:
        raise TypeError("never pickled")


def matches(rule: RetryRule | None, error: BaseException) -> bool:
    return rule is not None and rule.matches(record_from_exception(error))


@pytest.mark.parametrize(
    ("option", "error", "expected"),
    [
        (True, Derived(), True),
        (True, SystemExit(1), True),
        (False, Derived(), False),
        ([Derived], Derived(), True),
        ([Base], Derived(), True),
        ([Derived], Base(), False),
        ([Exception], Derived(), True),
        ([ValueError], Base.Inner(), True),
        ([Base.Inner], Base.Inner(), True),
        ([Unloadable], Unloadable(), True),
        ([OSError], ConnectionResetError(), True),
        ([OSError, Base], KeyError(), False),
    ],
)
def test_classes_and_their_subclasses_match(option: object, error: BaseException, expected: bool) -> None:
    assert matches(rule_of(option), error) is expected


@pytest.mark.parametrize("option", [True, [TimeoutError], [TaskTimeoutError], [Exception]])
def test_a_time_limit_matches_its_classes(option: object) -> None:
    assert matches(rule_of(option), TaskTimeoutError("late"))


@pytest.mark.parametrize("error", [TaskCancelledError("no"), WorkerCrashedError("gone")])
def test_what_the_runtime_raised_is_not_an_error_of_user_code(error: Exception) -> None:
    assert not matches(rule_of(True), error)
    assert not matches(rule_of([Exception]), error)


def test_names_stand_for_classes_that_are_not_here() -> None:
    assert matches(RetryRule(names=[f"{__name__}.Base"]), Derived())
    record = record_from_exception(Derived())
    record.type_name = "elsewhere.Strange"
    assert RetryRule(names=["elsewhere.Strange"]).matches(record)
    assert not RetryRule([Base]).matches(record)


def test_a_class_of_a_function_is_known_by_its_name_alone() -> None:
    class Local(Exception):
        pass

    class Sub(Local):
        pass

    assert matches(rule_of([Local]), Local())
    assert not matches(rule_of([Local]), Sub())
