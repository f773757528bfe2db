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

/** What may run, on how many threads, and when nothing does any more. */
@Timeout(60)
@SuppressWarnings("NullAway") // nobody calls: these tasks have no caller
class TaskQueueTest {
    private static final long LONG_MS = 30_000;

    private final List<String> started = new ArrayList<>();
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

        @Override
        public void startThread(String group, int number) {
            started.add(group + number);
        }
    });

    private Incoming add(int number) {
        return add(number, "");
    }

    private Incoming add(int number, String group) {
        Task task = new Task();
        task.name = group;
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
        queue.cancel(null, incoming.id, false, false);
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
        queue.cancel(null, incoming.id, false, false);
        assertTrue(other.get());
    }

    private AwaitedStage leave(Incoming incoming) {
        AwaitedStage stage = new AwaitedStage(new CompletableFuture<>(), "later", List.of(), 0);
        assertTrue(queue.enterUserCode(incoming));
        queue.suspend(incoming, stage);
        queue.leaveUserCode(incoming); // as the thread does that returns
        return stage;
    }

    @Test
    void aCallThatWaitsForItsStageStillCountsAsOneThatRuns() throws Exception {
        queue.allow("", 1, 1);
        Incoming first = add(1);
        add(2);
        assertEquals(first, queue.next(""));
        AwaitedStage stage = leave(first);
        assertFalse(queue.hasRunnable(""));
        assertFalse(queue.awaitIdle(5));
        queue.stageEnded(first);
        assertEquals(first, queue.next(""));
        assertEquals(stage, first.awaited);
        assertFalse(queue.hasRunnable(""));
        queue.done(first);
        assertTrue(queue.hasRunnable(""));
    }

    @Test
    void whatHasAStageThatEndedComesBeforeWhatHasNotStarted() throws Exception {
        queue.allow("", 3, 3);
        Incoming first = add(1);
        Incoming second = add(2);
        assertEquals(first, queue.next(""));
        leave(first);
        queue.stageEnded(first);
        assertEquals(first, queue.next(""));
        assertEquals(second, queue.next(""));
    }

    @Test
    void aStageThatEndedBeforeItsCallWasLeftIsNotMissed() throws Exception {
        queue.allow("", 1, 1);
        Incoming first = add(1);
        queue.next("");
        queue.stageEnded(first);
        assertFalse(queue.hasRunnable(""));
        leave(first);
        assertEquals(first, queue.next(""));
        queue.done(first);
        queue.stageEnded(first); // its own cancellation says so once more
        assertFalse(queue.hasRunnable(""));
        assertTrue(queue.awaitIdle(0));
    }

    @Test
    void cancellingAndTheEndOfItsTimeTakeUpACallThatWaitsForItsStage() throws Exception {
        queue.allow("", 2, 2);
        Incoming cancelledCall = add(1);
        Incoming lateCall = add(2);
        queue.next("");
        queue.next("");
        leave(cancelledCall);
        leave(lateCall);
        assertEquals(cancelledCall, queue.cancel(null, cancelledCall.id, false, false));
        assertEquals(cancelledCall, queue.next(""));
        assertTrue(cancelledCall.cancelled);
        assertTrue(queue.timeOut(lateCall));
        assertEquals(lateCall, queue.next(""));
        assertTrue(lateCall.timedOut);
        queue.stageEnded(lateCall);
        assertFalse(queue.hasRunnable(""));
    }

    @Test
    void aCallCancelledWhileItReturnsItsStageIsTakenUpAtOnce() throws Exception {
        queue.allow("", 1, 1);
        Incoming first = add(1);
        queue.next("");
        assertTrue(queue.enterUserCode(first));
        queue.cancel(null, first.id, false, false);
        assertTrue(Thread.interrupted());
        queue.suspend(first, new AwaitedStage(new CompletableFuture<>(), "later", List.of(), 0));
        queue.leaveUserCode(first);
        assertEquals(first, queue.next(""));
    }

    @Test
    void threadsAreStartedWhenAllAreBusyAndNoCallsWaitForThemInVain() throws Exception {
        queue.allow("", 1, 1);
        queue.allow("", 3, 3);
        assertEquals(List.of("0"), started);
        Incoming first = add(1);
        assertEquals(List.of("0"), started); // that one takes it
        queue.next("");
        leave(first);
        Incoming second = add(2);
        assertEquals(List.of("0"), started); // that one has nothing to do
        queue.next("");
        add(3);
        assertEquals(List.of("0", "1"), started);
        queue.next("");
        add(4);
        assertEquals(List.of("0", "1"), started); // three overlap: the fourth must wait
        queue.done(second);
        queue.stageEnded(first);
        queue.next("");
        queue.next("");
        assertEquals(List.of("0", "1", "2"), started);
    }

    @Test
    void groupsHaveCallsAndThreadsOfTheirOwn() throws Exception {
        queue.allow("", 1, 1);
        queue.setGroups(call -> call.task.name);
        queue.actorIsReady();
        queue.allow("io", 2, 2);
        assertEquals(List.of("0", "io0"), started);
        Incoming first = add(1, "io");
        Incoming second = add(2, "io");
        Incoming third = add(3, "io");
        Incoming other = add(4, "");
        assertEquals(first, queue.next("io"));
        leave(first);
        assertEquals(second, queue.next("io"));
        assertFalse(queue.hasRunnable("io"));
        assertEquals(other, queue.next(""));
        queue.stageEnded(first);
        assertFalse(queue.hasRunnable(""));
        assertEquals(first, queue.next("io"));
        queue.done(first);
        assertEquals(third, queue.next("io"));
    }
}
