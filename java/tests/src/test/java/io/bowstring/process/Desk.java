package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.RemoteMethod;
import io.bowstring.RuntimeContext;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;

/** An actor whose methods declare how they are called, and tasks that fail at first. */
public class Desk {
    private final CountDownLatch gate = new CountDownLatch(1);
    private int calls;

    public Desk() {}

    /** Keeps the default group busy until {@link #open}. */
    public int waitForGate() throws InterruptedException {
        gate.await();
        return 1;
    }

    @RemoteMethod(concurrencyGroup = "io")
    public int open() {
        gate.countDown();
        return 2;
    }

    public int openUndeclared() {
        gate.countDown();
        return 3;
    }

    @RemoteMethod(maxTaskRetries = 3, retryOn = IOException.class)
    public int flaky(int failures) throws IOException {
        if (calls++ < failures) {
            throw new FileNotFoundException("call " + calls);
        }
        return calls;
    }

    @RemoteMethod(maxTaskRetries = 3, retryOn = IOException.class)
    public int wrong() {
        calls++;
        throw new IllegalStateException("call " + calls);
    }

    public int calls() {
        return calls;
    }

    /** Fails so often, counted by the length of a file. */
    public static long failing(String marks, int failures) throws IOException {
        Path file = Path.of(marks);
        Files.write(file, new byte[1], StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        long tries = Files.size(file);
        if (tries <= failures) {
            throw new FileNotFoundException("try " + tries);
        }
        return tries;
    }

    public static CompletionStage<Long> later(long value) {
        return CompletableFuture.supplyAsync(() -> value + 1);
    }

    public static CompletableFuture<Long> neverWell() {
        return CompletableFuture.failedFuture(new IllegalStateException("not well"));
    }

    public static CompletableFuture<Long> never() {
        return new CompletableFuture<>();
    }

    public static String context() {
        RuntimeContext context = Bowstring.getRuntimeContext();
        return context.workingDirectory() + " " + context.inWorker() + " " + context.attempt();
    }
}
