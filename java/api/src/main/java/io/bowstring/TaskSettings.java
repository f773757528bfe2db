package io.bowstring;

import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.JvmFlags;
import java.time.Duration;

/**
 * What can be said of a task. A setter refuses what its parameter can't be with an
 * {@link io.bowstring.errors.InvalidArgumentException} that names it.
 *
 * @param <S> the class itself, which every setter returns
 */
public abstract sealed class TaskSettings<S extends TaskSettings<S>> extends CallSettings<S>
        implements PlacedSettings<S> permits TaskCall, TaskOptions {
    TaskSettings() {
        super(CallOptions.ofTask());
    }

    /**
     * Sets how often the task may be tried again after its worker ended; -1: any number. Default: 3.
     *
     * @param count 0 or more, or -1
     * @return this
     */
    public S setMaxRetries(int count) {
        options.maxRetries = CallOptions.count("maxRetries", count);
        return self();
    }

    /**
     * Sets a limit on the run of each attempt, from its start; zero: none. Default: none.
     *
     * @param limit zero or more, rounded up to milliseconds; an attempt that takes longer ends with a {@code
     *     TaskTimeoutException}
     * @return this
     */
    public S setTimeout(Duration limit) {
        long nanos = Arguments.nanos("limit", limit);
        options.timeoutMs = nanos / 1_000_000 + (nanos % 1_000_000 == 0 ? 0 : 1);
        return self();
    }

    /**
     * Sets after how many tasks of this function a worker is replaced, for code that leaves something behind; 0: never.
     * Default: 0.
     *
     * @param count 0 or more
     * @return this
     */
    public S setMaxCalls(int count) {
        options.maxCalls = Arguments.least("count", count, 0);
        return self();
    }

    /**
     * Sets extra flags of the JVM that runs the task, as in "-Xmx2g". Default: none.
     *
     * @param flags as on a command line, apart by spaces
     * @return this
     */
    public S setJvmFlags(String flags) {
        options.jvmFlags = JvmFlags.checked("flags", flags);
        return self();
    }
}
