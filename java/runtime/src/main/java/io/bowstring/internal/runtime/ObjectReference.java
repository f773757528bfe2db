package io.bowstring.internal.runtime;

import io.bowstring.internal.value.HeldRef;
import java.io.Serial;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.lang.reflect.Type;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A handle of the user's on an entry; its garbage collection ends it. */
public final class ObjectReference<T extends @Nullable Object> extends HeldRef<T> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient Session session;
    private final transient ObjectEntry entry;
    private final transient Cleaner.Cleanable handle;

    /** Takes over one handle of the entry. */
    ObjectReference(Session session, ObjectEntry entry, @Nullable Type type) {
        super(type);
        this.session = session;
        this.entry = entry;
        this.handle = session.references().releaseWhenUnreachable(this, entry);
    }

    Session session() {
        return session;
    }

    /** The entry, which is the handle's to use until it is released. */
    ObjectEntry entry() {
        checkHeld();
        return entry;
    }

    @Override
    protected Object key() {
        return entry.id;
    }

    @Override
    protected @Nullable Object read(long timeoutNs) {
        return session.reader().get(this, timeoutNs);
    }

    @Override
    protected CompletableFuture<@Nullable Object> future() {
        return session.reader().future(this);
    }

    @Override
    protected HeldRef<?> typed(Type wanted) {
        ObjectEntry shared = entry();
        session.locked(() -> session.objects().acquire(shared));
        Reference.reachabilityFence(this);
        return new ObjectReference<>(session, shared, wanted);
    }

    @Override
    protected void letGo() {
        handle.clean();
    }
}
