package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.GetTimeoutException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * References as their values become ready. Each is listened to once, so that going through all of them costs the same for
 * each, however many there are.
 */
final class Arrivals<T extends @Nullable Object> implements Iterator<ObjectRef<T>> {
    private final Session session;
    private final long timeoutNs;
    private final long begunNs = System.nanoTime();
    /** Guarded by the session's lock, like what follows. */
    private final ArrayDeque<ObjectRef<T>> ready = new ArrayDeque<>();
    private @Nullable CompletableFuture<Boolean> awaited;
    private int left;

    Arrivals(Session session, List<? extends ObjectRef<T>> refs, long timeoutNs) {
        this.session = session;
        this.timeoutNs = timeoutNs;
        left = refs.size();
        List<ObjectEntry> entries = refs.stream().map(ref -> session.reader().reference(ref).entry()).toList();
        session.locked(() -> {
            for (int index = 0; index < entries.size(); index++) {
                ObjectRef<T> ref = refs.get(index);
                ObjectEntry entry = entries.get(index);
                if (entry.isReady()) {
                    ready.add(ref);
                } else {
                    entry.onReady(() -> arrived(ref));
                    session.objects().watch(entry);
                }
            }
        });
    }

    private void arrived(ObjectRef<T> ref) {
        ready.add(ref);
        CompletableFuture<Boolean> waiting = awaited;
        awaited = null;
        if (waiting != null) {
            waiting.complete(true);
        }
    }

    @Override
    public boolean hasNext() {
        return left > 0;
    }

    @Override
    public ObjectRef<T> next() {
        if (left == 0) {
            throw new NoSuchElementException("every reference was given");
        }
        CompletableFuture<Boolean> there = new CompletableFuture<>();
        session.locked(() -> {
            if (ready.isEmpty()) {
                awaited = there;
            } else {
                there.complete(true);
            }
        });
        if (!there.isDone()) {
            long rest = timeoutNs == Long.MAX_VALUE ? timeoutNs
                    : Math.max(0, timeoutNs - (System.nanoTime() - begunNs));
            try {
                session.reader().await(there, rest, true);
            } catch (GetTimeoutException late) {
                throw new GetTimeoutException(left + " values were not there in time", late);
            }
        }
        List<ObjectRef<T>> next = new ArrayList<>(1);
        session.locked(() -> next.add(ready.remove()));
        left--;
        return next.get(0);
    }
}
