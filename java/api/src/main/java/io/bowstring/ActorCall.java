package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A call of an actor's method that is about to be made.
 *
 * @param <R> type of the result
 */
public final class ActorCall<R extends @Nullable Object> {
    private final Object actor;
    private final String method;
    private final List<?> arguments;
    private final @Nullable Class<?> type;
    private final CallOptions options;

    private ActorCall(Object actor, String method, List<?> arguments, @Nullable Class<?> type) {
        this.actor = actor;
        this.method = method;
        this.arguments = Bowstring.unwrap(arguments);
        this.type = type;
        int descriptor = method.indexOf('(');
        options = Bowstring.link().callOptions(actor, descriptor < 0 ? method : method.substring(0, descriptor));
    }

    static <R extends @Nullable Object> ActorCall<R> of(ActorHandle<?> actor, Serializable function, List<?> arguments) {
        MethodReference method = MethodReference.of(function);
        if (method.isStatic()) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is static; call it with Bowstring.task, or write an instance method");
        }
        return new ActorCall<>(actor, method.methodName() + method.descriptor(), arguments, method.returnType());
    }

    static <R extends @Nullable Object> ActorCall<R> of(PyActorHandle actor, PyActorMethod<R> method, List<?> arguments) {
        return new ActorCall<>(actor, method.name(), arguments, method.resultType());
    }

    /** Sets the call's name, for people. Default: the method's. */
    public ActorCall<R> setName(String name) {
        options.name = Arguments.text("name", name);
        return this;
    }

    /** Sets how often the call may be made again after the actor's process ended; -1: any number. Default: the actor's. */
    public ActorCall<R> setMaxTaskRetries(int count) {
        options.maxTaskRetries = CallOptions.count("maxTaskRetries", count);
        return this;
    }

    /** Sets whether any exception of the call's own is a reason to try again. Default: as the method says. */
    public ActorCall<R> setRetryExceptions(boolean retry) {
        options.retryExceptions(retry);
        return this;
    }

    /**
     * Sets that exceptions of some classes, and their subclasses, are reasons to try again, as often as the call may be
     * retried at all. Of the runtime's own errors only {@code TaskTimeoutException} can be one.
     */
    @SafeVarargs
    public final ActorCall<R> setRetryOn(Class<? extends Throwable>... types) {
        List<String> names = new ArrayList<>();
        for (Class<? extends Throwable> type : types) {
            names.add(type.getName());
        }
        options.retryOn(names);
        return this;
    }

    /** The same by the names of the classes, as those of Python: "ValueError", "shop.errors.Busy". */
    public ActorCall<R> setRetryOn(String... types) {
        options.retryOn(Arrays.asList(types));
        return this;
    }

    /** Sets the concurrency group that runs the call. Default: the method's. */
    public ActorCall<R> setConcurrencyGroup(String name) {
        options.concurrencyGroup = name;
        return this;
    }

    /** Sets how many items of a stream may lie unread before it waits. Default: 16. */
    public ActorCall<R> setStreamAhead(int count) {
        options.streamAhead = Arguments.positive("count", count);
        return this;
    }

    /** Makes the call; it runs after the earlier calls of this process, once its arguments are ready. */
    @SuppressWarnings("unchecked")
    public ObjectRef<R> remote() {
        return (ObjectRef<R>) Bowstring.link().call(actor, method, arguments, options, Arguments.settled(type));
    }

    /**
     * The same for a method whose result is a {@code CompletionStage}, which the call waits for, or is of a type that is
     * known better here.
     *
     * @param result what the value is converted to, without loss or not at all
     */
    @SuppressWarnings("unchecked")
    public <T extends @Nullable Object> ObjectRef<T> remote(Class<T> result) {
        return (ObjectRef<T>) Bowstring.link().call(actor, method, arguments, options, result);
    }

    /**
     * Makes a call that makes its items one by one: a generator in Python; in Java a method that returns an
     * {@code Iterator}, {@code Iterable} or {@code Stream}.
     *
     * @param item what the items are converted to, without loss or not at all
     */
    public <T extends @Nullable Object> ObjectStream<T> stream(Class<T> item) {
        return new ObjectStream<>(Bowstring.link().callStream(actor, method, arguments, options), item);
    }
}
