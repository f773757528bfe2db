package io.bowstring;

import io.bowstring.errors.GetTimeoutException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** References as they become ready, for runtimes that can only wait for some of a list. */
final class Completions<T extends @Nullable Object> implements Iterator<ObjectRef<T>> {
    private final RuntimeLink link;
    private final long timeoutNs;
    private final long begunNs = System.nanoTime();
    private final ArrayDeque<ObjectRef<T>> ready = new ArrayDeque<>();
    private List<ObjectRef<T>> left;

    Completions(RuntimeLink link, List<? extends ObjectRef<T>> refs, long timeoutNs) {
        this.link = link;
        this.left = List.copyOf(refs);
        this.timeoutNs = timeoutNs;
    }

    @Override
    public boolean hasNext() {
        return !ready.isEmpty() || !left.isEmpty();
    }

    @Override
    public ObjectRef<T> next() {
        if (ready.isEmpty()) {
            if (left.isEmpty()) {
                throw new NoSuchElementException("every reference was given");
            }
            long rest = timeoutNs == Long.MAX_VALUE ? timeoutNs
                    : Math.max(0, timeoutNs - (System.nanoTime() - begunNs));
            WaitResult<T> split = link.wait(left, 1, rest);
            if (split.ready().isEmpty()) {
                throw new GetTimeoutException(left.size() + " values were not there in time");
            }
            ready.addAll(split.ready());
            left = split.unready();
        }
        return ready.remove();
    }
}
