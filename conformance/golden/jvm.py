"""`python -m conformance.golden.jvm CLASSES SEED ROUNDS`: Java's codec against Python's, in one JVM.

Reads messages that Python wrote, and messages that FlatBuffers' own writer laid out in another valid way, with Java's
codec, and compares what that writes with Python's canonical bytes. What was changed at random must give a message or
a ProtocolException. Bytes go in, bytes come out; nothing else crosses.

It is a program of its own because a process can hold one JVM for its life, and pytest's fault handler takes the
signals that a JVM uses. The last line of its output is JSON: the number of comparisons and the first failures.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from typing import Any

import jpype

from conformance.golden import flatbuffers_own
from conformance.golden.make import FOLDER, read_hex
from conformance.golden.specimens import TABLES, Specimens

# Names that the schema has for what Java's public API calls its own.
_JAVA_NAMES = {"ActorHandle": "WireHandle"}
_FAILURES_SHOWN = 20


class JavaCodec:
    """Java's generated codec, by the names of tables."""

    def __init__(self, classes: Path) -> None:
        jpype.startJVM("-Xshare:auto", "-XX:TieredStopAtLevel=1", classpath=[str(classes)], convertStrings=False)
        package = "io.bowstring.internal.wire"
        self._tables = {table: jpype.JClass(f"{package}.{_JAVA_NAMES.get(table, table)}") for table in TABLES}
        self.protocol_exception: Any = jpype.JClass("io.bowstring.errors.ProtocolException")

    def rewritten(self, table: str, data: bytes) -> bytes:
        """What Java writes of the message that it reads in `data`."""
        return bytes(self._tables[table].decode(jpype.JArray(jpype.JByte)(data)).encode())


class Comparison:
    """Counts what was compared and keeps what differed."""

    def __init__(self, codec: JavaCodec) -> None:
        self.codec = codec
        self.count = 0
        self.failures: list[str] = []

    def expect(self, name: str, table: str, data: bytes, canonical: bytes) -> None:
        self.count += 1
        try:
            found = self.codec.rewritten(table, data)
        except jpype.JException as error:
            self.failures.append(f"{name}: {error}")
            return
        if found != canonical:
            self.failures.append(f"{name}: read {data.hex()}, wrote {found.hex()} instead of {canonical.hex()}")

    def survive(self, name: str, table: str, data: bytes) -> None:
        self.count += 1
        try:
            self.codec.rewritten(table, data)
        except self.codec.protocol_exception:
            pass
        except jpype.JException as error:
            self.failures.append(f"{name}: {error} for {data.hex()}")


def compare(codec: JavaCodec, seed: int, rounds: int) -> Comparison:
    """Compare golden messages, and `rounds` random ones of each table."""
    comparison = Comparison(codec)
    golden = json.loads((FOLDER / "manifest.json").read_text())["messages"]
    canonical = {case["name"]: read_hex(FOLDER / case["file"]) for case in golden}
    for case in golden:
        name = case["name"].removesuffix("-other")
        comparison.expect(case["name"], case["table"], canonical[case["name"]], canonical[name])
    for table in TABLES:
        source = random.Random(f"{seed} {table}")
        for index in range(rounds):
            name = f"{table} {seed}/{index}"
            message = Specimens(source).message(table)
            data = message.encode()
            comparison.expect(name, table, data, data)
            comparison.expect(f"{name} laid out otherwise", table, flatbuffers_own.write(message, source), data)
            changed = bytearray(data)
            for _ in range(source.randrange(1, 4)):
                changed[source.randrange(len(changed))] = source.choice((0, 1, 0x7F, 0xFF, source.randrange(256)))
            comparison.survive(f"{name} changed", table, bytes(changed[: source.choice((len(data), len(data) // 2))]))
    return comparison


def main() -> int:
    parser = argparse.ArgumentParser(prog="jvm", description=__doc__)
    parser.add_argument("classes", type=Path, help="folder or jar of the Java library")
    parser.add_argument("seed", type=int)
    parser.add_argument("rounds", type=int)
    arguments = parser.parse_args()
    comparison = compare(JavaCodec(arguments.classes), arguments.seed, arguments.rounds)
    failures = comparison.failures[:_FAILURES_SHOWN]
    print(json.dumps({"compared": comparison.count, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
