"""Java methods with several results, called from Python."""

from __future__ import annotations

import numpy as np
import pytest

import bowstring as bow

pytestmark = pytest.mark.usefixtures("runtime")


def test_each_result_of_a_java_method_has_its_reference() -> None:
    split = bow.java_function("cross.Several", "split").options(num_returns=3)
    low, high, name = split.remote(np.arange(40_000.0), 30_000.0, "halves")
    assert bow.get(name, timeout=60) == "halves"
    assert bow.get([low, high])[1][0] == 30_000.0
    assert len(bow.get(low)) == 30_000
    squares = bow.java_function("cross.Several", "squares").options(num_returns=4).remote(4)
    assert bow.get(squares, timeout=60) == [0, 1, 4, 9]
    first = bow.java_function("cross.Several", "first").options(num_returns=2).remote(2)
    assert bow.get(first, timeout=60) == [0, 1]
    actor = bow.java_actor_class("cross.Several").remote()
    assert bow.get(actor.pair.options(num_returns=2).remote("four"), timeout=60) == ["four", 4]


def test_results_can_be_passed_on_before_they_are_there() -> None:
    split = bow.java_function("cross.Several", "split").options(num_returns=3)
    low, high, name = split.remote(np.arange(4.0), 1.0, "early")
    inner = bow.put([high, name])
    again = split.remote(low, 0.0, name)
    assert [list(bow.get(again[1], timeout=60)), bow.get(again[2])] == [[0.0], "early"]
    assert bow.get(bow.get(inner)[1], timeout=60) == "early"


def test_wrong_results_are_an_error_in_each() -> None:
    expected = r"num_returns=3 .* of 3 values, not long\[\] of more"
    for ref in bow.java_function("cross.Several", "squares").options(num_returns=3).remote(4):
        with pytest.raises(bow.errors.InvalidArgumentError, match=expected):
            bow.get(ref, timeout=60)
    for ref in bow.java_function("cross.Several", "broken").options(num_returns=2).remote():
        with pytest.raises(bow.CrossLanguageError, match="result 1"):
            bow.get(ref, timeout=60)
    assert bow.java_function("cross.Several", "squares").options(num_returns=0).remote(4) == []
