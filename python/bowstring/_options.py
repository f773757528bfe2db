"""Options of functions, classes and methods: their names, their checks, and what they mean on the wire."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict

from bowstring import _environments, _placing
from bowstring.errors import InvalidArgumentError

if TYPE_CHECKING:
    from bowstring._runtime import Runtime
    from bowstring.errors import BowstringError

UNITS = 10_000  # resources are counted in 1/10000 (spec 4.3)
RETRIES_DEFAULT = 3
NUM_RETURNS_MAX = 65_536
SECONDS_MAX = 1_000_000_000  # 30 years: longer ones overflow what counts milliseconds
STREAMING = -1  # num_returns="streaming", as it is on the wire


class Strategy(Protocol):
    """One of the classes in bowstring.util.scheduling_strategies."""

    def place(self, runtime: Runtime, environment: bytes, error: type[BowstringError], /) -> _placing.Place: ...


class _Shared(TypedDict, total=False):
    num_cpus: float | None
    num_gpus: float | None
    memory: float | None
    resources: Mapping[str, float] | None
    name: str | None
    runtime_env: Mapping[str, Any] | None
    scheduling_strategy: Literal["DEFAULT", "SPREAD"] | Strategy | None


class TaskOptions(_Shared, total=False):
    """Options of a function, without num_returns: that changes what `.remote` returns."""

    max_retries: int | None
    retry_exceptions: bool | Sequence[type[BaseException]] | None
    timeout_s: float | None
    max_calls: int | None
    generator_backpressure: int | None


class ActorOptions(_Shared, total=False):
    """Options of an actor's class."""

    max_restarts: int | None
    max_task_retries: int | None
    max_concurrency: int | None
    max_pending_calls: int | None
    namespace: str | None
    lifetime: Literal["detached"] | None
    get_if_exists: bool | None
    concurrency_groups: Mapping[str, int] | None
    checkpoint_interval: int | None
    shared_worker: bool | None


class AllOptions(TaskOptions, ActorOptions, total=False):
    """Options of whatever `@remote(...)` stands before."""


def refuse(what: str, name: str, expected: str, got: Any) -> InvalidArgumentError:
    """The error for an argument of the wrong type or value."""
    shown = repr(got)
    if len(shown) > 80:
        shown = shown[:77] + "..."
    return InvalidArgumentError(f"{what}: {name} must be {expected}, not {shown}")


def _amount(what: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise refuse(what, name, "a finite number of 0 or more", value)


def _count_from(least: int) -> Callable[[str, str, Any], None]:
    def check(what: str, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise refuse(what, name, f"an int of {least} or more", value)

    return check


def _pending_calls(what: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < -1 or value == 0:
        raise refuse(what, name, "an int of 1 or more, or -1 for any number", value)


def _num_returns(what: str, name: str, value: Any) -> None:
    if value == "streaming":
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= NUM_RETURNS_MAX:
        raise refuse(what, name, f'an int from 0 to {NUM_RETURNS_MAX}, or "streaming"', value)


def _text(what: str, name: str, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise refuse(what, name, "a str that is not empty", value)


def _flag(what: str, name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise refuse(what, name, "True or False", value)


def _resources(what: str, name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise refuse(what, name, "a dict of resource names to amounts", value)
    for key, amount in value.items():
        if not isinstance(key, str) or not key:
            raise refuse(what, f"a key of {name}", "a str that is not empty", key)
        if key in ("CPU", "GPU", "memory"):
            option = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}[key]
            raise refuse(what, f"{name}[{key!r}]", f"given as {option}=", amount)
        _amount(what, f"{name}[{key!r}]", amount)


def _groups(what: str, name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise refuse(what, name, "a dict of group names to numbers of calls that may overlap", value)
    for key, count in value.items():
        if not isinstance(key, str) or not key or "=" in key:
            raise refuse(what, f"a key of {name}", 'a str that is not empty and has no "="', key)
        _count_from(1)(what, f"{name}[{key!r}]", count)


def retried(what: str, name: str, value: Any) -> None:
    """Check retry_exceptions."""
    if isinstance(value, bool):
        return
    if not isinstance(value, (list, tuple)) or not value:
        raise refuse(what, name, "True, False or a list of exception classes", value)
    for place, kind in enumerate(value):
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise refuse(what, f"{name}[{place}]", "an exception class", kind)


def _seconds(what: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= SECONDS_MAX:
        raise refuse(what, name, f"a number of seconds above 0 and up to {SECONDS_MAX:,}", value)


def milliseconds(seconds: float) -> int:
    """A time limit as it is on the wire: rounded up, so that a short one is not none."""
    return math.ceil(seconds * 1000)


def _lifetime(what: str, name: str, value: Any) -> None:
    if value != "detached":
        raise refuse(what, name, '"detached" or None', value)


_SHARED = {
    "num_cpus": _amount,
    "num_gpus": _amount,
    "memory": _amount,
    "resources": _resources,
    "name": _text,
    "runtime_env": _environments.check,
    "scheduling_strategy": _placing.check_strategy,
}
TASK_OPTIONS = {
    **_SHARED,
    "num_returns": _num_returns,
    "max_retries": _count_from(-1),
    "retry_exceptions": retried,
    "timeout_s": _seconds,
    "max_calls": _count_from(0),
    "generator_backpressure": _count_from(1),
}
ACTOR_OPTIONS = {
    **_SHARED,
    "max_restarts": _count_from(-1),
    "max_task_retries": _count_from(-1),
    "max_concurrency": _count_from(1),
    "max_pending_calls": _pending_calls,
    "namespace": _text,
    "lifetime": _lifetime,
    "get_if_exists": _flag,
    "concurrency_groups": _groups,
    "checkpoint_interval": _count_from(1),
    "shared_worker": _flag,
}
METHOD_OPTIONS = {
    "num_returns": _num_returns,
    "max_task_retries": _count_from(-1),
    "retry_exceptions": retried,
    "concurrency_group": _text,
    "name": _text,
    "generator_backpressure": _count_from(1),
}


def checked(
    what: str, options: dict[str, Any], allowed: Mapping[str, Callable[[str, str, Any], None]]
) -> dict[str, Any]:
    """The options without those that are None.

    Raises:
        InvalidArgumentError: a name is unknown, or a value is wrong; the message names it.
    """
    for name, value in options.items():
        check = allowed.get(name)
        if check is None:
            raise InvalidArgumentError(f"{what}: unknown option {name!r}; options are {', '.join(sorted(allowed))}")
        if value is not None:
            check(what, name, value)
    found = {name: value for name, value in options.items() if value is not None}
    if "runtime_env" in found:
        found["runtime_env"] = _environments.normal(what, "runtime_env", found["runtime_env"])
    return found


def result_count(options: Mapping[str, Any], default: int = 1) -> int:
    """num_returns as it is on the wire."""
    wanted = options.get("num_returns", default)
    return STREAMING if wanted == "streaming" else wanted


def resource_units(options: Mapping[str, Any], cpus_default: float) -> tuple[tuple[str, int], ...]:
    """What the options ask for, in wire units, sorted by name; without what is 0."""
    amounts = {
        "CPU": options.get("num_cpus", cpus_default),
        "GPU": options.get("num_gpus", 0),
        "memory": options.get("memory", 0),
        **options.get("resources", {}),
    }
    units = {name: round(amount * UNITS) for name, amount in amounts.items()}
    return tuple(sorted((name, number) for name, number in units.items() if number))
