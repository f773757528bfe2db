"""The cases themselves: that they can be read, and that the notation means in Python what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from conformance.case import CaseError, read_cases
from conformance.languages.python.notation import difference, make


def test_names_of_cases_are_unique() -> None:
    names = [case.id for case in read_cases()]
    assert len(names) == len(set(names))


def test_a_choice_by_language_is_made_in_the_plan() -> None:
    [case] = [case for case in read_cases() if case.id == "errors/an exception shows its type and message"]
    plans = {worker: case.plan("python", worker)["steps"][1]["type"] for worker in ("python", "java")}
    assert plans == {"python": "ValueError", "java": "IllegalArgumentException"}


def test_a_file_with_an_unknown_step_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"feature": "f", "spec": "1", "cases": [{"name": "n", "steps": [{"fly": 1}]}]}')
    with pytest.raises(CaseError, match=r"bad.json, n: a step begins with one of put, call.*fly"):
        read_cases(tmp_path)


def test_every_value_of_the_cases_is_equal_to_itself() -> None:
    for case in read_cases():
        if case.id.startswith("values-") and not case.id.startswith("values-refused"):
            written = case.steps[3]["expect"]
            assert difference(make(written), written) == "", case.id


@pytest.mark.parametrize(
    ("value", "written", "path"),
    [
        (1, 1.0, "$"),
        (True, 1, "$"),
        (0.0, {"$float": "-0.0"}, "$"),
        (math.nan, 1.0, "$"),
        ([1, [2, 3]], [1, [2, 4]], "$[1][1]"),
        ({"a": "x"}, {"a": "y"}, "$.a"),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, "$"),
        (np.zeros(2, dtype="int32"), {"$tensor": "int64", "shape": [2], "data": [0, 0]}, "$"),
    ],
)
def test_a_difference_is_named_by_its_path(value: object, written: object, path: str) -> None:
    assert difference(value, written).startswith(f"{path}: ")
