package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.worker.ItemStream;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A stream between the task that makes it and who reads it, with the pace that real ones have. */
final class LocalStream implements RuntimeLink.Items {
    private final LocalRuntime runtime;
    private final LocalTask task;
    private final int ahead;
    private final ArrayDeque<LocalObject> items = new ArrayDeque<>();
    private final Runnable closed;
    private ItemStream pace = new ItemStream(true);
    private @Nullable CompletableFuture<Void> changed;
    private long received;
    private long taken;
    private boolean ended;
    private boolean isClosed;

    /** A stream of which at most {@code ahead} items lie untaken; {@code closed} hears that nobody has to close it now. */
    LocalStream(LocalRuntime runtime, LocalTask task, int ahead, Runnable closed) {
        this.runtime = runtime;
        this.task = task;
        this.ahead = ahead;
        this.closed = closed;
    }

    // For the task ---------------------------------------------------------------------------------------------------

    /** The pace of an attempt that starts now. */
    ItemStream begin() {
        synchronized (runtime.lock()) {
            pace = new ItemStream(true);
            pace.credits(received, taken + ahead);
            return pace;
        }
    }

    /** An item was made. */
    void add(long index, LocalValues.Written item) {
        synchronized (runtime.lock()) {
            if (isClosed || ended || index != received) {
                return;
            }
            received++;
            append(index, item);
            wake();
        }
    }

    private void append(long index, LocalValues.Written item) {
        LocalObject object = runtime.object(Id.item(task.id.bytes(), index));
        object.complete(item.payload(), item.contained());
        items.add(object);
    }

    /** Nothing more comes; an error is the last item. The lock is held. */
    void end(LocalValues.@Nullable Written error) {
        if (!ended) {
            ended = true;
            if (error != null && !isClosed) {
                append(received, error);
            }
            wake();
        }
    }

    private void wake() {
        CompletableFuture<Void> waiting = changed;
        changed = null;
        if (waiting != null) {
            waiting.complete(null);
        }
    }

    // For the reader -------------------------------------------------------------------------------------------------

    @Override
    public boolean await() {
        while (true) {
            runtime.reads().await(ready(), Long.MAX_VALUE);
            synchronized (runtime.lock()) {
                if (!items.isEmpty() || ended || isClosed) {
                    if (items.isEmpty()) {
                        closed.run();
                    }
                    return !items.isEmpty();
                }
            }
        }
    }

    @Override
    public CompletableFuture<Void> ready() {
        synchronized (runtime.lock()) {
            if (!items.isEmpty() || ended || isClosed) {
                return CompletableFuture.completedFuture(null);
            }
            if (changed == null) {
                changed = new CompletableFuture<>();
            }
            return changed.copy();
        }
    }

    @Override
    public @Nullable ObjectRef<?> poll(@Nullable Class<?> type) {
        synchronized (runtime.lock()) {
            LocalObject item = items.poll();
            if (item == null) {
                return null;
            }
            taken++;
            pace.credits(0, taken + ahead);
            return new LocalRef<>(runtime, item, type);
        }
    }

    @Override
    public boolean isOver() {
        synchronized (runtime.lock()) {
            boolean over = (ended || isClosed) && items.isEmpty();
            if (over) {
                closed.run();
            }
            return over;
        }
    }

    @Override
    public void close() {
        closed.run();
        synchronized (runtime.lock()) {
            if (isClosed) {
                return;
            }
            isClosed = true;
            items.clear();
            if (!ended) {
                runtime.board().cancel(task, false, true);
            }
            wake();
        }
    }

    @Override
    public void closeWhenUnreachable(Object reader) {
        runtime.cleaner().register(reader, this::close);
    }
}
