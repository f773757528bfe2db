package io.bowstring.internal.worker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.wire.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waits until a queue has nothing any more. */
@Timeout(60)
@SuppressWarnings("NullAway") // nobody calls: these tasks have no caller
class TaskQueueTest {
    private static final long LONG_MS = 30_000;

    private final List<Incoming> cancelled = new ArrayList<>();
    private final TaskQueue queue = new TaskQueue(new TaskQueue.Ends() {
        @Override
        public void cancelled(Incoming incoming) {
            cancelled.add(incoming);
        }

        @Override
        public void forced() {
            throw new AssertionError("nobody forces an end");
        }
    });

    private Incoming add(int number) {
        Task task = new Task();
        task.id = new byte[Id.TASK_BYTES];
        task.id[0] = (byte) number;
        task.epoch = 1;
        Incoming incoming = new Incoming(null, task, new byte[0]);
        queue.add(incoming);
        return incoming;
    }

    private FutureTask<Boolean> waiting() {
        FutureTask<Boolean> waits = new FutureTask<>(() -> queue.awaitIdle(LONG_MS));
        new Thread(waits, "test").start();
        return waits;
    }

    @Test
    void anEmptyQueueIsIdle() throws Exception {
        assertTrue(queue.awaitIdle(0));
    }

    @Test
    void isIdleOnceNothingWaitsAndNothingRuns() throws Exception {
        add(1);
        Incoming first = queue.next("");
        add(2);
        FutureTask<Boolean> waits = waiting();
        FutureTask<Boolean> another = waiting();
        assertFalse(queue.awaitIdle(5));
        queue.done(first);
        assertFalse(queue.awaitIdle(5));
        Incoming second = queue.next("");
        assertFalse(queue.awaitIdle(5));
        assertFalse(waits.isDone() || another.isDone());
        queue.done(second);
        assertTrue(waits.get());
        assertTrue(another.get());
    }

    @Test
    void isIdleOnceWhatWaitedIsCancelled() throws Exception {
        Incoming incoming = add(1);
        FutureTask<Boolean> waits = waiting();
        assertFalse(queue.awaitIdle(5));
        queue.cancel(null, incoming.id, false);
        assertTrue(waits.get());
        assertEquals(List.of(incoming), cancelled);
    }

    @Test
    void isIdleOnceTheCallerOfWhatWaitedIsGone() throws Exception {
        add(1);
        FutureTask<Boolean> waits = waiting();
        assertFalse(queue.awaitIdle(5));
        queue.callerGone(null);
        assertTrue(waits.get());
    }

    @Test
    void anInterruptEndsTheWaitOfItsThreadAlone() throws Exception {
        Incoming incoming = add(1);
        FutureTask<Boolean> other = waiting();
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Thread interrupted = new Thread(() -> {
            try {
                queue.awaitIdle(LONG_MS);
                ended.complete(new AssertionError("it came to its end"));
            } catch (InterruptedException expected) {
                ended.complete(expected);
            }
        }, "test-interrupted");
        interrupted.start();
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, ended.get());
        assertFalse(other.isDone());
        queue.cancel(null, incoming.id, false);
        assertTrue(other.get());
    }
}
