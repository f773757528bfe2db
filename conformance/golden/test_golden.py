"""Python against the golden files, both ways; Java's codec against Python's, in a process of its own."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bowstring._ids import child_prefix, function_key
from bowstring_wire import messages
from bowstring_wire.messages import OBJECT_REF, Encoding, Layout
from bowstring_wire.protocol import FrameParser, ProtocolError, hello_proof
from bowstring_wire.values import portable
from bowstring_wire.values.payload import inline_payload, read_payload
from bowstring_wire.values.portable import decode_portable, encode_portable
from conformance.golden.cases import use_stand_ins
from conformance.golden.forms import from_python, to_python
from conformance.golden.make import FOLDER, golden_files, read_hex
from conformance.golden.specimens import ROOT, from_neutral, present, to_neutral

HASHES: dict[str, Any] = json.loads((FOLDER / "hashes.json").read_text())
MANIFEST: dict[str, Any] = json.loads((FOLDER / "manifest.json").read_text())
LIBRARY = ROOT / "python" / "bowstring_java" / "bowstring-all.jar"  # with all that it needs
OWN = {"error", "bytes", "opaque"}


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_codec", portable._codec)  # put back what use_stand_ins replaces
    use_stand_ins()


def section(name: str) -> Any:
    return pytest.mark.parametrize("case", MANIFEST[name], ids=lambda case: case["name"])


def bytes_of(case: dict[str, Any]) -> bytes:
    return read_hex(FOLDER / case["file"])


def test_the_files_are_what_the_generator_writes() -> None:
    files = golden_files()
    assert set(FOLDER.rglob("*.hex")) == {path for path in files if path.suffix == ".hex"}
    for path, (text, exact) in files.items():
        assert not exact or path.read_text() == text, f"{path.name} is stale: run python -m conformance.golden.make"


@section("messages")
def test_messages_are_read_and_written(case: dict[str, Any]) -> None:
    kind = getattr(messages, case["table"])
    message = from_neutral(case["table"], case["value"])
    found = present(kind.decode(bytes_of(case)))
    assert found == message
    assert to_neutral(found) == case["value"]
    if case["canonical"]:
        assert message.encode() == bytes_of(case)


@pytest.mark.rule("2.1/1")
@pytest.mark.parametrize("case", HASHES["children"])
def test_ids_of_children_follow_from_their_parents(case: dict[str, Any]) -> None:
    prefix = child_prefix(bytes.fromhex(case["parent"]), case["attempt"])
    assert (prefix + case["counter"].to_bytes(4, "little")).hex() == case["child"]


@pytest.mark.rule("2.3/1")
@pytest.mark.parametrize("case", HASHES["keys"])
def test_keys_are_hashes_of_what_they_stand_for(case: dict[str, Any]) -> None:
    named = case["language"], case["module"], case["name"]
    blob = bytes.fromhex(case["blob"])
    assert function_key(*named, case["signature"], blob).hex() == case["key"]


@pytest.mark.rule("1.3/1")
@pytest.mark.parametrize("case", HASHES["proofs"])
def test_a_proof_is_a_keyed_hash_of_the_nonce(case: dict[str, Any]) -> None:
    assert hello_proof(bytes.fromhex(case["token"]), bytes.fromhex(case["nonce"])).hex() == case["proof"]


@section("frames")
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_frames_are_cut(case: dict[str, Any], step: int) -> None:
    data = bytes_of(case)
    parser = FrameParser(handshake_done=case["handshake_done"])
    found = []
    failed = False
    try:
        for at in range(0, len(data), step):
            for kind, metadata, body in parser.feed(data[at : at + step]):
                found.append({"type": kind, "metadata": metadata.hex(), "body": body.hex()})
    except ProtocolError:
        failed = True
    assert found == case["frames"]
    assert failed == case["error"]


@section("values")
def test_values_are_read(case: dict[str, Any]) -> None:
    payload = read_payload(Encoding[case["encoding"]], Layout[case["layout"]], bytes_of(case))
    form = case["value"]
    if form["type"] == "error":
        assert to_neutral(messages.ErrorRecord.decode(bytes(payload.buffers[0]))) == form["message"]
    elif form["type"] == "bytes":
        assert bytes(decode_portable(payload)).hex() == form["hex"]
    elif form["type"] == "opaque":
        assert [bytes(buffer).hex() for buffer in payload.buffers] == form["buffers"]
        if payload.encoding == Encoding.PYTHON:
            assert pickle.loads(payload.buffers[0], buffers=payload.buffers[1:]) == {"a": 1}
    else:
        assert from_python(decode_portable(payload)) == form


@pytest.mark.parametrize(
    "case",
    [case for case in MANIFEST["values"] if case["value"]["type"] not in OWN],
    ids=lambda case: case["name"],
)
def test_values_are_written(case: dict[str, Any]) -> None:
    encoded = encode_portable(to_python(case["value"]))
    assert Encoding(encoded.encoding).name == case["encoding"]
    refs = [messages.ObjectRef._make(OBJECT_REF.unpack(OBJECT_REF.pack(*ref))) for ref in encoded.contains]
    assert [to_neutral(messages.ObjectPublish(ref=ref))["ref"] for ref in refs] == case["contains"]
    layout, payload = inline_payload(encoded)
    assert Layout(layout).name == case["layout"]
    if case["exact"]:
        assert payload == bytes_of(case)
    else:
        found = decode_portable(read_payload(encoded.encoding, layout, payload))
        assert from_python(found) == case["value"]


@section("refused")
def test_what_breaks_the_spec_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode_portable(read_payload(Encoding[case["encoding"]], Layout[case["layout"]], bytes_of(case)))


def compared_with_java(what: str, classpath: Path) -> int:
    """Run the comparison in a process of its own; how much was compared."""
    command = [sys.executable, "-m", "conformance.golden.jvm", what, str(classpath)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "python")])}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100)
    assert run.stdout, run.stderr
    outcome = json.loads(run.stdout.splitlines()[-1])
    assert outcome["failures"] == []
    return int(outcome["compared"])


@pytest.mark.skipif(not LIBRARY.is_file(), reason="the Java library is not built: make java")
def test_javas_codec_reads_and_writes_what_pythons_does() -> None:
    assert compared_with_java("messages", LIBRARY) > 2000


@pytest.mark.skipif(not LIBRARY.is_file(), reason="the Java library is not built: make java")
def test_java_reads_writes_and_refuses_the_same_values() -> None:
    assert compared_with_java("values", LIBRARY) > 300


def test_the_folder_holds_nothing_else() -> None:
    known = {"manifest.json", "hashes.json", "README.md", "rules.json"}
    others = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in (".hex", ".py", ".pyc")]
    assert {Path(path).name for path in others} <= known
