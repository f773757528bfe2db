package io.bowstring.internal.value;

import java.nio.ByteBuffer;

/** One buffer of a value that is about to be written: how long it is, and how it gets to its place. */
public interface ValueBuffer {
    long length();

    /** Writes all bytes at the target's position; the target has exactly the room. */
    void copyTo(ByteBuffer target);

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
        };
    }
}
