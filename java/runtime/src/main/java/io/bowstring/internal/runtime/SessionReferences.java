package io.bowstring.internal.runtime;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.value.Conversions;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.References;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.Cleaner;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The user's references and handles: what they are on the wire, what is made of those that are read, and what is given back
 * when they are garbage.
 */
public final class SessionReferences implements References {
    private final Session session;
    private final Cleaner cleaner;

    SessionReferences(Session session, Cleaner cleaner) {
        this.session = session;
        this.cleaner = cleaner;
    }

    /** Runs an action once an object is garbage. */
    public void whenUnreachable(Object object, Runnable action) {
        cleaner.register(object, action);
    }

    /** Gives back the handle of an entry when its owner is garbage, or is told to by what this returns. */
    Cleaner.Cleanable releaseWhenUnreachable(Object handle, ObjectEntry entry) {
        return cleaner.register(handle, new Release(session, entry));
    }

    private record Release(Session session, ObjectEntry entry) implements Runnable {
        @Override
        public void run() {
            session.locked(() -> session.objects().release(entry));
            session.reactor().wake();
        }
    }

    @Override
    public @Nullable WireRef refOf(Object value) {
        return value instanceof ObjectReference<?> reference ? own(reference.session(), reference.entry().ref) : null;
    }

    @Override
    public @Nullable WireHandle handleOf(Object value) {
        return value instanceof ActorReference reference ? own(reference.session(), reference.link().handle) : null;
    }

    <T> T own(Session other, T value) {
        if (other != session) {
            throw new InvalidArgumentException("a reference or handle is of a runtime that was shut down");
        }
        return value;
    }

    @Override
    public @Nullable Class<?> typeOf(Object reference) {
        Type type = ((ObjectReference<?>) reference).type();
        return type == null ? null : Conversions.erase(type);
    }

    @Override
    public Object readRef(WireRef ref, @Nullable Class<?> type) {
        if (Id.isZero(ref.id())) {
            throw new ProtocolException("a reference to no object");
        }
        ObjectEntry[] entry = new ObjectEntry[1];
        session.locked(() -> entry[0] = session.objects().borrow(ref));
        return noted(new ObjectReference<>(session, entry[0], type));
    }

    private static <T> T noted(T reference) {
        TaskContext context = TaskContext.current();
        if (context != null) {
            context.note(reference);
        }
        return reference;
    }

    /** Takes over references that stand alone among a call's arguments, as if they had been read out of a value. */
    public void keep(List<WireRef> refs) {
        refs.forEach(ref -> readRef(ref, null));
        TaskContext context = TaskContext.current();
        if (context != null) {
            session.locked(() -> session.objects().holdRead(context));
        }
    }

    @Override
    public Object readHandle(WireHandle handle) {
        return noted(handle(handle, false));
    }

    /** A handle of the user's for an actor; {@code held}: the node counts it already. */
    public ActorReference handle(WireHandle handle, boolean held) {
        if (Id.isZero(handle.ref.id())) {
            throw new ProtocolException("a handle of no actor");
        }
        ActorLink[] link = new ActorLink[1];
        session.locked(() -> link[0] = session.actors().know(handle, held));
        return ActorReference.of(session, link[0]);
    }

    private ObjectEntry entryOf(Object reference) {
        return reference instanceof ObjectReference<?> ref ? ref.entry() : ((ActorReference) reference).link().entry;
    }

    /** Handles on everything that a value contains; the lock is held. */
    List<ObjectEntry> nested(EncodedValue value) {
        List<ObjectEntry> nested = new ArrayList<>(value.references().size());
        for (Object reference : value.references()) {
            ObjectEntry entry = entryOf(reference);
            session.objects().acquire(entry);
            nested.add(entry);
        }
        return nested;
    }

    /** What a worker tells of references inside a value that it made: as they travel, each known at its home. */
    public List<WireRef> publishContained(EncodedValue value) {
        if (value.references().isEmpty()) {
            return List.of();
        }
        List<WireRef> refs = new ArrayList<>();
        session.locked(() -> {
            for (Object reference : value.references()) {
                ObjectEntry entry = entryOf(reference);
                session.objects().publish(entry);
                refs.add(entry.ref);
            }
        });
        return refs;
    }
}
