package io.bowstring.internal.testkit;

import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.value.Payload;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A value that is there or is being made. Its bytes are what the encodings made of it, so that nobody shares an object
 * with somebody else. What it contains lives as long as it does. Guarded by the runtime's lock.
 */
final class LocalObject {
    final Id id;
    /** The task that makes it; null: it was put, or nobody makes it any more. */
    @Nullable LocalTask producer;
    private @Nullable Payload payload;
    private List<Object> contained = List.of();
    private List<Runnable> listeners = new ArrayList<>();

    LocalObject(Id id) {
        this.id = id;
    }

    /** The bytes, once they are there. */
    @Nullable Payload payload() {
        return payload;
    }

    boolean isReady() {
        return payload != null;
    }

    /** The value is there; the first one stays. */
    void complete(Payload made, List<Object> contains) {
        if (payload == null) {
            payload = made;
            contained = contains;
            producer = null;
            List<Runnable> waiting = listeners;
            listeners = List.of();
            waiting.forEach(Runnable::run);
        }
    }

    /** How many objects and actors it keeps. */
    int containedCount() {
        return contained.size();
    }

    /** Runs an action once the value is there, which it must not be yet. */
    void onReady(Runnable action) {
        listeners.add(action);
    }

    void forget(Runnable action) {
        if (payload == null) {
            listeners.remove(action);
        }
    }
}
