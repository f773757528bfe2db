package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serial;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A handle of the user's on a value. */
final class LocalRef<T extends @Nullable Object> implements ObjectRef<T> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient LocalRuntime runtime;
    private final transient LocalObject object;
    private final transient @Nullable Class<?> type;
    private transient volatile boolean released;

    LocalRef(LocalRuntime runtime, LocalObject object, @Nullable Class<?> type) {
        this.runtime = runtime;
        this.object = object;
        this.type = type;
    }

    LocalRuntime runtime() {
        return runtime;
    }

    LocalObject object() {
        if (released) {
            throw new InvalidArgumentException(this + " was released, and can't be used any more");
        }
        return object;
    }

    @Nullable Class<?> type() {
        return type;
    }

    @Override
    public <V> ObjectRef<V> as(Class<V> wanted) {
        return new LocalRef<>(runtime, object(), wanted);
    }

    @Override
    @SuppressWarnings({"unchecked", "NullAway"}) // T says whether there are nulls
    public T get() {
        return (T) runtime.get(this, Long.MAX_VALUE);
    }

    @Override
    @SuppressWarnings({"unchecked", "NullAway"})
    public T get(Duration timeout) {
        return (T) runtime.get(this, LocalRuntime.nanos(timeout));
    }

    @Override
    @SuppressWarnings("unchecked")
    public CompletableFuture<T> toCompletableFuture() {
        return (CompletableFuture<T>) runtime.future(this);
    }

    @Override
    public void release() {
        released = true;
    }

    @Override
    public String id() {
        return object.id.toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LocalRef<?> ref && ref.object.id.equals(object.id);
    }

    @Override
    public int hashCode() {
        return object.id.hashCode();
    }

    @Override
    public String toString() {
        return "ObjectRef(" + id() + ")";
    }

    @Serial
    private void writeObject(ObjectOutputStream out) throws NotSerializableException {
        throw new NotSerializableException("io.bowstring.ObjectRef; a reference travels in arguments, results and puts");
    }
}
