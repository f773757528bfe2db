package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serial;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A handle of the user's on an entry; its garbage collection ends it. */
public final class ObjectReference<T extends @Nullable Object> implements ObjectRef<T> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient Session session;
    private final transient ObjectEntry entry;
    private final transient @Nullable Class<?> type;
    private final transient Cleaner.Cleanable handle;
    private transient volatile boolean released;

    /** Takes over one handle of the entry. */
    ObjectReference(Session session, ObjectEntry entry, @Nullable Class<?> type) {
        this.session = session;
        this.entry = entry;
        this.type = type;
        this.handle = session.references().releaseWhenUnreachable(this, entry);
    }

    Session session() {
        return session;
    }

    /** The entry, which is the handle's to use until it is released. */
    ObjectEntry entry() {
        if (released) {
            throw new InvalidArgumentException(this + " was released, and can't be used any more");
        }
        return entry;
    }

    @Nullable Class<?> type() {
        return type;
    }

    @Override
    @SuppressWarnings({"unchecked", "NullAway"}) // T says whether there are nulls
    public T get() {
        try {
            return (T) session.reader().get(this, Long.MAX_VALUE);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    @SuppressWarnings({"unchecked", "NullAway"})
    public T get(Duration timeout) {
        try {
            return (T) session.reader().get(this, ObjectReader.nanos(timeout));
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    @Override
    @SuppressWarnings("unchecked")
    public CompletableFuture<T> toCompletableFuture() {
        return (CompletableFuture<T>) session.reader().future(this);
    }

    @Override
    public <V> ObjectRef<V> as(Class<V> wanted) {
        ObjectEntry shared = entry();
        session.locked(() -> session.objects().acquire(shared));
        Reference.reachabilityFence(this);
        return new ObjectReference<>(session, shared, wanted);
    }

    @Override
    public void release() {
        released = true;
        handle.clean();
        Reference.reachabilityFence(this);
    }

    @Override
    public String id() {
        return entry.id.toString();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ObjectReference<?> reference && reference.entry.id.equals(entry.id);
    }

    @Override
    public int hashCode() {
        return entry.id.hashCode();
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
