"""Which rows of a state query are wanted (spec 8.1, rule 3)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bowstring_wire.messages import FilterOp

_COMPARE: dict[int, Callable[[Any, Any], bool]] = {
    FilterOp.EQ: operator.eq,
    FilterOp.NE: operator.ne,
    FilterOp.LT: operator.lt,
    FilterOp.LE: operator.le,
    FilterOp.GT: operator.gt,
    FilterOp.GE: operator.ge,
    FilterOp.CONTAINS: lambda text, value: value in text,
}


class FilterError(ValueError):
    """The filter makes no sense; the message says why."""


def as_text(value: Any) -> str:
    """A field's value as text: what a filter compares, and what people read."""
    if isinstance(value, dict):
        return ",".join(f"{name}={as_text(amount)}" for name, amount in value.items())
    if isinstance(value, list | tuple):
        return ",".join(map(as_text, value))
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


class Filter:
    """One condition.

    Args:
        field: Name of a row's field.
        op: A FilterOp.
        value: What the field is compared with, as text.

    Raises:
        FilterError: the operator is not known, or no field is named.
    """

    __slots__ = ("_compare", "_op", "_text", "field", "value")

    def __init__(self, field: str, op: int, value: str) -> None:
        if op not in _COMPARE:
            raise FilterError(f"a filter on {field!r} has the operator {op}, which is not known")
        if not field:
            raise FilterError("a filter names no field")
        self.field, self.value = field, value
        self._op, self._compare, self._text = op, _COMPARE[op], value.casefold()

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether it holds for a row.

        Raises:
            FilterError: the row has no such field, or the field is a number and the value is none.
        """
        if self.field not in row:
            raise FilterError(f"there is no field {self.field!r}; there are {', '.join(row)}")
        actual = row[self.field]
        if isinstance(actual, bool) or self._op == FilterOp.CONTAINS or not isinstance(actual, int | float):
            return self._compare(as_text(actual).casefold(), self._text)
        try:
            number = float(self.value) if "." in self.value or "e" in self._text else int(self.value)
        except ValueError:
            raise FilterError(f"{self.field} is a number, and {self.value!r} is none") from None
        return self._compare(actual, number)


def wanted(row: Mapping[str, Any], filters: Iterable[Filter]) -> bool:
    """Whether all filters hold for a row."""
    return all(each.holds(row) for each in filters)
