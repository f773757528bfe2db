package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Arrays of primitives that are written as tensors, from where they are to where they go. */
final class PrimitiveArrays {
    private PrimitiveArrays() {}

    /** Element type of an array that is written as a tensor; null: the value is none. Bytes are bytes, not a tensor. */
    static @Nullable ElementType element(Object value) {
        if (value instanceof double[]) {
            return ElementType.FLOAT64;
        } else if (value instanceof long[]) {
            return ElementType.INT64;
        } else if (value instanceof int[]) {
            return ElementType.INT32;
        } else if (value instanceof float[]) {
            return ElementType.FLOAT32;
        } else if (value instanceof short[]) {
            return ElementType.INT16;
        }
        return value instanceof boolean[] ? ElementType.BOOL : null;
    }

    /** The class of the array that a tensor is copied to as it is; null: there is none. */
    static @Nullable Class<?> arrayOf(Tensor tensor) {
        if (tensor.shape().length != 1) {
            return null;
        }
        return switch (tensor.element()) {
            case FLOAT64 -> double[].class;
            case INT64 -> long[].class;
            case INT32 -> int[].class;
            case FLOAT32 -> float[].class;
            case INT16 -> short[].class;
            case BOOL -> boolean[].class;
            default -> null;
        };
    }

    /** The elements, which are copied once, when the buffer is written. */
    static ValueBuffer buffer(Object array, ElementType element) {
        long length = (long) Array.getLength(array) * element.size();
        return new ValueBuffer() {
            @Override
            public long length() {
                return length;
            }

            @Override
            public void copyTo(ByteBuffer target) {
                ByteBuffer place = target.slice(target.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
                if (array instanceof double[] values) {
                    place.asDoubleBuffer().put(values);
                } else if (array instanceof long[] values) {
                    place.asLongBuffer().put(values);
                } else if (array instanceof int[] values) {
                    place.asIntBuffer().put(values);
                } else if (array instanceof float[] values) {
                    place.asFloatBuffer().put(values);
                } else if (array instanceof short[] values) {
                    place.asShortBuffer().put(values);
                } else {
                    for (boolean value : (boolean[]) array) {
                        place.put((byte) (value ? 1 : 0));
                    }
                }
                target.position(target.position() + (int) length);
            }
        };
    }
}
