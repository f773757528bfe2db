package io.bowstring.internal.value;

import org.jspecify.annotations.Nullable;

/** Where ranges of ones come from that take no memory of this process (spec section 3.14), for validity bitmaps. */
public interface Ones {
    /** Where there are none. */
    Ones NONE = length -> null;

    /**
     * A range whose bytes are all 0xFF, for reading. What is written there by address stays in this process, and is seen
     * through every range that was given.
     *
     * @return null if there is none of that length: who reads makes ones of its own
     */
    ValueMemory.@Nullable Range range(long length);
}
