"""`python -m conformance.golden.jvm messages|values CLASSPATH`: Java's codecs against Python's, in one JVM.

Messages: reads with Java's codec what Python wrote, and what FlatBuffers' own writer laid out in another valid way, and
compares what Java writes with Python's canonical bytes. What was changed at random must give a message or a
ProtocolException.

Values: reads every golden value, and trees at random, with Java, lets it write the value again, and reads that with
Python; what readers must refuse Java must refuse.

Bytes go in, bytes come out; nothing else crosses.

It is a program of its own because a process can hold one JVM for its life, and pytest's fault handler takes the
signals that a JVM uses. The last line of its output is JSON: the number of comparisons and the first failures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from typing import Any

import jpype

from bowstring_wire.messages import Encoding, Layout
from bowstring_wire.values.payload import inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable
from conformance.golden import flatbuffers_own
from conformance.golden.cases import use_stand_ins
from conformance.golden.forms import Form, from_python
from conformance.golden.make import FOLDER, read_hex
from conformance.golden.specimens import TABLES, Specimens
from conformance.golden.trees import Trees

# Names that the schema has for what Java's public API calls its own.
_JAVA_NAMES = {"ActorHandle": "WireHandle"}
_FAILURES_SHOWN = 20


class JavaCodec:
    """Java's generated codec, by the names of tables."""

    def __init__(self) -> None:
        package = "io.bowstring.internal.wire"
        self._tables = {table: jpype.JClass(f"{package}.{_JAVA_NAMES.get(table, table)}") for table in TABLES}
        self.protocol_exception: Any = jpype.JClass("io.bowstring.errors.ProtocolException")

    def rewritten(self, table: str, data: bytes) -> bytes:
        """What Java writes of the message that it reads in `data`."""
        return bytes(self._tables[table].decode(jpype.JArray(jpype.JByte)(data)).encode())


class JavaValues:
    """Java's reader and writer of values. References and handles stay what they are on the wire."""

    def __init__(self) -> None:
        package = "io.bowstring.internal.value"
        wire = "io.bowstring.internal.wire"
        self._values: Any = jpype.JClass(f"{package}.Values")
        self._payload: Any = jpype.JClass(f"{package}.Payload")
        self._loader: Any = jpype.JClass("java.lang.ClassLoader").getSystemClassLoader()
        self.refusal: Any = jpype.JClass("io.bowstring.errors.BowstringException")
        ref_kind, handle_kind = jpype.JClass(f"{wire}.WireRef"), jpype.JClass(f"{wire}.WireHandle")

        @jpype.JImplements(f"{package}.References")
        class AsTheyAre:
            @jpype.JOverride
            def refOf(self, value: Any) -> Any:
                return value if isinstance(value, ref_kind) else None

            @jpype.JOverride
            def handleOf(self, value: Any) -> Any:
                return value if isinstance(value, handle_kind) else None

            @jpype.JOverride
            def typeOf(self, reference: Any) -> Any:
                return None

            @jpype.JOverride
            def readRef(self, ref: Any, kind: Any) -> Any:
                return ref

            @jpype.JOverride
            def readHandle(self, handle: Any) -> Any:
                return handle

        self._references = AsTheyAre()

    def read(self, encoding: int, layout: int, data: bytes) -> Any:
        """The Java value that a payload holds."""
        array = jpype.JArray(jpype.JByte)(data)
        payload = self._payload.inBody(encoding, layout, array, 0, len(data))
        return self._values.decode(payload, self._references, self._loader)

    def written(self, value: Any) -> tuple[int, int, bytes]:
        """(encoding, layout, payload) of a Java value for a reader in another language."""
        payload = self._values.encodePortable(value, self._references).inline()
        data = payload.data()
        array = jpype.JArray(jpype.JByte)(int(data.remaining()))
        data.duplicate().get(array)
        return int(payload.encoding()), int(payload.layout()), bytes(array)


def start_jvm(classpath: str) -> None:
    """Start this process's one JVM."""
    flags = ["-Xshare:auto", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.nio=ALL-UNNAMED"]
    flags += ["-XX:+IgnoreUnrecognizedVMOptions", "--sun-misc-unsafe-memory-access=allow"]
    jpype.startJVM(*flags, classpath=classpath.split(os.pathsep), convertStrings=False)


class Comparison:
    """Counts what was compared and keeps what differed."""

    def __init__(self) -> None:
        self.count = 0
        self.failures: list[str] = []

    def that(self, same: bool, failure: str) -> None:
        self.count += 1
        if not same:
            self.failures.append(failure)


def compare_messages(codec: JavaCodec, seed: int, rounds: int, comparison: Comparison) -> None:
    """Compare golden messages, and `rounds` random ones of each table."""

    def expect(name: str, table: str, data: bytes, canonical: bytes) -> None:
        try:
            found = codec.rewritten(table, data)
        except jpype.JException as error:
            comparison.that(False, f"{name}: {error}")
            return
        comparison.that(found == canonical, f"{name}: {data.hex()} gave {found.hex()} instead of {canonical.hex()}")

    def survive(name: str, table: str, data: bytes) -> None:
        failure = ""
        try:
            codec.rewritten(table, data)
        except codec.protocol_exception:
            pass
        except jpype.JException as error:
            failure = f"{name}: {error} for {data.hex()}"
        comparison.that(not failure, failure)

    golden = json.loads((FOLDER / "manifest.json").read_text())["messages"]
    canonical = {case["name"]: read_hex(FOLDER / case["file"]) for case in golden}
    for case in golden:
        name = case["name"].removesuffix("-other")
        expect(case["name"], case["table"], canonical[case["name"]], canonical[name])
    for table in TABLES:
        source = random.Random(f"{seed} {table}")
        for index in range(rounds):
            name = f"{table} {seed}/{index}"
            message = Specimens(source).message(table)
            data = message.encode()
            expect(name, table, data, data)
            expect(f"{name} laid out otherwise", table, flatbuffers_own.write(message, source), data)
            changed = bytearray(data)
            for _ in range(source.randrange(1, 4)):
                changed[source.randrange(len(changed))] = source.choice((0, 1, 0x7F, 0xFF, source.randrange(256)))
            survive(f"{name} changed", table, bytes(changed[: source.choice((len(data), len(data) // 2))]))


def compare_values(java: JavaValues, comparison: Comparison) -> None:
    """Compare golden values, through Java and back; and what must be refused."""
    use_stand_ins()
    manifest = json.loads((FOLDER / "manifest.json").read_text())
    for case in manifest["values"]:
        payload = Encoding[case["encoding"]], Layout[case["layout"]], read_hex(FOLDER / case["file"])
        comparison.that(*_through_java(java, case["name"], payload, case["value"]))
    for case in manifest["refused"]:
        payload = Encoding[case["encoding"]], Layout[case["layout"]], read_hex(FOLDER / case["file"])
        failure = f"{case['name']}: was read"
        try:
            java.read(*payload)
        except java.refusal:
            failure = ""
        except jpype.JException as error:
            failure = f"{case['name']}: {error!r}"
        comparison.that(not failure, failure)


def compare_trees(java: JavaValues, seed: int, rounds: int, comparison: Comparison) -> None:
    """Compare values at random, through Java and back."""
    for index in range(rounds):
        value = Trees(random.Random(f"{seed} {index}")).value()
        encoded = encode_portable(value)
        layout, data = inline_payload(encoded)
        payload = encoded.encoding, layout, bytes(data)
        comparison.that(*_through_java(java, f"tree {seed}/{index}", payload, from_python(value)))


def _through_java(java: JavaValues, name: str, payload: tuple[int, int, bytes], form: Form) -> tuple[bool, str]:
    """Whether a value is the same after Java read and wrote it, and else what happened."""
    if payload[0] == Encoding.PYTHON:
        return True, ""
    try:
        value = java.read(*payload)
        if payload[0] == Encoding.JAVA:
            return str(value) == "text", f"{name}: read as {value}"
        encoding, layout, data = java.written(value)
    except jpype.JException as error:
        return payload[0] == Encoding.ERROR and isinstance(error, java.refusal), f"{name}: {error!r}"
    found = from_python(decode_portable(read_payload(encoding, layout, data)))
    if form["type"] == "bytes":
        form = {**form, "type": "bin"}
    return found == form, f"{name}: {json.dumps(found)[:400]} instead of {json.dumps(form)[:400]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="jvm", description=__doc__)
    parser.add_argument("what", choices=["messages", "values"])
    parser.add_argument("classpath", help="the Java library, and for values what it needs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20, help="random messages of each table; 10 times as many trees")
    arguments = parser.parse_args()
    start_jvm(arguments.classpath)
    comparison = Comparison()
    if arguments.what == "messages":
        compare_messages(JavaCodec(), arguments.seed, arguments.rounds, comparison)
    else:
        java = JavaValues()
        compare_values(java, comparison)
        compare_trees(java, arguments.seed, 10 * arguments.rounds, comparison)
    failures = comparison.failures[:_FAILURES_SHOWN]
    print(json.dumps({"compared": comparison.count, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
