package io.bowstring.internal.value;

import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import org.jspecify.annotations.Nullable;

/** What the encodings ask of the runtime about references and actor handles. */
public interface References {
    /** The reference as it travels, or null if the object is no reference of this runtime. */
    @Nullable WireRef refOf(Object value);

    /** The handle as it travels, or null if the object is no actor handle of this runtime. */
    @Nullable WireHandle handleOf(Object value);

    /** What the value of a reference is read as, where this process knows it. */
    @Nullable Class<?> typeOf(Object reference);

    /** A reference that was read out of a value. */
    Object readRef(WireRef ref, @Nullable Class<?> type);

    /** An actor handle that was read out of a value. */
    Object readHandle(WireHandle handle);
}
