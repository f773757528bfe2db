package io.bowstring.internal.runtime;

import io.bowstring.RuntimeLink;
import io.bowstring.errors.BowstringException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Credits;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.StreamItem;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What the caller keeps of a stream (spec section 4.8): the items that came and were not taken yet, how many the worker
 * may still make, and how it ended. Guarded by the session's lock.
 */
public final class PendingStream implements RuntimeLink.Items {
    private final Session session;
    private final int ahead;
    private final ArrayDeque<ObjectEntry> items = new ArrayDeque<>();
    @SuppressWarnings("NullAway.Init") // isOf() follows the constructor
    private PendingTask task;
    private @Nullable CompletableFuture<Void> changed;
    private long received;
    private long taken;
    private long limit;
    private boolean ended;
    private boolean closed;

    /** A stream of which at most {@code ahead} items lie untaken. */
    PendingStream(Session session, int ahead) {
        this.session = session;
        this.ahead = ahead;
    }

    void isOf(PendingTask made) {
        task = made;
    }

    // From the worker ------------------------------------------------------------------------------------------------

    /** What goes behind each attempt's Task. */
    Credits credits() {
        limit = taken + ahead;
        Credits credits = new Credits();
        credits.id = task.id.bytes();
        credits.attempt = task.attempt;
        credits.first = received;
        credits.limit = limit;
        return credits;
    }

    void item(StreamItem item, byte[] body) {
        boolean wanted = !closed && !ended && item.index == received;
        if (!wanted && item.index < received) {
            return; // it came already, and is the same object
        }
        ObjectEntry entry = session.objects().own(Id.item(task.id.bytes(), item.index));
        Return value = item.value;
        session.taskEnds().complete(entry, value, body, (value.flags() & 1) != 0);
        if (wanted) {
            received++;
            items.add(entry);
            wake();
        } else {
            session.objects().release(entry);
        }
    }

    /** Nothing more comes; an error is the last item. */
    void end(@Nullable Payload error) {
        if (ended) {
            return;
        }
        ended = true;
        if (error != null && !closed) {
            ObjectEntry entry = session.objects().own(Id.item(task.id.bytes(), received));
            session.objects().completeLocal(entry, error, java.util.List.of());
            items.add(entry);
        }
        wake();
    }

    void fail(BowstringException error) {
        end(ErrorRecords.payload(ErrorRecords.of(error)));
    }

    private void wake() {
        CompletableFuture<Void> waiting = changed;
        changed = null;
        if (waiting != null) {
            waiting.complete(null);
        }
    }

    // From the user --------------------------------------------------------------------------------------------------

    /** Ends when an item is there or the stream is over. */
    @Override
    public CompletableFuture<Void> ready() {
        CompletableFuture<Void> ready = new CompletableFuture<>();
        session.locked(() -> {
            if (!items.isEmpty() || ended || closed) {
                ready.complete(null);
            } else if (changed == null) {
                changed = ready;
            } else {
                changed.thenRun(() -> ready.complete(null));
            }
        });
        session.reactor().wake();
        return ready;
    }

    /** Waits until an item is there; false: the stream is over. */
    @Override
    public boolean await() {
        while (true) {
            CompletableFuture<Void> ready = ready();
            session.reader().await(ready, Long.MAX_VALUE, true);
            boolean[] there = new boolean[2];
            session.locked(() -> {
                there[0] = !items.isEmpty();
                there[1] = ended || closed;
            });
            if (there[0] || there[1]) {
                return there[0];
            }
        }
    }

    /** The next item, if one is there; its taking lets the worker make more. */
    @Override
    public @Nullable ObjectReference<?> poll(@Nullable Class<?> type) {
        ObjectEntry[] item = new ObjectEntry[1];
        session.locked(() -> {
            item[0] = items.poll();
            if (item[0] == null) {
                return;
            }
            taken++;
            if (!ended && !closed && (limit - taken) * 2 <= ahead) {
                session.taskEnds().send(task, credits());
            }
        });
        return item[0] == null ? null : new ObjectReference<>(session, item[0], type);
    }

    @Override
    public boolean isOver() {
        boolean[] over = new boolean[1];
        session.locked(() -> over[0] = (ended || closed) && items.isEmpty());
        return over[0];
    }

    @Override
    public void closeWhenUnreachable(Object reader) {
        session.references().whenUnreachable(reader, this::close);
    }

    /** Nobody reads on: what came is released, and what runs is cancelled. */
    @Override
    public void close() {
        session.locked(() -> {
            if (closed) {
                return;
            }
            closed = true;
            items.forEach(session.objects()::release);
            items.clear();
            if (!ended) {
                session.taskEnds().cancel(task, false, true);
            }
            wake();
        });
        session.reactor().wake();
    }
}
