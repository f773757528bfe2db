"""The timeline as a file that Perfetto and chrome://tracing open, or as its events."""

from __future__ import annotations

import json
import os
from typing import Any

from bowstring import _state
from bowstring._session import running_runtime
from bowstring_wire.messages import StateKind


def timeline(filename: str | os.PathLike[str] | None) -> list[dict[str, Any]] | None:
    """See `bowstring.timeline`."""
    pages = _state.pages(running_runtime(), StateKind.TRACE)
    if filename is None:
        return [event for page in pages for event in page]
    # Beside its place, so that who reads it never sees a half.
    partial = f"{os.fspath(filename)}.partial"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write('{"traceEvents": [')
            separator = "\n"
            for page in pages:
                for event in page:
                    file.write(separator + json.dumps(event))
                    separator = ",\n"
            file.write('\n], "displayTimeUnit": "ms"}\n')
        os.replace(partial, filename)
    except BaseException:
        if os.path.exists(partial):
            os.unlink(partial)
        raise
    return None
