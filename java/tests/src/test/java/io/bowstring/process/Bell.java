package io.bowstring.process;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** An actor whose methods return before they are done. */
public final class Bell {
    private final CompletableFuture<Integer> rung = new CompletableFuture<>();
    private final AtomicInteger listeners = new AtomicInteger();
    private final AtomicInteger cancelled = new AtomicInteger();
    private final List<String> events = new ArrayList<>();

    /** Ends once the bell is rung. */
    public CompletionStage<Integer> hear(int number) {
        listeners.incrementAndGet();
        CompletableFuture<Integer> heard = rung.thenApply(by -> by + number);
        heard.whenComplete((value, error) -> {
            if (heard.isCancelled()) {
                cancelled.incrementAndGet();
            }
        });
        return heard;
    }

    public CompletableFuture<Integer> fail() {
        listeners.incrementAndGet();
        return rung.thenApply(by -> {
            throw new IllegalStateException("cracked");
        });
    }

    /** Ends once the bell is rung, with what makes a stream. */
    public CompletableFuture<Stream<Integer>> peal(int count) {
        return rung.thenApply(by -> IntStream.range(by, by + count).boxed());
    }

    public int ring(int by) {
        rung.complete(by);
        return listeners.get();
    }

    public int listeners() {
        return listeners.get();
    }

    public int cancelled() {
        return cancelled.get();
    }

    /** Ends some time after it has returned. */
    public CompletableFuture<List<String>> note(String event) {
        synchronized (events) {
            events.add(event + " began");
        }
        return CompletableFuture.supplyAsync(() -> {
            synchronized (events) {
                events.add(event + " ended");
                return List.copyOf(events);
            }
        });
    }

    /** Threads that are there for calls. */
    public int threads() {
        return (int) Thread.getAllStackTraces().keySet().stream()
                .filter(each -> each.getName().startsWith("bowstring-task"))
                .count();
    }
}
