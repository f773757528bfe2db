package io.bowstring.internal.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** An id as a key: of a task (16 bytes) or an object (20 bytes; spec chapter 2). */
public final class Id {
    public static final int TASK_BYTES = 16;
    private static final int PUT_SPACE = 1 << 30;
    private static final int ITEM_SPACE = 1 << 31;

    private final byte[] bytes;
    private final int hash;

    private Id(byte[] bytes) {
        this.bytes = bytes;
        this.hash = Arrays.hashCode(bytes);
    }

    /** The id of these bytes, which must not be changed any more. */
    public static Id of(byte[] bytes) {
        return new Id(bytes);
    }

    /** A result of a task, by its place. */
    public static Id result(byte[] task, int index) {
        byte[] bytes = Arrays.copyOf(task, 20);
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(TASK_BYTES, index);
        return new Id(bytes);
    }

    /** An item of a stream, by its place. */
    public static Id item(byte[] task, long index) {
        return result(task, ITEM_SPACE | (int) index);
    }

    /** A put of a task, by its count. */
    public static Id put(byte[] task, int count) {
        return result(task, PUT_SPACE | count);
    }

    /** True of an id that names nothing. */
    public static boolean isZero(byte[] bytes) {
        for (byte each : bytes) {
            if (each != 0) {
                return false;
            }
        }
        return true;
    }

    /** True of the id of a put. */
    boolean isPut() {
        return bytes.length == 20 && (bytes[19] & 0xc0) == 0x40;
    }

    /** The bytes; not to be changed. */
    public byte[] bytes() {
        return bytes;
    }

    /** The task that makes this object. */
    public byte[] task() {
        return Arrays.copyOf(bytes, TASK_BYTES);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Id id && Arrays.equals(id.bytes, bytes);
    }

    @Override
    public int hashCode() {
        return hash;
    }

    /** Lower-case hexadecimal digits. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }

    static byte[] none() {
        return new byte[TASK_BYTES];
    }

}
