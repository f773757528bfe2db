"""References and handles in portable trees: they come back, are counted, and need a frontend."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from bowstring_wire.messages import OBJECT_REF, ActorHandle, ObjectRef
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values import portable
from bowstring_wire.values.portable import decode_portable, encode_portable, register_reference
from tests.unit.values.placing import inlined
from tests.unit.values.trees import Reference, tree_of

REF = ObjectRef(bytes(range(20)), 0, 7, 8)
ACTOR = ActorHandle(ref=ObjectRef(bytes(20), 0, 9, 10), class_name="Counter")


@pytest.mark.usefixtures("references")
def test_references_and_handles_come_back_and_are_counted() -> None:
    monkey = Reference(OBJECT_REF.pack(*REF))
    encoded = encode_portable({"r": [monkey, monkey]})
    assert encoded.contains == [REF, REF]
    assert decode_portable(inlined(encoded))["r"][1].data == monkey.data
    assert encode_portable(monkey).contains == [REF]


@pytest.fixture
def separate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Actor:
        def __init__(self, data: bytes) -> None:
            self.data = data

    monkeypatch.setattr(portable, "_codec", portable._Codec())
    register_reference(Reference, lambda ref: ref.data, Reference, Actor, lambda actor: actor.data, Actor)


@pytest.mark.usefixtures("separate")
def test_a_handle_holds_its_actors_reference() -> None:
    kind: Any = portable._codec.kind_of_handle
    encoded = encode_portable([kind(ACTOR.encode())])
    assert encoded.contains == [ACTOR.ref]
    found = decode_portable(inlined(encoded))[0]
    assert type(found) is kind
    assert ActorHandle.decode(found.data) == ACTOR


@pytest.mark.usefixtures("references")
@pytest.mark.parametrize("data", [b"", bytes(39), bytes(41)])
def test_a_reference_has_40_bytes(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="a reference of"):
        tree_of(msgpack.packb(msgpack.ExtType(1, data)))


@pytest.mark.usefixtures("references")
def test_a_handle_that_is_no_table_is_refused() -> None:
    with pytest.raises(ProtocolError):
        tree_of(msgpack.packb(msgpack.ExtType(2, b"x" * 40)))


def test_references_without_a_frontend_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable, "_codec", portable._Codec())
    for code, data in ((1, bytes(40)), (2, ACTOR.encode())):
        with pytest.raises(ProtocolError, match="no frontend"):
            tree_of(msgpack.packb(msgpack.ExtType(code, data)))
