package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A dense array: element type, shape, and the elements in row-major order without gaps (spec section 3.4). One that was
 * read from the store is a read-only view of shared memory, which stays as long as the tensor or a buffer made from it; or
 * until it is closed, which after a large one is worth while.
 */
public final class Tensor implements AutoCloseable {
    private final ElementType element;
    private final long[] shape;
    private final ByteBuffer data;
    private final @Nullable Runnable release;
    private volatile boolean closed;

    private Tensor(ElementType element, long[] shape, ByteBuffer data, @Nullable Runnable release) {
        this.element = element;
        this.shape = shape;
        this.data = data;
        this.release = release;
    }

    /**
     * A tensor over elements that are there already. The bytes are not copied: they must not be changed any more.
     *
     * @param element type of the elements
     * @param shape length of each dimension; empty: a scalar
     * @param data the elements, row-major, little endian, from position to limit
     * @return a tensor over the bytes, which its closing leaves alone
     * @throws InvalidArgumentException if the bytes are not as many as the shape says
     */
    public static Tensor of(ElementType element, long[] shape, ByteBuffer data) {
        return view(element, shape, data, null);
    }

    static Tensor view(ElementType element, long[] shape, ByteBuffer data, @Nullable Runnable release) {
        long size = element.size();
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new InvalidArgumentException("a tensor has the negative dimension " + dimension);
            }
            try {
                size = Math.multiplyExact(size, dimension);
            } catch (ArithmeticException error) {
                throw new InvalidArgumentException("the shape " + Arrays.toString(shape) + " overflows 64 bits");
            }
        }
        if (size != data.remaining()) {
            throw new InvalidArgumentException("a tensor of " + element + " and shape " + Arrays.toString(shape)
                    + " has " + size + " bytes, but " + data.remaining() + " are given");
        }
        ByteBuffer view = data.asReadOnlyBuffer().slice().order(ByteOrder.LITTLE_ENDIAN);
        return new Tensor(element, shape.clone(), view, release);
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of BOOL, of one dimension
     */
    public static Tensor of(boolean... values) {
        ByteBuffer data = ByteBuffer.allocate(values.length);
        for (boolean value : values) {
            data.put((byte) (value ? 1 : 0));
        }
        return vector(ElementType.BOOL, values.length, data.flip());
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of INT16, of one dimension
     */
    public static Tensor of(short... values) {
        ByteBuffer data = little(2L * values.length);
        data.asShortBuffer().put(values);
        return vector(ElementType.INT16, values.length, data);
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of INT32, of one dimension
     */
    public static Tensor of(int... values) {
        ByteBuffer data = little(4L * values.length);
        data.asIntBuffer().put(values);
        return vector(ElementType.INT32, values.length, data);
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of INT64, of one dimension
     */
    public static Tensor of(long... values) {
        ByteBuffer data = little(8L * values.length);
        data.asLongBuffer().put(values);
        return vector(ElementType.INT64, values.length, data);
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of FLOAT32, of one dimension
     */
    public static Tensor of(float... values) {
        ByteBuffer data = little(4L * values.length);
        data.asFloatBuffer().put(values);
        return vector(ElementType.FLOAT32, values.length, data);
    }

    /**
     * A vector of a copy of the values.
     *
     * @param values the elements
     * @return a tensor of FLOAT64, of one dimension
     */
    public static Tensor of(double... values) {
        ByteBuffer data = little(8L * values.length);
        data.asDoubleBuffer().put(values);
        return vector(ElementType.FLOAT64, values.length, data);
    }

    private static ByteBuffer little(long size) {
        if (size > Integer.MAX_VALUE - 8) {
            throw new InvalidArgumentException("a tensor in Java holds less than 2 GiB; " + size + " bytes are given");
        }
        return ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Tensor vector(ElementType element, long length, ByteBuffer data) {
        return of(element, new long[] {length}, data);
    }

    /** {@return the type of the elements} */
    public ElementType element() {
        return element;
    }

    /** {@return the length of each dimension, as a copy; empty: a scalar} */
    public long[] shape() {
        return shape.clone();
    }

    /** {@return the number of elements} */
    public int size() {
        return data.capacity() / element.size();
    }

    /**
     * The elements' bytes, row-major, little endian: a read-only view that holds the memory below it.
     *
     * @return a new buffer over the same memory, its position 0
     * @throws InvalidArgumentException if the tensor was closed
     */
    public ByteBuffer buffer() {
        return data().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    private ByteBuffer data() {
        if (closed) {
            throw new InvalidArgumentException("this tensor was closed");
        }
        return data;
    }

    /**
     * Lets go of the memory of a tensor that was read, whose elements and buffers must not be used any more; does nothing
     * to one that was made here.
     */
    @Override
    public synchronized void close() {
        if (!closed && release != null) {
            closed = true;
            release.run();
        }
    }

    /**
     * One element by its place in row-major order, as the nearest double.
     *
     * @param index from 0 to {@link #size} - 1
     * @return the element; integers of more than 53 bits are rounded
     * @throws IndexOutOfBoundsException if there is no such element
     */
    public double getDouble(int index) {
        check(index);
        return switch (element) {
            case FLOAT64 -> data().getDouble(index * 8);
            case FLOAT32 -> data().getFloat(index * 4);
            case FLOAT16 -> half(data().getShort(index * 2));
            case UINT64 -> unsigned(data().getLong(index * 8));
            default -> getLong(index);
        };
    }

    /** IEEE 754 half precision: a sign, 5 bits of exponent, 10 of fraction. */
    private static float half(short bits) {
        int exponent = bits >> 10 & 31;
        int fraction = bits & 1023;
        float size = exponent == 31
                ? (fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN)
                : exponent == 0 ? fraction * 0x1p-24f : (1024 + fraction) * (float) Math.scalb(1.0, exponent - 25);
        return bits < 0 ? -size : size;
    }

    private static double unsigned(long bits) {
        double half = (double) ((bits >>> 1) | (bits & 1));
        return bits < 0 ? half * 2 : bits;
    }

    /**
     * One element of an integer or boolean tensor by its place in row-major order. The bits of a UINT64.
     *
     * @param index from 0 to {@link #size} - 1
     * @return the element, widened; unsigned ones below 64 bits without a sign
     * @throws InvalidArgumentException if the elements are floats
     * @throws IndexOutOfBoundsException if there is no such element
     */
    public long getLong(int index) {
        check(index);
        return switch (element) {
            case BOOL, INT8 -> data().get(index);
            case UINT8 -> data().get(index) & 0xff;
            case INT16 -> data().getShort(index * 2);
            case UINT16 -> data().getShort(index * 2) & 0xffff;
            case INT32 -> data().getInt(index * 4);
            case UINT32 -> data().getInt(index * 4) & 0xffffffffL;
            case INT64, UINT64 -> data().getLong(index * 8);
            default -> throw new InvalidArgumentException("a tensor of " + element + " has no integers");
        };
    }

    private void check(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("the element " + index + " of a tensor of " + size()
                    + " elements, of shape " + Arrays.toString(shape));
        }
    }

    /**
     * A copy as doubles.
     *
     * @return a new array, rounded as by {@link #getDouble}
     */
    public double[] toDoubleArray() {
        double[] values = new double[size()];
        if (element == ElementType.FLOAT64) {
            data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asDoubleBuffer().get(values);
        } else {
            for (int i = 0; i < values.length; i++) {
                values[i] = getDouble(i);
            }
        }
        return values;
    }

    /**
     * A copy as floats; elements FLOAT32 and FLOAT16.
     *
     * @return a new array
     * @throws InvalidArgumentException if the elements are others
     */
    public float[] toFloatArray() {
        float[] values = new float[size()];
        if (element == ElementType.FLOAT16) {
            for (int i = 0; i < values.length; i++) {
                values[i] = half(data().getShort(i * 2));
            }
            return values;
        }
        require(ElementType.FLOAT32);
        data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    /**
     * A copy as longs; integer and boolean elements.
     *
     * @return a new array
     * @throws InvalidArgumentException if the elements are floats
     */
    public long[] toLongArray() {
        long[] values = new long[size()];
        if (element == ElementType.INT64) {
            data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(values);
        } else {
            for (int i = 0; i < values.length; i++) {
                values[i] = getLong(i);
            }
        }
        return values;
    }

    /**
     * A copy as ints; elements INT32 only.
     *
     * @return a new array
     * @throws InvalidArgumentException if the elements are others
     */
    public int[] toIntArray() {
        require(ElementType.INT32);
        int[] values = new int[size()];
        data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(values);
        return values;
    }

    /**
     * A copy as shorts; elements INT16 only.
     *
     * @return a new array
     * @throws InvalidArgumentException if the elements are others
     */
    public short[] toShortArray() {
        require(ElementType.INT16);
        short[] values = new short[size()];
        data().duplicate().order(ByteOrder.LITTLE_ENDIAN).asShortBuffer().get(values);
        return values;
    }

    /**
     * A copy as booleans; elements BOOL only.
     *
     * @return a new array
     * @throws InvalidArgumentException if the elements are others
     */
    public boolean[] toBooleanArray() {
        require(ElementType.BOOL);
        boolean[] values = new boolean[size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = data().get(i) != 0;
        }
        return values;
    }

    private void require(ElementType wanted) {
        if (element != wanted) {
            throw new InvalidArgumentException("a tensor of " + element + " is no array of " + wanted);
        }
    }

    /** Equal are tensors of the same element type, shape and bytes. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Tensor tensor
                && tensor.element == element
                && Arrays.equals(tensor.shape, shape)
                && tensor.data().equals(data());
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(shape) + element.hashCode();
    }

    @Override
    public String toString() {
        return "Tensor(" + element + ", " + Arrays.toString(shape) + ")";
    }
}
