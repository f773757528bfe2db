package io.bowstring.testkit;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Something that a test left open, or running.
 *
 * @param what what it is
 * @param stack where it was opened; of a thread that does not end: where it is
 */
public record Leak(String what, List<StackTraceElement> stack) {
    /** What it is, and the stack below it. */
    @Override
    public String toString() {
        return what + stack.stream().map(frame -> "\n        at " + frame).collect(Collectors.joining());
    }
}
