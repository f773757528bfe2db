"""Hearing what workers say to this driver, as it comes.

What pytest captures can be read once, when all is there: what is written while it is read can be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bowstring import _progress_view, _session
from bowstring_wire import messages as m


class Heard:
    """What workers have written, as whole lines without their prefix, and said of how far they are."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.err: list[str] = []
        self.bars: list[str] = []

    def log(self, lines: m.LogLines) -> None:
        (self.err if lines.stream == 2 else self.out).extend(lines.text.splitlines())

    def progress(self, said: m.Progress) -> None:
        self.bars.append(_progress_view.line_of(said))


@contextmanager
def hearing() -> Iterator[Heard]:
    """Listen in addition to what the driver does with it."""
    runtime = _session.running_runtime()
    print_log, show = runtime.on_log, runtime.on_progress
    heard = Heard()

    def on_log(lines: m.LogLines) -> None:
        print_log(lines)
        heard.log(lines)

    def on_progress(said: m.Progress) -> None:
        show(said)
        heard.progress(said)

    runtime.on_log, runtime.on_progress = on_log, on_progress
    try:
        yield heard
    finally:
        runtime.on_log, runtime.on_progress = print_log, show
