"""Objects between frontends and the directory, functions' captures and transcoding included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bowstring_core.machine import objects, requests
from bowstring_core.machine.leases import Purpose
from bowstring_core.machine.objects import Ref
from bowstring_core.machine.residence import Value
from bowstring_core.node.errors import error_record
from bowstring_core.node.peers import Peer
from bowstring_wire.messages import (
    Ack,
    Encoding,
    ErrorCode,
    ErrorRecord,
    Failure,
    FrameType,
    GetMode,
    Layout,
    Location,
    ObjectGet,
    ObjectGetCancel,
    ObjectPublish,
    ObjectRef,
    ObjectSeal,
    ObjectUnpin,
    ObjectValue,
    RefHold,
    RefUpdate,
    Role,
    Transcode,
    Transcoded,
    ValueState,
)
from bowstring_wire.protocol import ProtocolError

if TYPE_CHECKING:
    from bowstring_core.node.node import Node

_NO_OBJECT = bytes(20)
_ENCODINGS = frozenset(int(e) for e in Encoding if e)
_LAYOUTS = frozenset(int(item) for item in Layout if item)


def checked(ref: ObjectRef) -> Ref:
    """A reference from a message.

    Raises:
        ProtocolError: it names no object.
    """
    if ref.id == _NO_OBJECT:
        raise ProtocolError("a reference whose object id is all zero")
    return Ref._make(ref)


def checked_all(refs: Iterable[ObjectRef]) -> tuple[Ref, ...]:
    """References from a message; see `checked`."""
    return tuple(checked(ref) for ref in refs)


def owned(peer: Peer, ref: ObjectRef) -> Ref:
    """The reference of an object of which a process tells; see `checked`.

    Raises:
        ProtocolError: a driver names another process as its owner (spec 1.3/6). Workers tell of what their callers own.
    """
    if ref.owner != peer.process and peer.role is not Role.WORKER:
        raise ProtocolError(f"the owner of object {ref.id.hex()} is {ref.owner:016x}, which the sender is not")
    return checked(ref)


def inline_value(encoding: int, layout: int, length: int, body: bytes) -> Value:
    """The value of a message whose payload is its body.

    Raises:
        ProtocolError: encoding, layout or length are wrong.
    """
    if encoding not in _ENCODINGS or layout not in _LAYOUTS:
        raise ProtocolError(f"encoding {encoding}, layout {layout}: no such thing")
    if not length <= len(body) < length + 8:
        raise ProtocolError(f"a payload of {length} bytes in a body of {len(body)}")
    return Value(encoding, layout, length, payload=body)


class _Transcoding:
    """One transcoding that is wanted or under way."""

    __slots__ = ("language", "object", "owner", "pin", "request", "slot", "value")

    def __init__(self, effect: objects.Transcode, request: int, pin: int) -> None:
        self.object, self.owner, self.value, self.language = effect
        self.request, self.pin = request, pin
        self.slot = 0


class ObjectService:
    """Handlers of the object and reference frames, and the performer of the directory's effects."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.directory = objects.ObjectDirectory(node.spill.table)
        self._transcodings: dict[int, _Transcoding] = {}
        self._next_request = 1
        frontends = frozenset((Role.DRIVER, Role.WORKER))
        workers = frozenset((Role.WORKER,))
        node.handle(FrameType.OBJECT_PUBLISH, ObjectPublish, frontends, self._publish)
        node.handle(FrameType.OBJECT_SEAL, ObjectSeal, frontends, self._seal)
        node.handle(FrameType.OBJECT_GET, ObjectGet, frontends, self._get)
        node.handle(FrameType.OBJECT_GET_CANCEL, ObjectGetCancel, frontends, self._get_cancel)
        node.handle(FrameType.OBJECT_UNPIN, ObjectUnpin, frontends, self._unpin)
        node.handle(FrameType.REF_UPDATE, RefUpdate, frontends, self._ref_update)
        node.handle(FrameType.REF_HOLD, RefHold, frontends, self._ref_hold)
        node.handle(FrameType.TRANSCODED, Transcoded, workers, self._transcoded)

    # Frames -----------------------------------------------------------------------------------------------------------

    def _publish(self, peer: Peer, message: ObjectPublish, body: bytes) -> None:
        ref = owned(peer, message.ref)
        if message.state == ValueState.PENDING:
            self.perform(self.directory.announce(ref))
        elif message.state == ValueState.INLINE:
            value = inline_value(message.encoding, message.layout, message.length, body)
            self.perform(self.directory.value(ref, value, checked_all(message.contains)))
        else:
            raise ProtocolError(f"ObjectPublish.state is {message.state}: PENDING or INLINE is expected")

    def _seal(self, peer: Peer, message: ObjectSeal, body: bytes) -> None:
        ref = owned(peer, message.ref)
        value = self._stored_value(peer, message.encoding, message.location, message.extent)
        self.perform(self.directory.value(ref, value, checked_all(message.contains)))

    def _stored_value(self, peer: Peer, encoding: int, location: Location, extent: int) -> Value:
        if encoding not in _ENCODINGS:
            raise ProtocolError(f"encoding {encoding}: no such thing")
        self._node.store.table.seal(peer.process, extent, location.segment, location.offset, location.length)
        return Value(
            encoding,
            Layout.IMAGE,
            location.length,
            segment=location.segment,
            offset=location.offset,
            extent=extent,
        )

    def _get(self, peer: Peer, message: ObjectGet, body: bytes) -> None:
        if message.mode not in (GetMode.VALUE, GetMode.READY):
            raise ProtocolError(f"ObjectGet.mode is {message.mode}")
        ready_only = message.mode == GetMode.READY
        self.perform(
            self.directory.get(peer.process, message.request, checked(message.ref), ready_only, message.reader)
        )

    def _get_cancel(self, peer: Peer, message: ObjectGetCancel, body: bytes) -> None:
        self.perform(self.directory.get_cancelled(peer.process, message.request))

    def _unpin(self, peer: Peer, message: ObjectUnpin, body: bytes) -> None:
        self.perform(self.directory.unpin(peer.process, message.pins))
        self._node.store.may_have_room()

    def _ref_update(self, peer: Peer, message: RefUpdate, body: bytes) -> None:
        directory, process = self.directory, peer.process
        for change in message.changes:
            ref = Ref(change.ref_id, change.ref_flags, change.ref_owner, change.ref_home)
            if ref.id == _NO_OBJECT:
                raise ProtocolError("a reference whose object id is all zero")
            if change.change == 1:
                self.perform(directory.process_holds(process, ref))
            elif change.change == -1:
                self.perform(directory.process_releases(process, ref))
            else:
                raise ProtocolError(f"RefChange.change is {change.change}: 1 or -1 is expected")

    def _ref_hold(self, peer: Peer, message: RefHold, body: bytes) -> None:
        for ref in checked_all(message.refs):
            self.perform(self.directory.process_holds(peer.process, ref))
        peer.send(FrameType.ACK, Ack(message.request))

    # Effects ----------------------------------------------------------------------------------------------------------

    def perform(self, effects: Iterable[objects.Effect]) -> None:
        """Carry out what the directory decided."""
        for effect in effects:
            match effect:
                case objects.Answer():
                    self._answer(effect)
                case objects.Failed():
                    peer = self._node.peers.get(effect.process)
                    if peer is not None:
                        record = effect.reason
                        if isinstance(record, tuple):
                            record = error_record(ErrorCode[record[0]], record[1])
                        elif not isinstance(record, ErrorRecord):
                            record = error_record(ErrorCode[effect.code], effect.message)
                        peer.fail_with(effect.request, record)
                case objects.Transcode():
                    self._want_transcoding(effect)
                case objects.OutOfScope():
                    self._node.actor_service.perform(self._node.actors.out_of_scope(effect.actor))
                case _:
                    self._node.spill.perform(effect)

    def _answer(self, effect: objects.Answer) -> None:
        peer = self._node.peers.get(effect.process)
        value = effect.value
        if peer is None:
            if effect.pin:
                self.perform(self.directory.unpin(effect.process, [effect.pin]))
            return
        if value.inline:
            body = b"" if effect.ready_only or value.payload is None else value.payload
            answer = ObjectValue(effect.request, ValueState.INLINE, value.encoding, value.layout, value.length)
            peer.send(FrameType.OBJECT_VALUE, answer, body)
            return
        answer = ObjectValue(effect.request, ValueState.STORED, value.encoding, value.layout, value.length)
        if not effect.ready_only:
            file = self._node.store.show(value.segment, effect.process)
            answer.pin = effect.pin
            answer.location = Location(value.segment, 0, value.offset, value.length)
            answer.segment_path, answer.segment_length = file.path, file.length
        peer.send(FrameType.OBJECT_VALUE, answer)

    # Transcoding ------------------------------------------------------------------------------------------------------

    def _want_transcoding(self, effect: objects.Transcode) -> None:
        request, self._next_request = self._next_request, self._next_request + 1
        entry = _Transcoding(effect, request, self.directory.pin(objects.NODE, effect.value))
        self._transcodings[request] = entry
        job_id = int.from_bytes(effect.object[:4], "little")
        if job_id not in self._node.jobs:
            message = f"object {effect.object.hex()} can't be transcoded: its job {job_id} has ended"
            self._end_transcoding(entry, error_record(ErrorCode.CROSS_LANGUAGE, message), True)
            return
        environment = self._node.job(job_id).environment
        key = requests.LeaseKey(effect.language, "", job_id, (), (), "", environment)
        node = self._node
        node.perform(node.scheduler.request(Purpose.TRANSCODE, objects.NODE, request, key, 1, 1, node.loop.now))

    def transcoder_granted(self, effect: requests.Granted) -> None:
        """A worker is there for a transcoding."""
        assert isinstance(effect.name, int)
        entry = self._transcodings.get(effect.name)
        worker = self._node.workers.peer_of(effect.slot)
        if entry is None or worker is None:
            self._node.loop.call_soon(lambda: self._release(effect.slot))
            return
        entry.slot = effect.slot
        value = entry.value
        message = Transcode(
            request=entry.request,
            ref=ObjectRef(entry.object, 0, entry.owner, self._node.node_id),
            target=Encoding.PORTABLE,
            encoding=value.encoding,
            layout=value.layout,
            length=value.length,
        )
        if value.payload is not None:
            message.state = ValueState.INLINE
            worker.send(FrameType.TRANSCODE, message, value.payload)
            return
        message.state = ValueState.STORED
        file = self._node.store.show(value.segment, worker.process)
        message.location = Location(value.segment, 0, value.offset, value.length)
        message.segment_path, message.segment_length = file.path, file.length
        worker.send(FrameType.TRANSCODE, message)

    def _release(self, slot: int) -> None:
        self._node.perform(self._node.scheduler.transcoder_done(slot, self._node.loop.now))

    def transcoder_rejected(self, effect: requests.Rejected) -> None:
        """No worker can be had for a transcoding."""
        assert isinstance(effect.name, int)
        entry = self._transcodings.get(effect.name)
        if entry is not None:
            self._end_transcoding(entry, error_record(ErrorCode[effect.code], effect.message), False)

    def _own(self, peer: Peer, request: int) -> _Transcoding:
        entry = self._transcodings.get(request)
        if entry is None or entry.slot != peer.slot:
            raise ProtocolError(f"an answer to request {request}, which this worker was not asked")
        return entry

    def _transcoded(self, peer: Peer, message: Transcoded, body: bytes) -> None:
        entry = self._own(peer, message.request)
        if message.encoding in objects.OWN_LANGUAGE:
            raise ProtocolError(f"Transcoded.encoding is {message.encoding}, which only one language reads")
        if message.state == ValueState.INLINE:
            value = inline_value(message.encoding, message.layout, message.length, body)
        elif message.state == ValueState.STORED:
            value = self._stored_value(peer, message.encoding, message.location, message.extent)
        else:
            raise ProtocolError(f"Transcoded.state is {message.state}: INLINE or STORED is expected")
        del self._transcodings[entry.request]
        self.perform(self.directory.unpin(objects.NODE, [entry.pin]))
        self.perform(self.directory.transcoded(entry.object, value))
        self._release(peer.slot)

    def transcode_failed(self, peer: Peer, message: Failure) -> None:
        """A worker can't transcode what it was asked to."""
        entry = self._own(peer, message.request)
        record = message.error or error_record(ErrorCode.CROSS_LANGUAGE, "the transcoder gave no reason")
        self._end_transcoding(entry, record, True)
        self._release(peer.slot)

    def worker_ended(self, slot: int, record: ErrorRecord) -> None:
        """A worker that may have been transcoding has ended."""
        for entry in list(self._transcodings.values()):
            if entry.slot == slot:
                self._end_transcoding(entry, record, False)

    def _end_transcoding(self, entry: _Transcoding, record: ErrorRecord, final: bool) -> None:
        del self._transcodings[entry.request]
        self.perform(self.directory.unpin(objects.NODE, [entry.pin]))
        self.perform(self.directory.transcode_failed(entry.object, record, final))
