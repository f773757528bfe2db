"""Tensors (spec section 3.4): numpy arrays as their elements, row-major, without gaps, little endian.

numpy is imported when the first array is met, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bowstring_wire.messages import ElementType, Encoding
from bowstring_wire.protocol import ProtocolError
from bowstring_wire.values.payload import Decodable, Encoded

if TYPE_CHECKING:
    import numpy as np

DTYPES: dict[int, str] = {
    ElementType.BOOL: "|b1",
    ElementType.INT8: "|i1",
    ElementType.INT16: "<i2",
    ElementType.INT32: "<i4",
    ElementType.INT64: "<i8",
    ElementType.UINT8: "|u1",
    ElementType.UINT16: "<u2",
    ElementType.UINT32: "<u4",
    ElementType.UINT64: "<u8",
    ElementType.FLOAT16: "<f2",
    ElementType.FLOAT32: "<f4",
    ElementType.FLOAT64: "<f8",
}
_ELEMENTS = {dtype: int(element) for element, dtype in DTYPES.items()}
_DIMENSIONS_MAX = 64  # numpy's own limit


def is_array(value: Any) -> bool:
    """Whether `value` is a plain numpy array (or a memory map of one); masked arrays and matrices are not."""
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ in ("ndarray", "memmap")


def flat_array(array: np.ndarray[Any, Any]) -> tuple[int, tuple[int, ...], np.ndarray[Any, Any]] | None:
    """(element type, shape, elements as one row of uint8), or None if the dtype is none of the spec's.

    The row is a view if the array is C-contiguous and little endian, else of a copy.
    """
    dtype = array.dtype
    if dtype.byteorder == ">":
        dtype = dtype.newbyteorder("<")
    element = _ELEMENTS.get(dtype.str)
    if element is None:
        return None
    import numpy as np

    # A view as a plain array: reshape() and view() of a subclass would run its code.
    plain = array if type(array) is np.ndarray else array.view(np.ndarray)
    if dtype is not array.dtype or not plain.flags.c_contiguous:
        plain = plain.astype(dtype, order="C")
    return element, array.shape, plain.reshape(-1).view(np.uint8)


def encode_tensor(array: np.ndarray[Any, Any]) -> Encoded | None:
    """Write a numpy array as TENSOR.

    Args:
        array: Of bool, an integer or a float of at most 64 bits, in any shape. A C-contiguous one in this machine's
            byte order is not copied here: it must not change until it is placed. Others are copied to C order.

    Returns:
        None if its dtype has no element type in the spec (object, datetime64, complex, structured and the like).
    """
    flat = flat_array(array)
    if flat is None:
        return None
    element, shape, row = flat
    return Encoded(Encoding.TENSOR, [row], element, shape)


def decode_tensor(decodable: Decodable) -> np.ndarray[Any, Any]:
    """The array that a TENSOR payload holds: a read-only view that keeps the payload alive, never a copy but for
    elements that are not aligned (which the layout rules out in the store).

    Raises:
        ProtocolError: Element type, shape and buffer do not fit together.
    """
    if len(decodable.buffers) != 1:
        raise ProtocolError(f"a tensor has one buffer, and this one has {len(decodable.buffers)}")
    return array_from(decodable.buffers[0], decodable.element, decodable.shape)


def array_from(buffer: Any, element: int, shape: Any) -> np.ndarray[Any, Any]:
    """A read-only array over a buffer; as `decode_tensor`."""
    code = DTYPES.get(element)
    if code is None:
        raise ProtocolError(f"a tensor's element type {element} is unknown")
    if len(shape) > _DIMENSIONS_MAX:
        raise ProtocolError(f"a tensor of {len(shape)} dimensions; {_DIMENSIONS_MAX} are supported")
    import numpy as np

    dtype = np.dtype(code)
    size = dtype.itemsize
    for length in shape:
        if length < 0:
            raise ProtocolError(f"a tensor of shape {tuple(shape)}")
        size *= length
    if size != len(buffer):
        raise ProtocolError(f"a tensor of shape {tuple(shape)} and type {code} takes {size} bytes, not {len(buffer)}")
    try:
        # frombuffer refuses an empty buffer.
        row = np.frombuffer(buffer, dtype) if size else np.empty(0, dtype)
        array: np.ndarray[Any, Any] = row.reshape(shape)
    except ValueError as error:  # dimensions whose product overflows beside one that is 0
        raise ProtocolError(f"a tensor of shape {tuple(shape)}: {error}") from error
    if not array.flags.aligned:
        array = array.copy()
    array.flags.writeable = False
    return array
