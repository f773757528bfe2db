package io.bowstring.internal.runtime;

import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows of one object. All fields are guarded by the session's lock.
 *
 * <p>An entry lives while {@code handles} is above zero: references of the user's, arguments of tasks under way, and
 * values here that contain it. {@code held} says whether the home counts this process among the holders.
 */
final class ObjectEntry {
    final Id id;
    final WireRef ref;
    final boolean owned;
    int handles;

    /** The home has heard of the object. */
    boolean known;
    /** The home counts a hold of this process. */
    boolean held;
    /** The value, if it lives here. */
    @Nullable Payload local;
    /** The value is in the store, or, for another's object, ready at its home. */
    boolean ready;
    /** The home was asked to say when the value is ready. */
    boolean asked;
    /** Object and life of an actor: never read. */
    boolean isActor;
    /** The task that makes it, until its end. */
    @Nullable PendingTask producer;
    /** What this entry keeps of the store, as far as is known here. */
    @Nullable Location stored;
    /** Entries inside {@code local}, held by it. */
    List<ObjectEntry> nested = List.of();

    private @Nullable List<Runnable> waiters;

    ObjectEntry(Id id, WireRef ref, boolean owned) {
        this.id = id;
        this.ref = ref;
        this.owned = owned;
    }

    boolean isReady() {
        return local != null || ready;
    }

    void onReady(Runnable waiter) {
        if (waiters == null) {
            waiters = new ArrayList<>(2);
        }
        waiters.add(waiter);
    }

    void forget(Runnable waiter) {
        if (waiters != null) {
            waiters.remove(waiter);
        }
    }

    void fireReady() {
        List<Runnable> fired = waiters;
        waiters = null;
        if (fired != null) {
            fired.forEach(Runnable::run);
        }
    }
}
