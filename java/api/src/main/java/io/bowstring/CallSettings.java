package io.bowstring;

import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What can be said of a task and of a call of an actor alike, before it is made. A setter refuses what its parameter
 * can't be with an {@link io.bowstring.errors.InvalidArgumentException} that names it.
 *
 * @param <S> the class itself, which every setter returns
 */
public abstract sealed class CallSettings<S extends CallSettings<S>> extends Settings<S> permits TaskSettings, ActorCall {
    /** Spec section 4.2, rule 5. */
    static final int NUM_RETURNS_MAX = 65_536;

    CallSettings(CallOptions options) {
        super(options);
    }

    /**
     * Sets the name, for people. Default: the method's.
     *
     * @param name not empty
     * @return this
     */
    public S setName(String name) {
        options.name = Arguments.text("name", name);
        return self();
    }

    /**
     * Sets whether any exception of the method's own is a reason to try again. Default: false, or as the method says.
     *
     * @param retry false: none is, and neither are those of {@link #setRetryOn}
     * @return this
     */
    public S setRetryExceptions(boolean retry) {
        options.retryExceptions(retry);
        return self();
    }

    /**
     * Sets that exceptions of some classes, and their subclasses, are reasons to try again, as often as it may be tried
     * again at all. Of the runtime's own errors only {@code TaskTimeoutException} can be one.
     *
     * @param types the classes; at least one
     * @return this
     */
    @SafeVarargs
    public final S setRetryOn(Class<? extends Throwable>... types) {
        List<String> names = new ArrayList<>();
        for (Class<? extends Throwable> type : types) {
            names.add(Arguments.present("types[" + names.size() + "]", type).getName());
        }
        return setRetryOn(names.toArray(new String[0]));
    }

    /**
     * The same by the names of the classes, as those of Python: "ValueError", "shop.errors.Busy".
     *
     * @param types full names of Java's classes, or names of Python's; at least one
     * @return this
     */
    public S setRetryOn(String... types) {
        for (String type : Arguments.some("types", types)) {
            Arguments.text("a name in types", type);
        }
        options.retryOn(Arrays.asList(types));
        return self();
    }

    /**
     * Sets how many items of a stream may lie unread before it waits. Default: 16.
     *
     * @param count 1 or more
     * @return this
     */
    public S setStreamAhead(int count) {
        options.streamAhead = Arguments.positive("count", count);
        return self();
    }
}
