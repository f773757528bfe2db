package io.bowstring;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One subscriber of a stream: what it has asked for, and at most one thread at a time that gives it to it.
 *
 * <p>Whatever happens (a request, an item that has come, the end) is a signal. The first of them starts a run on the
 * executor; those that come while it runs make it go round once more. So everything but {@code onSubscribe} is told by one
 * thread at a time, nobody waits for items, and the end is told to who has asked for nothing, too. One of
 * {@code onComplete} and {@code onError} is the last that is told, and it is told once.
 */
final class StreamSubscription<T extends @Nullable Object> implements Flow.Subscription {
    private final RuntimeLink.Items items;
    private final Class<T> type;
    private final Flow.Subscriber<? super T> subscriber;
    private final Executor executor;
    private final AtomicInteger signals = new AtomicInteger();
    private final AtomicLong asked = new AtomicLong();
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable Throwable refused;
    private volatile boolean waiting;

    StreamSubscription(
            RuntimeLink.Items items, Class<T> type, Flow.Subscriber<? super T> subscriber, Executor executor) {
        this.items = items;
        this.type = type;
        this.subscriber = subscriber;
        this.executor = executor;
    }

    /** The subscriber knows this subscription: from here on it hears of the stream. */
    void start() {
        signal();
    }

    @Override
    public void request(long count) {
        if (count > 0) {
            asked.accumulateAndGet(count, (before, more) -> before + more < 0 ? Long.MAX_VALUE : before + more);
        } else {
            refused = new IllegalArgumentException("a request for " + count + " items; it is at least one");
        }
        signal();
    }

    @Override
    public void cancel() {
        finish();
    }

    /** Closes the stream; true for the one who is first to. */
    private boolean finish() {
        boolean first = over.compareAndSet(false, true);
        if (first) {
            items.close();
        }
        return first;
    }

    private void fail(Throwable error) {
        if (finish()) {
            subscriber.onError(error);
        }
    }

    private void signal() {
        if (!over.get() && signals.getAndIncrement() == 0) {
            try {
                executor.execute(this::run);
            } catch (RuntimeException rejected) {
                fail(rejected); // on this thread: nobody else would tell the subscriber
            }
        }
    }

    private void run() {
        int seen = signals.get();
        do {
            try {
                give();
            } catch (Throwable error) {
                fail(error); // the item is an error, or none of this type, or the subscriber broke its contract
            }
            seen = signals.addAndGet(-seen);
        } while (seen != 0);
    }

    /** Gives what is there and was asked for; what is missing then is sure to be signalled. */
    private void give() {
        while (!over.get()) {
            Throwable error = refused;
            if (error != null) {
                fail(error);
                return;
            }
            CompletableFuture<Void> ready = items.ready();
            if (!ready.isDone()) {
                if (!waiting) {
                    waiting = true;
                    ready.whenComplete((done, impossible) -> {
                        waiting = false;
                        signal();
                    });
                }
                return;
            }
            if (items.isOver()) {
                if (finish()) {
                    subscriber.onComplete();
                }
                return;
            }
            if (asked.get() == 0) {
                return;
            }
            ObjectRef<?> item = items.poll(type);
            if (item != null) {
                if (asked.get() != Long.MAX_VALUE) {
                    asked.decrementAndGet();
                }
                @SuppressWarnings("unchecked")
                T value = (T) item.get();
                subscriber.onNext(value);
            }
        }
    }
}
