"""joblib's backend: joblib's own calls, errors, shared arrays, and scikit-learn's n_jobs."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

import bowstring as bow
from bowstring.util.joblib import register_bowstring

joblib = pytest.importorskip("joblib")
register_bowstring()
pytestmark = pytest.mark.usefixtures("runtime")


def square(x: int) -> tuple[int, int]:
    return x * x, os.getpid()


def total(array: np.ndarray, plus: int) -> tuple[float, bool]:
    return float(array.sum()) + plus, array.flags.writeable


def fail(x: int) -> int:
    if x == 3:
        raise KeyError(x)
    return x


def nested(x: int) -> list[int]:
    return joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(-x - i) for i in range(3))


def test_calls_run_in_workers() -> None:
    with joblib.parallel_config(backend="bowstring"):
        results = joblib.Parallel(n_jobs=2)(joblib.delayed(square)(x) for x in range(30))
    assert [value for value, _ in results] == [x * x for x in range(30)]
    assert os.getpid() not in {pid for _, pid in results}


def test_the_number_of_jobs_counts_from_the_cpus_of_the_runtime() -> None:
    with joblib.parallel_config(backend="bowstring", n_jobs=-1):
        assert joblib.effective_n_jobs() == 2
        with pytest.raises(ValueError, match="n_jobs == 0"):
            joblib.effective_n_jobs(0)


def test_a_large_array_is_put_once_and_read_only() -> None:
    array = np.ones(1 << 18)
    with joblib.parallel_config(backend="bowstring", n_jobs=2):
        results = joblib.Parallel()(joblib.delayed(total)(array, plus=x) for x in range(10))
    assert results == [((1 << 18) + x, False) for x in range(10)]


def test_results_can_be_generated() -> None:
    with joblib.parallel_config(backend="bowstring"):
        results = joblib.Parallel(n_jobs=2, return_as="generator")(joblib.delayed(abs)(-x) for x in range(10))
        assert list(results) == list(range(10))


def test_an_error_is_raised_as_it_was_and_the_backend_goes_on() -> None:
    with joblib.parallel_config(backend="bowstring"):
        with pytest.raises(KeyError) as caught:
            joblib.Parallel(n_jobs=2)(joblib.delayed(fail)(x) for x in range(10))
        assert type(caught.value) is KeyError
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(fail)(x) for x in range(3)) == [0, 1, 2]


def test_calls_may_be_parallel_themselves() -> None:
    with joblib.parallel_config(backend="bowstring"):
        assert joblib.Parallel(n_jobs=2)(joblib.delayed(nested)(x) for x in range(3)) == [
            [x, x + 1, x + 2] for x in range(3)
        ]


def test_options_of_the_tasks_can_be_given() -> None:
    with (
        joblib.parallel_config(backend="bowstring", task_options={"resources": {"widget": 99}}),
        pytest.raises(bow.TaskUnschedulableError, match="widget"),
    ):
        joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(x) for x in range(3))


def test_scikit_learn_fits_through_tasks() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that scikit-learn imports
        pytest.importorskip("sklearn")
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.model_selection import cross_val_score

    generator = np.random.default_rng(1)
    x = generator.normal(size=(200, 4))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    forest = RandomForestClassifier(n_estimators=8, random_state=1)
    alone = cross_val_score(forest, x, y, cv=3)
    with joblib.parallel_config(backend="bowstring", n_jobs=2):
        assert (cross_val_score(forest, x, y, cv=3) == alone).all()
