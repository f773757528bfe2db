"""Which rows pass the filters of a state query."""

from __future__ import annotations

from typing import Any

import pytest

from bowstring_core.machine.filters import Filter, FilterError, as_text, wanted
from bowstring_wire.filters import parse_filter
from bowstring_wire.messages import FilterOp

ROW: dict[str, Any] = {
    "name": "Train.step",
    "size": 4096,
    "age_s": 1.5,
    "alive": True,
    "resources": {"CPU": 1.0, "disk": 0.5},
    "waits_for": ["ab", "cd"],
}


def holds(condition: Any) -> bool:
    parsed = parse_filter(condition)
    return wanted(ROW, [Filter(parsed.field, parsed.op, parsed.value)])


@pytest.mark.parametrize(
    "condition",
    [
        "name=train.STEP", "name!=other", "name~STEP", " name = Train.step", "name>a",
        "size=4096", "size>=4096", "size<5000", "size>1e3", "size!=1", "size~09",
        "age_s>1", "age_s=1.5", "alive=true", "alive==TRUE", "resources~disk=0.5", "waits_for~cd",
        ("size", ">", 4095), ("alive", "=", True), ("name", "==", "train.step"),
    ],
)  # fmt: skip
def test_what_holds(condition: Any) -> None:
    assert holds(condition)


@pytest.mark.parametrize(
    "condition", ["name=Train", "name~x", "size=1", "size<4096", "age_s>=2", "alive=false", ("alive", "=", False)]
)
def test_what_does_not_hold(condition: Any) -> None:
    assert not holds(condition)


@pytest.mark.parametrize(
    ("condition", "said"),
    [("weight=1", "no field 'weight'; there are name, size"), ("size=big", "size is a number, and 'big' is none")],
)
def test_what_can_not_be_compared_is_refused(condition: str, said: str) -> None:
    with pytest.raises(FilterError, match=said):
        holds(condition)


@pytest.mark.parametrize("condition", ["size", "=1", "", 3, ("a", "b"), ("size", "like", "x"), ("size", ">", 1, 2)])
def test_what_is_no_filter_is_refused(condition: Any) -> None:
    with pytest.raises(ValueError, match="filter"):
        parse_filter(condition)


def test_unknown_operators_and_empty_fields_are_refused() -> None:
    for field, op in (("size", 99), ("size", FilterOp.UNSPECIFIED), ("", FilterOp.EQ)):
        with pytest.raises(FilterError):
            Filter(field, op, "1")


def test_values_as_text() -> None:
    assert as_text({"CPU": 1.0, "memory": 1e9}) == "CPU=1,memory=1e+09"
    assert as_text(["a", 1]) == "a,1"
