"""Objects, functions and shared memory with a real node."""

import mmap
import os

import psutil
import pytest

from bowstring_wire.messages import (
    Ack,
    Encoding,
    ErrorCode,
    ExtentAllocate,
    ExtentGrant,
    ExtentReturn,
    Failure,
    FrameType,
    Function,
    FunctionGet,
    FunctionPut,
    GetMode,
    GoAway,
    Layout,
    Location,
    ObjectGet,
    ObjectGetCancel,
    ObjectPublish,
    ObjectRef,
    ObjectSeal,
    ObjectUnpin,
    ObjectValue,
    RefChange,
    RefHold,
    RefUpdate,
    SegmentDropped,
    SegmentMapped,
    StateKind,
    StateQuery,
    StateReply,
    ValueState,
)
from bowstring_wire.protocol import frame
from tests.process.core.wire_client import ConnectionEnded


def new_ref(client, index=0):
    return ObjectRef(client.task_id() + index.to_bytes(4, "little"), 0, client.process, client.welcome.node)


def publish(client, ref, data=b"value", encoding=Encoding.BYTES, contains=()):
    client.send(ObjectPublish(ref, ValueState.INLINE, encoding, Layout.COMPACT, len(data), contains), data)


def get(client, ref, mode=GetMode.VALUE, reader=0):
    client.send(ObjectGet(client.request(), ref, mode, reader))
    return client.requests


def change(client, ref, by):
    client.send(RefUpdate((RefChange(*ref, by, 0),)))


def sync(client):
    """Until the node has processed all that the client sent."""
    client.send(RefHold(client.request(), ()))
    while client.expect(Ack).request != client.requests:
        pass


def state(client, kind):
    import msgpack

    client.send(StateQuery(client.request(), kind))
    message, body = client.receive(StateReply)
    return msgpack.unpackb(body[: message.length])


def put(client, data):
    """Put bytes into the store as a frontend would; the reference, and the mapping."""
    client.send(ExtentAllocate(client.request(), len(data)))
    grant = client.expect(ExtentGrant)
    if grant.segment not in client.mapped:
        fd = os.open(grant.segment_path, os.O_RDWR)
        client.mapped[grant.segment] = mmap.mmap(fd, grant.segment_length)
        os.close(fd)
        client.send(SegmentMapped(grant.segment))
    client.mapped[grant.segment][grant.offset : grant.offset + len(data)] = data
    ref = new_ref(client)
    client.send(ObjectSeal(ref, Location(grant.segment, 0, grant.offset, len(data)), grant.extent, Encoding.BYTES))
    return ref, grant


def read(value):
    fd = os.open(value.segment_path, os.O_RDONLY)
    with mmap.mmap(fd, value.segment_length, prot=mmap.PROT_READ) as mapped:
        data = mapped[value.location.offset : value.location.offset + value.location.length]
    os.close(fd)
    return data


def test_inline_value_is_read_by_another_process(node):
    a, b = node.driver(), node.driver()
    ref = new_ref(a)
    request = get(b, ref)
    assert b.silent(ObjectValue)
    publish(a, ref, b"hello")
    value, body = b.receive(ObjectValue)
    assert (value.request, value.state, value.encoding) == (request, ValueState.INLINE, Encoding.BYTES)
    assert body[: value.length] == b"hello"


def test_ready_is_answered_without_the_value(node):
    a = node.driver()
    ref = new_ref(a)
    publish(a, ref)
    get(a, ref, GetMode.READY)
    value, body = a.receive(ObjectValue)
    assert (value.state, value.pin, body) == (ValueState.INLINE, 0, b"")


def test_pending_object_is_answered_once_it_is_ready(node):
    a, b = node.driver(), node.driver()
    ref = new_ref(a)
    a.send(ObjectPublish(ref, ValueState.PENDING))
    get(b, ref)
    publish(a, ref)
    assert b.receive(ObjectValue)[1][:5] == b"value"


def test_cancelled_get_is_not_answered(node):
    a = node.driver()
    ref = new_ref(a)
    a.send(ObjectGetCancel(get(a, ref)))
    publish(a, ref)
    assert a.silent(ObjectValue)


def test_object_is_freed_when_its_owner_lets_it_go(node):
    a = node.driver()
    ref = new_ref(a)
    publish(a, ref)
    change(a, ref, -1)
    get(a, ref)
    assert a.expect(Failure).error.code == ErrorCode.OBJECT_FREED


def test_object_lives_while_a_borrower_holds_it(node):
    a, b = node.driver(), node.driver()
    ref = new_ref(a)
    publish(a, ref)
    sync(a)
    b.send(RefHold(b.request(), (ref,)))
    b.expect(Ack)
    a.close()
    get(b, ref)
    assert b.receive(ObjectValue)[1][:5] == b"value"


def test_pending_object_of_an_ended_owner_fails(node):
    a, b = node.driver(), node.driver()
    ref = new_ref(a)
    a.send(ObjectPublish(ref, ValueState.PENDING))
    get(b, ref)
    unknown = new_ref(a)
    get(b, unknown)
    sync(a)
    sync(b)
    a.close()
    assert b.expect(Failure).error.code == ErrorCode.OWNER_DIED
    assert b.expect(Failure).error.code == ErrorCode.OWNER_DIED


def test_stored_value_is_read_from_the_same_pages(node):
    a, b = node.driver(), node.driver()
    data = os.urandom(1000)
    ref, grant = put(a, data)
    get(b, ref)
    value = b.expect(ObjectValue)
    assert value.state == ValueState.STORED
    assert value.location.segment == grant.segment
    assert read(value) == data


def test_sealed_segment_refuses_writers_but_not_readers(node):
    a = node.driver()
    ref, _ = put(a, b"x" * 64)
    get(a, ref)
    value = a.expect(ObjectValue)
    fd = os.open(value.segment_path, os.O_RDWR)
    with pytest.raises(PermissionError):
        mmap.mmap(fd, value.segment_length)
    os.close(fd)
    assert read(value) == b"x" * 64


def test_freed_memory_is_granted_again_once_its_pins_are_gone(node):
    a, b = node.driver(), node.driver()
    ref, first = put(a, bytes(20 << 20))
    get(b, ref)
    value = b.expect(ObjectValue)
    change(a, ref, -1)
    a.send(ExtentAllocate(a.request(), 20 << 20))
    second = a.expect(ExtentGrant)
    assert second.segment != first.segment
    b.send(ObjectUnpin((value.pin,)))
    sync(b)
    a.send(ExtentAllocate(a.request(), 20 << 20))
    assert a.expect(ExtentGrant).segment == first.segment


@pytest.mark.rule("3.11/3")
def test_pins_end_with_their_process_and_not_with_its_socket(node):
    a, b = node.driver(), node.driver()
    ref, _ = put(a, bytes(64))
    get(b, ref)
    b.expect(ObjectValue)
    b.close()
    sync(a)
    assert state(a, StateKind.STORE)[0]["pins"] == 1


def test_slab_takes_many_images(node):
    a = node.driver()
    a.send(ExtentAllocate(a.request(), 1 << 20, True))
    grant = a.expect(ExtentGrant)
    a.send(SegmentMapped(grant.segment))
    refs = [new_ref(a) for _ in range(3)]
    for index, ref in enumerate(refs):
        where = Location(grant.segment, 0, grant.offset + 128 * index, 100)
        a.send(ObjectSeal(ref, where, grant.extent, Encoding.BYTES))
    a.send(ExtentReturn(grant.extent))
    assert state(a, StateKind.STORE)[0]["objects"] == 3
    for ref in refs:
        change(a, ref, -1)
    assert state(a, StateKind.STORE)[0]["in_use"] == 0


@pytest.mark.parametrize(
    "where", [Location(1, 0, 1, 64), Location(1, 0, 0, 1 << 30), Location(9, 0, 0, 64), Location(1, 0, 1 << 40, 64)]
)
def test_image_outside_of_its_extent_is_a_protocol_error(node, where):
    a = node.driver()
    a.send(ExtentAllocate(a.request(), 64))
    grant = a.expect(ExtentGrant)
    a.send(ObjectSeal(new_ref(a), where, grant.extent, Encoding.BYTES))
    assert a.receive(GoAway)[0].error.code == ErrorCode.PROTOCOL
    with pytest.raises(ConnectionEnded):
        a.receive(Ack)


def test_extent_of_another_process_is_a_protocol_error(node):
    a, b = node.driver(), node.driver()
    a.send(ExtentAllocate(a.request(), 64))
    grant = a.expect(ExtentGrant)
    b.send(ExtentReturn(grant.extent))
    assert b.receive(GoAway)[0].error.code == ErrorCode.PROTOCOL


def test_peer_that_does_not_read_holds_up_nobody_and_loses_nothing(node):
    a, b = node.driver(), node.driver()
    ref = new_ref(a)
    publish(a, ref, bytes(100_000))
    count = 1500
    gets = [ObjectGet(a.request(), ref, GetMode.VALUE).encode() for _ in range(count)]
    a.sock.sendall(b"".join(frame(FrameType.OBJECT_GET, metadata) for metadata in gets))
    for _ in range(20):
        sync(b)
    assert psutil.Process(node.pid).memory_info().rss < 100 << 20
    for _ in range(count):
        value, body = a.receive(ObjectValue)
        assert len(body) == value.length


def test_full_store_says_so_and_has_room_again_once_something_is_freed(start_node):
    a = start_node("--object-store-memory", str(40 << 20), "--spill-bytes-max", "0").driver()
    ref, first = put(a, bytes(30 << 20))
    a.send(ExtentAllocate(a.request(), 30 << 20))
    failure = a.expect(Failure)
    assert failure.error.code == ErrorCode.OBJECT_STORE_FULL
    assert "object_store_memory" in failure.error.message
    change(a, ref, -1)
    a.send(ExtentAllocate(a.request(), 17 << 20))
    assert a.expect(SegmentDropped).segment == first.segment
    assert a.expect(ExtentGrant).length >= 17 << 20


def test_memory_of_dropped_segments_is_given_back(start_node):
    node = start_node("--object-store-memory", str(200 << 20))
    a = node.driver()
    for size in (30 << 20, 60 << 20, 100 << 20, 60 << 20, 150 << 20):
        ref, _ = put(a, bytes(size))
        change(a, ref, -1)
    store = state(a, StateKind.STORE)[0]
    assert store["allocated"] <= 200 << 20
    assert store["in_use"] == 0
    fds = [os.readlink(f"/proc/{node.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{node.pid}/fd")]
    assert sum("memfd" in fd for fd in fds) == store["segments"]


def test_contained_objects_live_with_what_contains_them(node):
    a = node.driver()
    inner, outer = new_ref(a), new_ref(a)
    publish(a, inner)
    publish(a, outer, contains=(inner,))
    change(a, inner, -1)
    get(a, inner)
    assert a.receive(ObjectValue, Failure)[1][:5] == b"value"
    change(a, outer, -1)
    get(a, inner)
    assert a.expect(Failure).error.code == ErrorCode.OBJECT_FREED


def test_function_is_answered_whether_it_comes_before_or_after_the_question(node):
    a, b = node.driver(), node.driver()
    key = os.urandom(16)
    b.send(FunctionGet(b.request(), key))
    assert b.silent(Function)
    a.send(FunctionPut(key, 1, "", "", "", 5), b"blob!")
    message, body = b.receive(Function)
    assert (message.request, message.key, body[:5]) == (b.requests, key, b"blob!")
    b.send(FunctionGet(b.request(), key))
    assert b.receive(Function)[1][:5] == b"blob!"


def test_transcoding_of_a_python_value_for_a_java_reader(node):
    a = node.driver()
    ref = new_ref(a)
    publish(a, ref, b"pickle", Encoding.PYTHON)
    get(a, ref, reader=2)
    get(a, ref, reader=1)
    python, body = a.receive(ObjectValue)
    assert (python.encoding, body[:6]) == (Encoding.PYTHON, b"pickle")
    for _ in range(2):
        java, body = a.receive(ObjectValue)
        assert (java.encoding, body[: java.length]) == (Encoding.PORTABLE, b"\xc4\x02ok")
        get(a, ref, reader=2)


def test_value_that_can_not_be_transcoded_fails_with_the_reason(node):
    a = node.driver()
    ref = new_ref(a)
    publish(a, ref, b"untranscodable", Encoding.PYTHON)
    for _ in range(2):
        get(a, ref, reader=2)
        failure = a.expect(Failure)
        assert failure.error.code == ErrorCode.CROSS_LANGUAGE
        assert failure.error.message.startswith("$:")
