"""Rows as people read them: columns that fit, times and sizes in units.

On a terminal a table is as wide as the terminal. Elsewhere (a pipe, a file) it is as wide as it must be, so that
nothing is cut from what grep looks for.
"""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bowstring_core.machine.filters import as_text

UNBOUNDED_WIDTH = 1 << 14
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_SIZES = frozenset(("size", "capacity", "allocated", "in_use", "inline_bytes", "spilled_bytes", "disk_bytes", "bytes"))
_NUMBERS = (int, float)


def console() -> Console:
    """Where a command's output goes, now: tests exchange it."""
    width = None if sys.stdout.isatty() else UNBOUNDED_WIDTH
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """A line of output as it is."""
    print(text)


def size_text(size: int) -> str:
    """Bytes in a unit that people read."""
    amount, unit = float(size), 0
    while amount >= 1024 and unit + 1 < len(_UNITS):
        amount, unit = amount / 1024, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 or amount >= 100 else f"{amount:.1f} {_UNITS[unit]}"


def _time_text(time_ns: int) -> str:
    if not time_ns:
        return "-"
    moment = datetime.datetime.fromtimestamp(time_ns / 1e9)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def cell(name: str, value: Any) -> str:
    """A field's value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "duration_ns":
        return f"{value / 1e9:.6f} s" if value else "-"
    if name.endswith("_ns") and isinstance(value, int):
        return _time_text(value)
    if name in _SIZES and isinstance(value, int):
        return size_text(value)
    if value is None or value == "" or value == {} or value == []:
        return "-"
    if name in ("total", "available") and isinstance(value, _NUMBERS) and value >= 1 << 20:
        return size_text(int(value))
    return as_text(value)


def show_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str] = (), title: str = "") -> None:
    """Rows as a table: all fields of the first row, or those that are named."""
    out = console()
    if title:
        out.print(Text(title, style="bold"))
    if not rows:
        say("none")
        return
    names = list(columns) or list(rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        right = all(isinstance(row.get(name), _NUMBERS) and not isinstance(row.get(name), bool) for row in rows)
        header = name.removesuffix("_ns")
        table.add_column(header, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(name, row.get(name))) for name in names))
    out.print(table)
    if title:
        out.print()


def show_json(rows: Iterable[dict[str, Any]]) -> None:
    """Rows as JSON, a line for each."""
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
