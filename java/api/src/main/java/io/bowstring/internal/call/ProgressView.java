package io.bowstring.internal.call;

import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Shows in a driver how far its workers, and its own code, have come: a line when a bar begins, one every few seconds, and
 * one at its end. All methods may be called from any thread.
 */
public final class ProgressView {
    private static final long LINE_NS = TimeUnit.SECONDS.toNanos(5);

    private record Key(long pid, long bar) {}

    private final PrintStream out;
    private final LongSupplier nanoTime;
    /** When the next line of a bar is due. */
    private final Map<Key, Long> due = new HashMap<>();

    /** A view that writes lines. */
    public ProgressView(PrintStream out) {
        this(out, System::nanoTime);
    }

    ProgressView(PrintStream out, LongSupplier nanoTime) {
        this.out = out;
        this.nanoTime = nanoTime;
    }

    /** Shows how far a bar is; bar 0 that is over stands for all of a process that has ended. */
    public synchronized void show(ProgressNote note) {
        if (note.bar() == 0) {
            due.keySet().removeIf(key -> key.pid == note.pid());
            return;
        }
        Key key = new Key(note.pid(), note.bar());
        long now = nanoTime.getAsLong();
        Long next = due.get(key);
        if (!note.over() && next != null && now - next < 0) {
            return;
        }
        if (note.over()) {
            due.remove(key);
        } else {
            due.put(key, now + LINE_NS);
        }
        out.println(note.line());
    }
}
