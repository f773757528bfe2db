"""Filters of state queries as people write them: `state=RUNNING`, `duration_ns>=1000000`, `name~train` (spec 8.1)."""

from __future__ import annotations

import re
from typing import Any

from bowstring_wire.messages import FilterOp, StateFilter

OPERATORS = {
    "!=": FilterOp.NE,
    "<=": FilterOp.LE,
    ">=": FilterOp.GE,
    "=": FilterOp.EQ,
    "<": FilterOp.LT,
    ">": FilterOp.GT,
    "~": FilterOp.CONTAINS,
}
_FORM = re.compile(r"\s*(\w+)\s*(!=|<=|>=|==|=|<|>|~)\s*(.*)", re.DOTALL)


def parse_filter(condition: Any) -> StateFilter:
    """A filter of a text, or of a (field, operator, value) triple.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(condition, str):
        match = _FORM.fullmatch(condition)
        if match is None:
            raise ValueError(f"filter {condition!r}: FIELD=VALUE is expected, with one of {' '.join(OPERATORS)}")
        field, operator, value = match.groups()
    elif isinstance(condition, tuple) and len(condition) == 3 and condition[1] in (*OPERATORS, "=="):
        field, operator, value = condition
        value = str(value).lower() if isinstance(value, bool) else str(value)
    else:
        raise ValueError(f"filter {condition!r}: a text, or (field, operator, value) with one of {' '.join(OPERATORS)}")
    return StateFilter(field, OPERATORS["=" if operator == "==" else operator], value)
