package io.bowstring.internal.arrow;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.arrow.ArrowValue;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What an arena has of the store: at first an extent of its own, and once it was put a pin on the table in it. With the
 * pin the table stays where it is, so that the vectors it was built of can be read until they are closed; they can't be
 * written any more. It knows nothing of the arena, whose being garbage ends it too.
 */
final class ArenaLife {
    private static final AtomicInteger SEALED = new AtomicInteger();

    private final RuntimeLink.Memory<ArrowValue> memory;
    private @Nullable Runnable unpin;
    private boolean put;
    private boolean closed;

    ArenaLife(RuntimeLink.Memory<ArrowValue> memory) {
        this.memory = memory;
    }

    /** Ends with an arena that is garbage: its vectors, which refer to it, are too. */
    void endWith(StoreArena arena) {
        Abandoned.CLEANER.register(arena, this::close);
    }

    private static final class Abandoned {
        static final Cleaner CLEANER = Cleaner.create();
    }

    /** Whether there are arenas that were put and not closed: else no write need look for its arena. */
    static boolean isAnySealed() {
        return SEALED.get() != 0;
    }

    synchronized boolean isSealed() {
        return put;
    }

    synchronized ObjectRef<ArrowValue> put(long length) {
        ObjectRef<ArrowValue> ref = memory.putPinned(length, this::pinned);
        put = true;
        SEALED.incrementAndGet();
        return ref;
    }

    /** The node has pinned the table; what ends that is run once. */
    private void pinned(Runnable end) {
        synchronized (this) {
            if (!closed) {
                unpin = end;
                return;
            }
        }
        end.run();
    }

    void close() {
        Runnable end;
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            end = unpin;
            if (put) {
                SEALED.decrementAndGet();
            } else {
                memory.giveBack();
            }
        }
        if (end != null) {
            end.run();
        }
    }
}
