"""Where a campaign starts: the golden files as inputs of the targets, and what earlier campaigns found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bowstring_wire.messages import Encoding
from conformance.fuzz.targets import TARGETS, tag_of
from conformance.golden.make import FOLDER as GOLDEN
from conformance.golden.make import read_hex

FOUND = Path(__file__).parent / "found"
SELECTORS = {Encoding.ARROW: 0, Encoding.TENSOR: 2, Encoding.BYTES: 4, Encoding.PORTABLE: 6}
LARGEST_BYTES = 16_384  # of a seed: mutations of larger ones rarely meet a head


def seeds(target: str) -> dict[str, bytes]:
    """Inputs of a target by name: golden ones, then those in the folder `found`."""
    made = {name: data for name, data in _golden(target) if len(data) <= LARGEST_BYTES}
    return made | found(target)


def found(target: str) -> dict[str, bytes]:
    """What earlier campaigns found, each named after what was wrong."""
    return {path.stem: read_hex(path) for path in sorted((FOUND / target).glob("*.hex"))}


def all_seeds() -> dict[str, dict[str, bytes]]:
    """The inputs of every target."""
    return {target: seeds(target) for target in TARGETS}


def _golden(target: str) -> Iterator[tuple[str, bytes]]:
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    if target == "frames":
        for case in manifest["frames"]:
            data = read_hex(GOLDEN / case["file"])
            for step in (1, 7, 120):
                yield f"{case['name']}-{step}", bytes((case["handshake_done"] | (step - 1) << 1,)) + data
    elif target == "messages":
        for case in manifest["messages"]:
            yield case["name"], tag_of(case["table"]) + read_hex(GOLDEN / case["file"])
    elif target == "errors":
        for case in manifest["messages"]:
            if case["table"] == "ErrorRecord":
                yield case["name"], read_hex(GOLDEN / case["file"])
    else:
        for case in manifest["values"] + manifest["refused"]:
            data, encoding = read_hex(GOLDEN / case["file"]), Encoding[case["encoding"]]
            if target == "values" and encoding in SELECTORS:
                yield case["name"], bytes((SELECTORS[encoding] | (case["layout"] == "IMAGE"),)) + data
            elif target == "arrow" and encoding == Encoding.ARROW:
                yield case["name"], _stream_of(data)


def _stream_of(image: bytes) -> bytes:
    """The stream inside an image, as an input: from its first continuation mark on."""
    at = image.find(b"\xff\xff\xff\xff")
    return b"\0" + image[at:]
