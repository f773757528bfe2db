package io.bowstring.internal.value;

import io.bowstring.errors.SerializationException;
import java.nio.ByteBuffer;

/** One buffer of a value that is about to be written: how long it is, and how it gets to its place. */
public interface ValueBuffer {
    long length();

    /** Writes all bytes at the target's position; the target has exactly the room. */
    void copyTo(ByteBuffer target);

    /** Memory that no one buffer of Java's can hold; pieces of it can. */
    interface Pieces {
        /** A writable part, at most {@link #PIECE_BYTES_MAX} long. */
        ByteBuffer piece(long at, long length);
    }

    /** Length of the longest piece. */
    long PIECE_BYTES_MAX = 512L << 20;

    /** Writes all bytes from a place on, into memory of 2 GiB and more. */
    default void copyTo(Pieces target, long at) {
        throw new SerializationException("a part of " + length()
                + " bytes: but for tables, Java writes parts below 512 MiB into a value of 2 GiB and more; split it");
    }

    /** A buffer whose bytes are there. */
    static ValueBuffer of(ByteBuffer data) {
        return new ValueBuffer() {
            @Override
            public long length() {
                return data.remaining();
            }

            @Override
            public void copyTo(ByteBuffer target) {
                target.put(data.duplicate());
            }

            @Override
            public void copyTo(Pieces target, long at) {
                for (int done = 0; done < data.remaining(); done += (int) PIECE_BYTES_MAX) {
                    int count = (int) Math.min(PIECE_BYTES_MAX, data.remaining() - done);
                    target.piece(at + done, count).put(data.slice(data.position() + done, count));
                }
            }
        };
    }
}
