package io.bowstring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a subscriber hears, and when; what the executor is given runs when the test says so. */
class StreamSubscriptionTest {
    private final Items items = new Items();
    private final ArrayDeque<Runnable> given = new ArrayDeque<>();
    private final List<String> heard = new ArrayList<>();
    private Consumer<Integer> onNext = item -> {};
    private final StreamSubscription<Integer> subscription =
            new StreamSubscription<>(items, Integer.class, new Subscriber(), given::add);

    private void runAll() {
        for (Runnable each; (each = given.poll()) != null; ) {
            each.run();
        }
    }

    @Test
    void itemsAreGivenAsTheyAreAskedForAndTheEndWithoutARequest() {
        items.add(1, 2, 3);
        subscription.start();
        runAll();
        assertEquals(List.of(), heard);
        subscription.request(2);
        runAll();
        assertEquals(List.of("1", "2"), heard);
        subscription.request(1);
        runAll();
        assertEquals(List.of("1", "2", "3"), heard);
        items.end();
        runAll();
        assertEquals(List.of("1", "2", "3", "complete"), heard);
        assertTrue(items.closed);
    }

    @Test
    void nothingRunsWhileNoItemIsThere() {
        subscription.start();
        subscription.request(5);
        runAll();
        assertEquals(0, given.size());
        items.add(7);
        assertEquals(1, given.size());
        runAll();
        assertEquals(List.of("7"), heard);
    }

    @Test
    void aRequestFromWithinOnNextIsServedByTheSameRun() {
        onNext = item -> subscription.request(1);
        items.add(1, 2, 3);
        subscription.request(1);
        runAll();
        assertEquals(List.of("1", "2", "3"), heard);
    }

    @Test
    void anAssertionThatFailsInOnNextIsToldAndClosesTheStream() {
        onNext = item -> {
            throw new AssertionError("expected another item");
        };
        items.add(1, 2);
        subscription.request(2);
        runAll();
        assertEquals(List.of("1", "java.lang.AssertionError: expected another item"), heard);
        assertTrue(items.closed);
    }

    @Test
    void requestsForNothingAreToldOnceOnTheExecutorAlsoWhileNoItemIsThere() {
        subscription.start();
        runAll();
        subscription.request(0);
        subscription.request(-1);
        assertEquals(List.of(), heard);
        runAll();
        assertEquals(1, heard.size());
        assertTrue(heard.get(0).contains("it is at least one"), heard.toString());
        subscription.request(0);
        subscription.request(1);
        runAll();
        assertEquals(1, heard.size());
    }

    @Test
    void afterACancellationNothingIsTold() {
        items.add(1);
        subscription.request(1);
        subscription.cancel();
        runAll();
        assertEquals(List.of(), heard);
        assertTrue(items.closed);
    }

    @Test
    void manyRequestsAreNoOverflow() {
        items.add(1, 2);
        subscription.request(Long.MAX_VALUE);
        subscription.request(Long.MAX_VALUE);
        items.end();
        runAll();
        assertEquals(List.of("1", "2", "complete"), heard);
    }

    @Test
    void anExecutorThatTakesNothingIsAnErrorOfTheSubscribers() {
        StreamSubscription<Integer> refused =
                new StreamSubscription<>(items, Integer.class, new Subscriber(), task -> {
                    throw new RejectedExecutionException("it is shut down");
                });
        refused.start();
        assertEquals(1, heard.size());
        assertTrue(heard.get(0).contains("it is shut down"), heard.toString());
        assertTrue(items.closed);
        assertFalse(given.iterator().hasNext());
    }

    private final class Subscriber implements Flow.Subscriber<Integer> {
        @Override
        public void onSubscribe(Flow.Subscription subscribed) {}

        @Override
        public void onNext(Integer item) {
            heard.add(item.toString());
            onNext.accept(item);
        }

        @Override
        public void onError(Throwable error) {
            heard.add(error.toString());
        }

        @Override
        public void onComplete() {
            heard.add("complete");
        }
    }

    /** Items that the test adds. */
    private static final class Items implements RuntimeLink.Items {
        private final ArrayDeque<Integer> there = new ArrayDeque<>();
        private CompletableFuture<Void> ready = new CompletableFuture<>();
        private boolean ended;
        private boolean closed;

        void add(Integer... more) {
            there.addAll(List.of(more));
            ready.complete(null);
        }

        void end() {
            ended = true;
            ready.complete(null);
        }

        @Override
        public boolean await() {
            throw new AssertionError("nobody waits");
        }

        @Override
        public CompletableFuture<Void> ready() {
            return ready;
        }

        @Override
        public @Nullable ObjectRef<?> poll(@Nullable Class<?> type) {
            Integer item = there.poll();
            if (there.isEmpty() && !ended) {
                ready = new CompletableFuture<>();
            }
            return item == null ? null : new Value(item);
        }

        @Override
        public boolean isOver() {
            return ended && there.isEmpty();
        }

        @Override
        public void close() {
            closed = true;
        }

        @Override
        public void closeWhenUnreachable(Object reader) {}
    }

    private record Value(Integer value) implements ObjectRef<Integer> {
        @Override
        public Integer get() {
            return value;
        }

        @Override
        public Integer get(Duration timeout) {
            return value;
        }

        @Override
        public CompletableFuture<Integer> toCompletableFuture() {
            return CompletableFuture.completedFuture(value);
        }

        @Override
        public <V> ObjectRef<V> as(Class<V> type) {
            throw new UnsupportedOperationException("the test reads items as what they are");
        }

        @Override
        public void release() {}

        @Override
        public String id() {
            return "";
        }
    }
}
