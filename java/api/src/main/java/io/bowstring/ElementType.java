package io.bowstring;

/** Element type of a {@link Tensor} (spec section 3.4). */
public enum ElementType {
    /** One byte, 0 or 1. */
    BOOL(1, 1),
    /** Signed, 8 bits. */
    INT8(2, 1),
    /** Signed, 16 bits. */
    INT16(3, 2),
    /** Signed, 32 bits. */
    INT32(4, 4),
    /** Signed, 64 bits. */
    INT64(5, 8),
    /** Unsigned, 8 bits. */
    UINT8(6, 1),
    /** Unsigned, 16 bits. */
    UINT16(7, 2),
    /** Unsigned, 32 bits. */
    UINT32(8, 4),
    /** Unsigned, 64 bits. */
    UINT64(9, 8),
    /** IEEE 754 half precision. */
    FLOAT16(10, 2),
    /** IEEE 754 single precision. */
    FLOAT32(11, 4),
    /** IEEE 754 double precision. */
    FLOAT64(12, 8);

    private static final ElementType[] BY_NUMBER = values();

    private final int number;
    private final int size;

    ElementType(int number, int size) {
        this.number = number;
        this.size = size;
    }

    /** {@return the number on the wire} */
    public int number() {
        return number;
    }

    /** {@return the size of one element in bytes} */
    public int size() {
        return size;
    }

    /**
     * The type of a number on the wire.
     *
     * @param number from 1 to 12
     * @return the type
     * @throws IllegalArgumentException if no type has it
     */
    public static ElementType of(int number) {
        if (number < 1 || number > BY_NUMBER.length) {
            throw new IllegalArgumentException("no element type has the number " + number);
        }
        return BY_NUMBER[number - 1];
    }
}
