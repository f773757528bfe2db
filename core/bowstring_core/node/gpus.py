"""The GPUs of this machine, as CUDA names them.

What the node may use is what CUDA_VISIBLE_DEVICES names in its own environment, or else every NVIDIA device that the
kernel shows. The scheduler counts from 0; what a worker sees are the names, in CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import os
import re

VARIABLE = "CUDA_VISIBLE_DEVICES"
_DEVICE = re.compile(r"nvidia(\d+)")
_NONE = ("", "-1", "none", "NoDevFiles")


def named_gpus() -> list[str] | None:
    """The GPUs that the environment allows; None: it says nothing."""
    value = os.environ.get(VARIABLE)
    if value is None:
        return None
    return [name.strip() for name in value.split(",") if name.strip() not in _NONE]


def machine_gpus(devices: str = "/dev") -> list[str]:
    """The GPUs that this process may use."""
    named = named_gpus()
    if named is not None:
        return named
    try:
        numbers = [int(found[1]) for name in os.listdir(devices) if (found := _DEVICE.fullmatch(name))]
    except OSError:
        return []
    return [str(number) for number in sorted(numbers)]


def visible(numbers: str) -> str:
    """What a worker's CUDA_VISIBLE_DEVICES says for the scheduler's numbers ("-": it is left as it is)."""
    named = named_gpus()
    if not named or numbers in ("", "-"):
        return numbers
    return ",".join(named[int(number)] for number in numbers.split(","))
