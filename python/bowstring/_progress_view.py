"""Shows in the driver how far workers (and the driver's own code) have come.

On a terminal rich draws the bars, and takes what is written to stdout and stderr meanwhile above them; it is imported
with the first bar. Elsewhere a bar is a line at its begin, every few seconds, and at its end.
"""

from __future__ import annotations

import sys
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

from bowstring_wire import messages as m

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

LINE_S = 5.0  # between two lines of one bar where there is no terminal


class ProgressView:
    """The bars of one driver. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Bars | None = None
        self._drawn: dict[tuple[int, int], TaskID] = {}  # by pid and bar
        self._lines: dict[tuple[int, int], float] = {}  # likewise: when the next one is due
        self._closed = False

    def show(self, said: m.Progress) -> None:
        """Show how far a bar is; bar 0 that is over stands for all of a process that has ended."""
        key = (said.pid, said.bar)
        with self._lock:
            if self._closed:
                return
            if not said.bar:
                for each in [each for each in (*self._drawn, *self._lines) if each[0] == said.pid]:
                    self._remove(each)
            elif sys.stderr.isatty():
                self._draw(key, said)
            else:
                self._line(key, said)

    def close(self) -> None:
        """Take the bars away, and give the terminal back."""
        with self._lock:
            self._closed = True
            for key in list(self._drawn):
                self._remove(key)

    def _draw(self, key: tuple[int, int], said: m.Progress) -> None:
        if said.over:
            self._remove(key)
            return
        if self._bars is None:
            self._bars = _new_bars()
            self._bars.start()
        total: Any = said.total or None
        if key not in self._drawn:
            self._drawn[key] = self._bars.add_task(_title(said), total=total, unit=said.unit)
        self._bars.update(self._drawn[key], completed=said.done, total=total)

    def _remove(self, key: tuple[int, int]) -> None:
        self._lines.pop(key, None)
        drawn = self._drawn.pop(key, None)
        if drawn is None or self._bars is None:
            return
        self._bars.remove_task(drawn)
        if not self._drawn:
            self._bars.stop()
            self._bars = None

    def _line(self, key: tuple[int, int], said: m.Progress) -> None:
        now = monotonic()
        if not said.over and now < self._lines.get(key, 0.0):
            return
        self._lines[key] = now + LINE_S
        if said.over:
            del self._lines[key]
        try:
            print(line_of(said), file=sys.stderr, flush=True)
        except (ValueError, OSError):
            pass  # the driver's stream is closed


def _title(said: m.Progress) -> str:
    who = f"({said.name} pid={said.pid}) " if said.pid else ""
    return f"{who}{said.description}"


def line_of(said: m.Progress) -> str:
    """How far a bar is, as a line."""
    unit = f" {said.unit}" if said.unit else ""
    share = f" ({100 * said.done // said.total} %)" if said.total else ""
    of = f"/{said.total}" if said.total else ""
    return f"{_title(said) or 'progress'}: {said.done}{of}{unit}{share}{', over' if said.over else ''}"


def _new_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}", markup=False),
        TimeElapsedColumn(),
    )
    # What goes to a terminal while bars are drawn must go through rich, or it is drawn over.
    console = Console(file=sys.stderr)
    return Progress(*columns, console=console, redirect_stdout=sys.stdout.isatty(), redirect_stderr=True)
