"""The two languages on the same inputs: what one reads the other reads too, and as the same.

Java looks at nothing in a table that Python does not, but Arrow's libraries differ in what they refuse, and so the two
need not agree on whether a broken table is one. Where both read it, it is the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bowstring_wire.messages import Encoding
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.payload import read_payload
from bowstring_wire.values.portable import decode_portable
from conformance.fuzz.java_targets import JavaVerdict, replay
from conformance.fuzz.sameness import same
from conformance.fuzz.targets import PASSED_OVER, TARGETS, is_sound


def findings(inputs: Sequence[tuple[str, str, bytes]]) -> Iterator[str]:
    """Run (target, name, input) through both languages; yields what is wrong, a line each."""
    java = replay([(target, data) for target, _, data in inputs])
    for (target, name, data), there in zip(inputs, java, strict=True):
        wrong = finding(target, data, there)
        if wrong:
            yield f"{target}/{name}: {wrong}"


def finding(target: str, data: bytes, there: JavaVerdict) -> str:
    """What is wrong with the two verdicts on one input; empty: nothing."""
    if there.broke:
        return f"Java broke: {there.broke}"
    try:
        here = TARGETS[target](data)
    except Exception as error:
        return f"Python broke: {type(error).__name__}: {error}"
    if PASSED_OVER in (here, there.data):
        return ""
    if here is None or there.data is None:
        if (here is None) == (there.data is None) or _may_differ(target, data):
            return ""
        return f"{'Python' if here is None else 'Java'} refuses what the other reads"
    return _COMPARED.get(target, _same_bytes)(here, there.data)


def _same_bytes(here: bytes, there: bytes) -> str:
    return "" if here == there else f"Python reads {here.hex()}, Java {there.hex()}"


def _same_values(here: bytes, there: bytes) -> str:
    mine, others = _read(here), _read(there)
    return "" if same(mine, others) else f"Python reads {mine!r:.400}, Java {others!r:.400}"


def _read(written: bytes) -> Any:
    value = decode_portable(read_payload(written[0], written[1], written[2:]))
    if not is_sound(value):
        raise ProtocolError("a table that was sound was written as one that is not")
    return bytes(value) if written[0] == Encoding.BYTES else value


_COMPARED: dict[str, Callable[[bytes, bytes], str]] = {"values": _same_values, "arrow": _same_values}


def _may_differ(target: str, data: bytes) -> bool:
    return target == "arrow" or (target == "values" and b"\xff\xff\xff\xff" in data)
