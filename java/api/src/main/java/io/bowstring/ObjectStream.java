package io.bowstring;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The items of a task that makes them one by one, each there as soon as it is made (spec section 4.8).
 *
 * <pre>{@code
 * try (ObjectStream<Long> squares = Bowstring.task(Squares::upTo, 100L).stream(Long.class)) {
 *     for (Long square : squares.values()) {
 *         ...
 *     }
 * }
 * }</pre>
 *
 * <p>The task waits when so many items lie unread as the call allows. If its worker ends, another one starts it anew, and
 * what was there already is left out: so it should make the same items again. If it fails, the error is the last item: a
 * reference whose {@code get} throws. Closing the stream, or losing it, ends the task. One thread at a time reads it.
 *
 * @param <T> type of the items
 */
public final class ObjectStream<T extends @Nullable Object> implements Iterator<ObjectRef<T>>, AutoCloseable {
    private final RuntimeLink.Items stream;
    private final Class<T> type;

    ObjectStream(RuntimeLink.Items stream, Class<T> type) {
        this.stream = stream;
        this.type = type;
        stream.closeWhenUnreachable(this);
    }

    /** Waits until there is a further item, or certainly none. */
    @Override
    public boolean hasNext() {
        return stream.await();
    }

    /**
     * The next item, which is ready; waits for it.
     *
     * @throws NoSuchElementException at the end
     */
    @Override
    @SuppressWarnings("unchecked")
    public ObjectRef<T> next() {
        while (stream.await()) {
            ObjectRef<?> item = stream.poll(type);
            if (item != null) {
                return (ObjectRef<T>) item;
            }
        }
        throw new NoSuchElementException("the stream is over");
    }

    /**
     * The items' values, to go through once. A task's error is thrown where it stands.
     *
     * @return an iterable over what is left of this stream
     */
    public Iterable<T> values() {
        return () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return ObjectStream.this.hasNext();
            }

            @Override
            public T next() {
                return ObjectStream.this.next().get();
            }
        };
    }

    /**
     * The same as {@link #publisher(Executor)} on the common pool.
     *
     * @return a publisher for one subscriber
     */
    public Flow.Publisher<T> publisher() {
        return publisher(ForkJoinPool.commonPool());
    }

    /**
     * The items' values for one subscriber, as many as it asks for. No thread waits while none is there. Cancelling the
     * subscription closes the stream, and so does a subscriber that throws, which hears of it in {@code onError}.
     *
     * @param executor where values are read and the subscriber is called, one call at a time; it has threads of its
     *     own, and does not run what it is given on the spot
     * @return a publisher for one subscriber; a second one hears of an {@code IllegalStateException}
     */
    public Flow.Publisher<T> publisher(Executor executor) {
        AtomicBoolean used = new AtomicBoolean();
        return subscriber -> {
            if (!used.compareAndSet(false, true)) {
                subscriber.onSubscribe(new Flow.Subscription() {
                    @Override
                    public void request(long count) {}

                    @Override
                    public void cancel() {}
                });
                subscriber.onError(new IllegalStateException("a stream has one subscriber, and this one has one already"));
                return;
            }
            StreamSubscription<T> subscription = new StreamSubscription<>(stream, type, subscriber, executor);
            subscriber.onSubscribe(subscription);
            subscription.start();
        };
    }

    /** Ends the task, if it runs, and lets go of what was not read. */
    @Override
    public void close() {
        stream.close();
    }
}
