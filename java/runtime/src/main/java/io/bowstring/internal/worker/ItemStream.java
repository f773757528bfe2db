package io.bowstring.internal.worker;

import io.bowstring.errors.InvalidArgumentException;
import java.util.Iterator;
import java.util.concurrent.CompletableFuture;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;

/**
 * The pace of one stream that this worker makes (spec section 4.8): from which item on items are wanted, and how many may
 * be made. Credits come on the reactor's thread, the task's thread waits for them.
 */
public final class ItemStream {
    private long first;
    private long limit;
    private @Nullable CompletableFuture<Void> waiting;

    /** A pace that waits for the first credits, or one that nobody sets. */
    public ItemStream(boolean paced) {
        limit = paced ? 0 : -1;
    }

    /** Items are wanted from one on, and so many may be made; below 0: any number. */
    public synchronized void credits(long wantedFrom, long allowed) {
        first = wantedFrom;
        limit = allowed < 0 || limit < 0 ? -1 : Math.max(limit, allowed);
        CompletableFuture<Void> waiter = waiting;
        waiting = null;
        if (waiter != null) {
            waiter.complete(null);
        }
    }

    /** Null if the item of this index may be made now; else what ends when more may. */
    public synchronized @Nullable CompletableFuture<Void> awaited(long index) {
        if (limit < 0 || index < limit) {
            return null;
        }
        if (waiting == null) {
            waiting = new CompletableFuture<>();
        }
        return waiting;
    }

    /** Whether the caller has not had the item of this index from an earlier attempt. */
    public synchronized boolean isWanted(long index) {
        return index >= first;
    }

    /** The items of what a method returned. */
    public static Iterator<?> items(@Nullable Object made, String name) {
        if (made instanceof Iterator<?> iterator) {
            return iterator;
        } else if (made instanceof Iterable<?> iterable) {
            return iterable.iterator();
        } else if (made instanceof BaseStream<?, ?> stream) {
            return stream.iterator();
        }
        throw new InvalidArgumentException(name + " returned " + (made == null ? "null" : "a " + made.getClass().getName())
                + "; a stream is made of an Iterator, an Iterable or a Stream");
    }
}
