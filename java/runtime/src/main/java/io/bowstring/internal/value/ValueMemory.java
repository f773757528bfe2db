package io.bowstring.internal.value;

import java.nio.ByteBuffer;

/** Memory of the store that holds an image: read while the value is, and kept by those of its parts that are views. */
public interface ValueMemory {
    /** Bytes of the image. */
    long length();

    /** Some of the bytes, to be copied from while the value is read. */
    ByteBuffer bytes(long offset, long length);

    /** The same for a view: good, and its memory with it, as long as somebody refers to it. */
    ByteBuffer view(long offset, long length);

    /** The same for a table, of any length. */
    Range range(long offset, long length);

    /** Ones for the bitmaps of tables that are read from this memory. */
    Ones ones();

    /** What a view runs when it is closed: once all that were given have been run, the memory is let go of. */
    Runnable share();

    /**
     * Memory that no one buffer can hold.
     *
     * @param keeper what keeps it while it is referred to
     */
    record Range(long address, long length, Object keeper) {}
}
