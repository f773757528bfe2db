"""Small values that the node holds itself are bounded: they go to disk, and come back."""

from __future__ import annotations

import pytest

from bowstring_wire.messages import ErrorCode, Failure, GetMode, ObjectValue, StateKind, ValueState
from tests.process.core.test_objects import change, get, new_ref, publish, state, sync
from tests.process.waiting import wait_until

KB = 1 << 10


def store(client):
    [row] = state(client, StateKind.STORE)
    return row


@pytest.mark.rule("3.13/1", "3.13/4")
def test_inline_values_beyond_the_limit_are_on_disk_until_they_are_asked_for(start_node):
    a = start_node("--inline-memory", str(256 * KB)).driver()
    refs = []
    for number in range(64):
        refs.append(new_ref(a, number))
        publish(a, refs[-1], bytes([number]) * 16 * KB)
        wait_until(lambda: store(a)["inline_bytes"] <= 256 * KB)
    assert store(a)["spilled_objects"] >= 48
    for number, ref in enumerate(refs):
        get(a, ref)
        value, body = a.receive(ObjectValue)
        assert (value.state, body[: value.length]) == (ValueState.INLINE, bytes([number]) * 16 * KB)
        assert store(a)["inline_bytes"] <= 300 * KB
    get(a, refs[0], GetMode.READY)
    assert a.expect(ObjectValue).state == ValueState.INLINE
    for ref in refs:
        change(a, ref, -1)
    sync(a)
    assert (store(a)["inline_bytes"], store(a)["disk_bytes"]) == (0, 0)


@pytest.mark.rule("3.13/4")
def test_an_inline_value_that_no_disk_takes_is_refused_to_who_asks(start_node):
    a = start_node("--inline-memory", str(64 * KB), "--spill-bytes-max", "0").driver()
    refs = [new_ref(a, number) for number in range(10)]
    for ref in refs:
        publish(a, ref, bytes(16 * KB))
    assert store(a)["inline_bytes"] == 128 * KB
    get(a, refs[7])
    assert a.expect(ObjectValue).length == 16 * KB
    get(a, refs[8])
    record = a.expect(Failure).error
    assert record.code == ErrorCode.OBJECT_STORE_FULL
    assert str(16 * KB) in record.message
    change(a, refs[0], -1)
    late = new_ref(a, 11)
    publish(a, late, bytes(16 * KB))
    get(a, late)
    assert a.expect(ObjectValue).length == 16 * KB
