"""CPython's own tests of concurrent.futures, as they are installed, against our Executor.

What is left out: the tests that name the class inside `concurrent.futures` in a program of their own (its end is tested
in test_executor.py), and those of the insides of the two standard executors.
"""

from __future__ import annotations

import importlib
import unittest
from collections.abc import Iterator
from typing import Any

import pytest

import bowstring as bow
from bowstring.util import Executor

PACKAGE = "test.test_concurrent_futures"
OF_OTHER_PROGRAMS = (
    "test_interpreter_shutdown",
    "test_submit_after_interpreter_shutdown",
    "test_hang_gh83386",
)


def found(module: str, name: str) -> Any:
    """A class of CPython's tests: from their package, or from the one module that they were before 3.12."""
    whole = importlib.import_module(PACKAGE)
    return getattr(importlib.import_module(f"{PACKAGE}.{module}") if hasattr(whole, "__path__") else whole, name)


try:
    ExecutorMixin, BaseTestCase = found("util", "ExecutorMixin"), found("util", "BaseTestCase")
except ImportError as error:
    pytest.skip(f"this Python comes without CPython's tests: {error}", allow_module_level=True)


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=5) as session:
        # The tests count threads: those that the runtime starts with their first use are there from the beginning.
        assert bow.put(1).future().result() == 1
        with Executor(1) as executor:
            assert executor.submit(abs, -1).result() == 1
        yield session


def made(name: str, *bases: Any) -> Any:
    class Mixin(ExecutorMixin):  # type: ignore[misc, valid-type]
        executor_type = Executor

    body = {"__module__": __name__, **dict.fromkeys(OF_OTHER_PROGRAMS)}
    return type(name, (bases[0], Mixin, *bases[1:], BaseTestCase), body)


ExecutorTest = made("ExecutorTest", found("executor", "ExecutorTest"))
WaitTest = made("WaitTest", found("test_wait", "WaitTests"))
AsCompletedTest = made("AsCompletedTest", found("test_as_completed", "AsCompletedTests"))
ShutdownTest = made("ShutdownTest", found("test_shutdown", "ExecutorShutdownTest"))
InitializerTest = made("InitializerTest", found("test_init", "InitializerMixin"))
FailingInitializerTest = made("FailingInitializerTest", found("test_init", "FailingInitializerMixin"))


def test_the_tests_were_found() -> None:
    count = unittest.defaultTestLoader.loadTestsFromTestCase(ExecutorTest).countTestCases()
    assert count >= 8
