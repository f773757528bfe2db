"""Tensors: every element type and shape comes back, over the payload, read-only."""

from __future__ import annotations

import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bowstring_wire.messages import ElementType, Encoding, Layout
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.payload import Decodable, Encoded, image_size, read_payload, write_image
from bowstring_wire.values.tensor import DTYPES, decode_tensor, encode_tensor, is_array
from tests.unit.values.placing import PLACES, aligned_bytes, stored

Array = np.ndarray[Any, Any]
dtypes = st.sampled_from(sorted(DTYPES.values())).map(np.dtype)


def _encoded(array: Array) -> Encoded:
    encoded = encode_tensor(array)
    assert encoded is not None
    return encoded


@pytest.mark.parametrize("place", PLACES)
@settings(deadline=None, max_examples=60)
@given(array=hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_dims=4)))
def test_every_array_comes_back(place: str, array: Array) -> None:
    found = decode_tensor(PLACES[place](_encoded(array)))
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    assert found.flags.c_contiguous
    assert found.flags.aligned
    assert not found.flags.writeable


@pytest.mark.parametrize(
    "array",
    [
        np.arange(24).reshape(2, 3, 4).T,
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(20)[::3],
        np.arange(20)[::-1],
        np.broadcast_to(np.float32(1), (3, 4)),
        np.arange(5, dtype=">i4"),
        np.arange(5, dtype=">f8")[::2],
    ],
)
def test_what_is_not_in_order_is_copied_into_order(array: Array) -> None:
    found = decode_tensor(stored(_encoded(array)))
    np.testing.assert_array_equal(found, array)
    assert found.dtype.newbyteorder("<") == found.dtype


def test_what_is_in_order_is_not_copied_before_it_is_placed() -> None:
    array = np.arange(10)
    assert np.shares_memory(_encoded(array).buffers[0], array)
    assert np.shares_memory(_encoded(array.reshape(2, 5)[1:]).buffers[0], array)


@pytest.mark.parametrize(
    "dtype", ["O", "M8[ns]", "m8[s]", "c8", "c16", "S3", "U3", "V4", "i4,f8", "g"], ids=lambda dtype: f"dtype-{dtype}"
)
def test_other_dtypes_have_no_element_type(dtype: str) -> None:
    assert encode_tensor(np.zeros(3, dtype)) is None


def test_masked_arrays_and_matrices_are_no_plain_arrays(tmp_path: Any) -> None:
    assert is_array(np.zeros(1))
    assert is_array(np.memmap(tmp_path / "a", np.uint8, "w+", shape=3))
    assert not is_array(np.ma.masked_array([1]))
    assert not is_array(np.float64(1))
    assert not is_array([1])


def test_a_memory_map_is_read_where_it_is(tmp_path: Any) -> None:
    array = np.memmap(tmp_path / "a", np.int32, "w+", shape=(3, 2))
    array[:] = 5
    assert (decode_tensor(stored(_encoded(array))) == 5).all()


def test_reading_takes_no_memory() -> None:
    encoded = _encoded(np.ones(50 << 17))
    payload = stored(encoded)
    tracemalloc.start()
    try:
        array = decode_tensor(payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert array.nbytes == 50 << 20
    assert peak < array.nbytes // 100


def test_the_payload_lives_as_long_as_the_last_view() -> None:
    encoded = _encoded(np.arange(100.0))
    image = aligned_bytes(image_size(encoded))
    write_image(encoded, memoryview(image))
    payload = memoryview(image).toreadonly()
    alive = weakref.ref(image)
    del image
    view = decode_tensor(read_payload(Encoding.TENSOR, Layout.IMAGE, payload)).reshape(10, 10)[3:, 2]
    del payload
    assert alive() is not None
    assert view[0] == 32
    del view
    assert alive() is None


class Pin:
    """Owns memory, as the frontend's pins do."""

    def __init__(self, image: Array) -> None:
        self.image = image
        self.__array_interface__ = {**image.__array_interface__, "data": (image.ctypes.data, True)}


def test_an_owner_that_is_no_buffer_lives_as_long_as_the_last_view() -> None:
    encoded = _encoded(np.arange(100.0))
    image = aligned_bytes(image_size(encoded))
    write_image(encoded, memoryview(image))
    pin = Pin(image)
    alive = weakref.ref(pin)
    view = decode_tensor(read_payload(Encoding.TENSOR, Layout.IMAGE, np.asarray(pin)))[90:]
    del pin, image
    assert alive() is not None
    assert view[0] == 90
    del view
    assert alive() is None


def test_elements_that_are_not_aligned_are_copied() -> None:
    data = memoryview(bytes(33))[1:]
    found = decode_tensor(Decodable(Encoding.TENSOR, [data], ElementType.FLOAT64, (4,)))
    assert found.flags.aligned
    assert not found.flags.writeable


@pytest.mark.parametrize(
    ("element", "shape"),
    [
        (ElementType.UNSPECIFIED, (8,)),
        (99, (8,)),
        (ElementType.INT8, (7,)),
        (ElementType.INT8, (9,)),
        (ElementType.INT8, (-8,)),
        (ElementType.INT8, (-2, -4)),
        (ElementType.INT64, ()),
        (ElementType.INT16, (2**62, 2**62)),
        (ElementType.INT8, (1,) * 65),
    ],
)
def test_shapes_that_do_not_fit_their_buffer_are_refused(element: int, shape: tuple[int, ...]) -> None:
    with pytest.raises(ProtocolError):
        decode_tensor(Decodable(Encoding.TENSOR, [bytes(8 if shape else 4)], element, shape))


def test_an_empty_tensor_of_absurd_shape_is_refused() -> None:
    with pytest.raises(ProtocolError):
        decode_tensor(Decodable(Encoding.TENSOR, [b""], ElementType.INT64, (0, 2**62, 2**62)))


def test_a_tensor_has_one_buffer() -> None:
    for buffers in ([], [b"", b""]):
        with pytest.raises(ProtocolError, match="one buffer"):
            decode_tensor(Decodable(Encoding.TENSOR, buffers, ElementType.INT8, (0,)))
