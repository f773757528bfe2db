"""Making objects: small values stay in this process, large ones are written into the store and sealed (spec 3.10).

References inside a value escape before the value does, and what contains references that only a caller holds is
acknowledged by the home before anything else happens to them (spec 6.3 and 6.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from bowstring import _store, _values
from bowstring._values import NONE_PAYLOAD, STORED, STORED_LAYOUT, Payload
from bowstring.errors import InvalidArgumentError
from bowstring.object_ref import HELD, PUBLISHED, UNREPORTED, ObjectRef
from bowstring_wire import messages as m
from bowstring_wire import values
from bowstring_wire.messages import FrameType, Language
from bowstring_wire.messages import ObjectRef as RefStruct

if TYPE_CHECKING:
    from bowstring._runtime import Runtime

_PUT = int(m.SpanKind.PUT)


class ObjectWriter:
    """Puts of one process, and the values of its results."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def put(self, value: Any) -> ObjectRef[Any]:
        """Make an object of `value`; returns its reference."""
        context = self._runtime.context()
        object_id = context.put_id()
        return self.put_as(object_id, value)

    def put_as(self, object_id: bytes, value: Any) -> ObjectRef[Any]:
        if self._runtime.stopped is not None:
            raise self._runtime.stopped
        ref: ObjectRef[Any] = ObjectRef(self._runtime, object_id, self._runtime.process, self._runtime.node)
        if value is None:
            ref._payload = NONE_PAYLOAD
            return ref
        payload = self.write(self._runtime.struct(ref), value, Language.PYTHON)
        ref._payload = payload
        if payload.layout == STORED_LAYOUT:
            ref._flags = HELD | PUBLISHED
            with self._runtime.lock:
                self._runtime.known.note(ref)
        return ref

    def put_encoded(self, encoded: Any) -> ObjectRef[Any]:
        """Make an object in the store of a value that is encoded already."""
        context = self._runtime.context()
        object_id = context.put_id()
        ref: ObjectRef[Any] = ObjectRef(self._runtime, object_id, self._runtime.process, self._runtime.node)
        if encoded.contains:
            self._runtime.escape(encoded.contains)
        self.write_stored(self._runtime.struct(ref), encoded)
        ref._payload = Payload(encoded.encoding, STORED_LAYOUT, None)
        ref._flags = HELD | PUBLISHED
        with self._runtime.lock:
            self._runtime.known.note(ref)
        return ref

    def write(self, ref: RefStruct, value: Any, reader: int) -> Payload:
        """Encode a value; a large one is put in the store and sealed as `ref`, a small one is returned as bytes."""
        module = type(value).__module__
        if module == "numpy":
            made = self._runtime.store.take_in_place(value)
            if made is not None:
                extent, length = made
                self._seal(ref, extent, extent.offset, length, m.Encoding.TENSOR, ())
                return STORED
        elif module == "bowstring.table_builder":
            extent, length = value._finish(self._runtime)
            self._seal(ref, extent, extent.offset, length, m.Encoding.ARROW, ())
            value._let_go()
            return STORED
        encoded = _values.encode(value, reader)
        if encoded.contains:
            self._runtime.escape(encoded.contains)
        if encoded.nbytes <= self._runtime.inline_bytes_max:
            layout, data = values.inline_payload(encoded)
            if len(data) <= self._runtime.inline_bytes_max:
                return Payload(encoded.encoding, layout, data, encoded.contains)
        self.write_stored(ref, encoded)
        return STORED

    def write_stored(self, ref: RefStruct, encoded: Any) -> tuple[m.Location, int]:
        """Write an image into the store and seal it as `ref`; returns where it is, and its extent."""
        extent, location = self.place_image(encoded)
        self._seal(ref, extent, location.offset, location.length, encoded.encoding, encoded.contains)
        self._runtime.store.placed(extent)
        return location, extent.number

    def place_image(self, encoded: Any) -> tuple[_store.Extent, m.Location]:
        """Write an image into memory of the store, not sealed yet; `StoreClient.placed` is to follow."""
        started = perf_counter()
        length = values.image_size(encoded)
        extent, offset, view = self._runtime.store.place(length)
        try:
            with view:
                values.write_image(encoded, view)
        except BaseException:
            self._runtime.store.drop_placed(extent)
            raise
        self._runtime.log.span(_PUT, started, length, 1)
        return extent, m.Location(extent.segment.number, 0, offset, length)

    def _seal(
        self, ref: RefStruct, extent: _store.Extent, offset: int, length: int, encoding: int, contains: Any
    ) -> None:
        structs = [self._runtime.struct(inner) for inner in contains]
        data = self._runtime.store.seal_frame(ref, extent, offset, length, encoding, structs)
        with self._runtime.lock:
            if self._runtime.stopped is not None:
                raise self._runtime.stopped
            self._runtime.node_connection.send(data)
        self._hold_contained(contains)

    def _hold_contained(self, contains: Sequence[ObjectRef[Any]]) -> None:
        """A stored object contains references that only our caller holds: wait until the home has seen that.

        Else the caller's release could overtake the seal (spec 6.3/1).
        """
        if any(ref._flags & UNREPORTED for ref in contains):
            structs = tuple(self._runtime.struct(ref) for ref in contains)
            self._runtime.request(FrameType.REF_HOLD, lambda request: m.RefHold(request, structs))
            with self._runtime.lock:
                for ref in contains:
                    ref._flags = (ref._flags & ~UNREPORTED) | HELD
                    self._runtime.known.note(ref)

    def empty(self, shape: Any, dtype: Any) -> Any:
        """An array in the store, to be filled and put; see bowstring.empty."""
        import numpy as np

        try:
            kind = np.dtype(dtype)
            dimensions = (int(shape),) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"empty: shape {shape!r} or dtype {dtype!r} is wrong: {error}") from error
        if any(n < 0 for n in dimensions):
            raise InvalidArgumentError(f"empty: shape has a negative dimension: {dimensions}")
        blank = values.encode_tensor(np.empty(0, kind))
        if blank is None:
            raise InvalidArgumentError(f"empty: dtype {kind} has no tensor form; use bool, an integer or a float type")
        size = int(np.prod(dimensions, dtype=np.int64)) * kind.itemsize
        header, offset, length = values.tensor_header(blank.element, dimensions, size)
        image, extent = self._runtime.store.empty(length)
        image[: len(header)] = np.frombuffer(header, np.uint8)
        array = image[offset : offset + size].view(kind).reshape(dimensions)
        self._runtime.store.note_in_place(array, extent, length)
        return array
