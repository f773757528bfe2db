package io.bowstring.internal.value;

import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serial;
import java.lang.ref.Reference;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A handle of the user's on an object, without what a runtime knows of that object. Two handles are equal if they are on the
 * same one.
 */
public abstract class HeldRef<T extends @Nullable Object> implements ObjectRef<T> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient @Nullable Type type;
    private transient volatile boolean released;

    /** {@code type}: what the value is read as; null: as what it is. */
    protected HeldRef(@Nullable Type type) {
        this.type = type;
    }

    /** What the value is read as; null: as what it is. */
    public final @Nullable Type type() {
        return type;
    }

    /** Another handle on the object, whose value is read as a type. */
    protected abstract HeldRef<?> typed(Type wanted);

    @Override
    @SuppressWarnings("unchecked")
    public final <V> ObjectRef<V> as(Class<V> wanted) {
        return (ObjectRef<V>) typed(Arguments.present("type", wanted));
    }

    /** Refuses the use of a handle that was released. */
    protected final void checkHeld() {
        if (released) {
            throw new InvalidArgumentException(this + " was released, and can't be used any more");
        }
    }

    /** What tells the object from others. */
    protected abstract Object key();

    /** Waits for the value, at most so long, and reads it as {@link #type}. */
    protected abstract @Nullable Object read(long timeoutNs);

    /** Ends with the value, read as {@link #type}. */
    protected abstract CompletableFuture<@Nullable Object> future();

    /** The handle is given up, perhaps once more. */
    protected abstract void letGo();

    @Override
    public final T get() {
        return value(Long.MAX_VALUE);
    }

    @Override
    public final T get(Duration timeout) {
        return value(Arguments.nanos("timeout", timeout));
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // T says whether there are nulls
    private T value(long timeoutNs) {
        try {
            return (T) read(timeoutNs);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    public final CompletableFuture<T> toCompletableFuture() {
        return (CompletableFuture<T>) future();
    }

    @Override
    public final void release() {
        released = true;
        letGo();
        Reference.reachabilityFence(this);
    }

    @Override
    public final String id() {
        return key().toString();
    }

    @Override
    public final boolean equals(@Nullable Object other) {
        return other != null && other.getClass() == getClass() && ((HeldRef<?>) other).key().equals(key());
    }

    @Override
    public final int hashCode() {
        return key().hashCode();
    }

    @Override
    public final String toString() {
        return "ObjectRef(" + id() + ")";
    }

    @Serial
    private void writeObject(ObjectOutputStream out) throws NotSerializableException {
        throw new NotSerializableException("io.bowstring.ObjectRef; a reference travels in arguments, results and puts");
    }
}
