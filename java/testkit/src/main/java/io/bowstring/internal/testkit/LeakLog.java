package io.bowstring.internal.testkit;

import io.bowstring.internal.value.ViewWatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What must be closed and is not yet, each with the stack of the one who opened it. */
public final class LeakLog implements ViewWatch.Listener {
    private final Map<Object, Opened> open = new LinkedHashMap<>();

    /** Something that must be closed: what it is, and where it was opened. */
    public record Opened(String what, List<StackTraceElement> stack) {}

    @Override
    public Runnable opened(String what, Runnable release) {
        Object key = new Object();
        // What is below the user's code, and above it where a test or a task is called, says nothing.
        Opened entry = new Opened(what, Arrays.stream(new Throwable().getStackTrace())
                .takeWhile(frame -> !frame.getClassName().startsWith("jdk.internal.reflect."))
                .filter(frame -> !frame.getClassName().startsWith("io.bowstring.internal."))
                .toList());
        synchronized (open) {
            open.put(key, entry);
        }
        return () -> {
            synchronized (open) {
                open.remove(key);
            }
            release.run();
        };
    }

    /** What is open now, the oldest first. */
    public List<Opened> open() {
        synchronized (open) {
            return new ArrayList<>(open.values());
        }
    }
}
