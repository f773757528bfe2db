"""Where objects were put, for who looks for what fills the store. Off unless BOWSTRING_CALL_SITES=1 is set.

When on, it takes the place of the writer's `put`; when off, nothing is asked and nothing is paid.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring.object_ref import ObjectRef

SITES_MAX = 100_000  # the oldest are forgotten first
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def wanted() -> bool:
    """Whether the environment asks for it."""
    return os.environ.get("BOWSTRING_CALL_SITES") == "1"


def record(runtime: Runtime) -> None:
    """Note from now on where each put is made."""
    put, sites = runtime.writer.put, runtime.call_sites

    def noted(value: Any) -> ObjectRef[Any]:
        ref = put(value)
        frame = sys._getframe(1)
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
            frame = frame.f_back
        sites[ref._id] = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        if len(sites) > SITES_MAX:
            del sites[next(iter(sites))]
        return ref

    runtime.writer.put = noted  # type: ignore[method-assign]
