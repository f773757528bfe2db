package io.bowstring.internal.worker;

import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.WorkerEnding;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * How this process ends when nobody has told it to: it says why before, so that callers hear more than a status (spec
 * section 4.3, rule 5).
 *
 * <p>{@code System.exit} is seen by a shutdown hook, which finds the caller's stack; {@code Runtime.halt} can't be seen, and
 * its status is all that is told. An error that leaves the runtime itself without memory ends the process, because a frame
 * or an answer is lost then, and whoever waits for it must not wait for ever.
 */
final class Endings {
    private static final Logger LOGGER = System.getLogger(Endings.class.getName());
    private static final int FATAL_STATUS = 70; // EX_SOFTWARE

    private final Session session;
    private final TaskQueue queue;
    private final EventLog events;
    private final ByteBuffer outOfHeap;
    private final AtomicBoolean told = new AtomicBoolean();

    Endings(Session session, TaskQueue queue, EventLog events) {
        this.session = session;
        this.queue = queue;
        this.events = events;
        outOfHeap = ending(ErrorCode.OUT_OF_MEMORY, "its Java heap is exhausted; -Xmx among the JVM flags makes it larger");
        Runtime.getRuntime().addShutdownHook(new Thread(this::exiting, "bowstring-exit"));
    }

    /** The end that comes now is the runtime's own doing, and needs no words. */
    void expected() {
        told.set(true);
    }

    /** An error of the JVM's has hit the runtime: ends the process. */
    void fatal(Throwable error) {
        if (!told.compareAndSet(false, true)) {
            return;
        }
        try {
            session.queue(error instanceof OutOfMemoryError ? outOfHeap : ending(ErrorCode.WORKER_CRASHED,
                    "the runtime met " + error));
            session.reactor().flush();
            LOGGER.log(Level.ERROR, "the worker ends, because its runtime met an error", error);
        } finally {
            Runtime.getRuntime().halt(FATAL_STATUS);
        }
    }

    private void exiting() {
        if (!told.compareAndSet(false, true)) {
            return;
        }
        queue.drain(false);
        events.flush();
        session.queue(ending(ErrorCode.WORKER_CRASHED, who(Thread.getAllStackTraces())));
        session.reactor().flush();
    }

    private static ByteBuffer ending(ErrorCode code, String why) {
        WorkerEnding ending = new WorkerEnding();
        ending.error = ErrorRecords.of(code, why);
        return Frame.encode(ending);
    }

    /** Who has asked for the end: the first frame above {@code Runtime.exit}. */
    static String who(Map<Thread, StackTraceElement[]> stacks) {
        for (StackTraceElement[] stack : stacks.values()) {
            StackTraceElement caller = caller(stack);
            if (caller != null) {
                return caller + " called System.exit";
            }
        }
        return "a signal, or a virtual thread that called System.exit";
    }

    private static @Nullable StackTraceElement caller(StackTraceElement[] stack) {
        boolean exits = false;
        for (StackTraceElement frame : stack) {
            boolean own = frame.getClassName().startsWith("java.lang.");
            if (exits && !own) {
                return frame;
            }
            exits = exits || frame.getClassName().equals("java.lang.Runtime") && frame.getMethodName().equals("exit");
        }
        return null;
    }
}
