"""What was begun on one runtime must not go on on another, which a call would start if none runs any more."""

from __future__ import annotations

from bowstring._runtime import Runtime, current_runtime_or_none
from bowstring.errors import RuntimeStoppedError


def check_runs_on(runtime: Runtime) -> None:
    """See that `runtime` is still the one of this process.

    Raises:
        RuntimeStoppedError: it was shut down.
    """
    if current_runtime_or_none() is not runtime:
        raise RuntimeStoppedError("the runtime on which this was begun was shut down")
