"""CPython's own tests of multiprocessing.Pool, as they are installed, against ours.

What is left out looks into the pool's inside, or takes minutes; each with its reason.
"""

from __future__ import annotations

import importlib
import multiprocessing
import unittest
from collections.abc import Iterator
from typing import Any

import pytest

import bowstring as bow
from bowstring.util.multiprocessing import Pool

try:
    standard: Any = importlib.import_module("test._test_multiprocessing")
except (ImportError, unittest.SkipTest) as error:
    pytest.skip(f"this Python comes without CPython's tests: {error}", allow_module_level=True)

LEFT_OUT = {
    "test_make_pool": "counts the list of processes inside",
    "test_map_no_failfast": "an error of 1 MiB comes as a TaskError without the exception itself (spec 7/3)",
    "test_resource_warning": "sets the state inside",
    "test_async_timeout": "waits in the worker for as long as the timeout of a whole test",
    "test_traceback": "names the standard library's class of remote tracebacks",
    "test_wrapped_exception": "names the standard library's class of remote tracebacks",
}


@pytest.fixture(scope="module", autouse=True)
def runtime() -> Iterator[bow.Session]:
    with bow.init(num_cpus=4) as session:
        yield session


class PoolTest(standard._TestPool, unittest.TestCase):  # type: ignore[misc]
    TYPE = "processes"
    Pool = staticmethod(Pool)
    TimeoutError = multiprocessing.TimeoutError

    @classmethod
    def setUpClass(cls) -> None:
        cls.pool = Pool(4)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.pool.terminate()
        cls.pool.join()
        cls.pool = None


for name in LEFT_OUT:
    setattr(PoolTest, name, None)
