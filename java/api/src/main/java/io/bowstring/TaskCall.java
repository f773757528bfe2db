package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A task that is about to be submitted: what runs, on which arguments, and how.
 *
 * @param <R> type of the result
 */
public final class TaskCall<R extends @Nullable Object> {
    private final FunctionDescriptor function;
    private final List<?> arguments;
    private final @Nullable Class<?> type;
    private final CallOptions options = CallOptions.ofTask();

    private TaskCall(FunctionDescriptor function, List<?> arguments, @Nullable Class<?> type) {
        this.function = function;
        this.arguments = Bowstring.unwrap(arguments);
        this.type = type;
    }

    static <R extends @Nullable Object> TaskCall<R> of(Serializable function, List<?> arguments) {
        MethodReference method = MethodReference.of(function);
        if (!method.isStatic()) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is no static method; tasks run static methods, and actors the others");
        }
        return new TaskCall<>(method.descriptorOf(), arguments, method.returnType());
    }

    static <R extends @Nullable Object> TaskCall<R> of(PyFunction<R> function, List<?> arguments) {
        return new TaskCall<>(function.descriptor(), arguments, function.resultType());
    }

    /** Sets the task's name, for people. Default: the method's. */
    public TaskCall<R> setName(String name) {
        options.name = Arguments.text("name", name);
        return this;
    }

    /** Sets how many CPUs the task takes while it runs. Default: 1. */
    public TaskCall<R> setNumCpus(double count) {
        options.resource("CPU", count);
        return this;
    }

    /** Sets how many GPUs the task takes while it runs. Default: 0. */
    public TaskCall<R> setNumGpus(double count) {
        options.resource("GPU", count);
        return this;
    }

    /** Sets how many bytes of memory the task reserves. Default: 0. */
    public TaskCall<R> setMemory(long bytes) {
        options.resource("memory", bytes);
        return this;
    }

    /** Sets how much of a resource the task takes while it runs, to 1/10000. Default: 0. */
    public TaskCall<R> setResource(String name, double amount) {
        options.resource(name, amount);
        return this;
    }

    /** Sets how often the task may be tried again after its worker ended; -1: any number. Default: 3. */
    public TaskCall<R> setMaxRetries(int count) {
        options.maxRetries = CallOptions.count("maxRetries", count);
        return this;
    }

    /** Sets whether any exception of the task's own is a reason to try again. Default: false. */
    public TaskCall<R> setRetryExceptions(boolean retry) {
        options.retryExceptions(retry);
        return this;
    }

    /**
     * Sets that exceptions of some classes, and their subclasses, are reasons to try again, as often as the task may be
     * retried at all. Of the runtime's own errors only {@code TaskTimeoutException} can be one.
     */
    @SafeVarargs
    public final TaskCall<R> setRetryOn(Class<? extends Throwable>... types) {
        List<String> names = new ArrayList<>();
        for (Class<? extends Throwable> type : types) {
            names.add(type.getName());
        }
        options.retryOn(names);
        return this;
    }

    /** The same by the names of the classes, as those of Python: "ValueError", "shop.errors.Busy". */
    public TaskCall<R> setRetryOn(String... types) {
        options.retryOn(Arrays.asList(types));
        return this;
    }

    /** Sets a limit on the run, from its start; zero: none. Default: none. */
    public TaskCall<R> setTimeout(Duration limit) {
        options.timeoutMs = Arguments.nanos("limit", limit) / 1_000_000;
        return this;
    }

    /** Sets extra flags of the JVM that runs the task, as in "-Xmx2g". Default: none. */
    public TaskCall<R> setJvmFlags(String flags) {
        options.jvmFlags = Arguments.present("flags", flags);
        return this;
    }

    /** Sets how many items of a stream may lie unread before it waits. Default: 16. */
    public TaskCall<R> setStreamAhead(int count) {
        options.streamAhead = Arguments.positive("count", count);
        return this;
    }

    /** Submits the task; it runs once its arguments are ready and a worker is free. */
    @SuppressWarnings("unchecked")
    public ObjectRef<R> remote() {
        return (ObjectRef<R>) Bowstring.link().submit(function, arguments, options, Arguments.settled(type));
    }

    /**
     * The same for a method whose result is a {@code CompletionStage}, which the task waits for, or is of a type that is
     * known better here.
     *
     * @param result what the value is converted to, without loss or not at all
     */
    @SuppressWarnings("unchecked")
    public <T extends @Nullable Object> ObjectRef<T> remote(Class<T> result) {
        return (ObjectRef<T>) Bowstring.link().submit(function, arguments, options, result);
    }

    /**
     * Submits a task that makes its items one by one: a generator in Python; in Java a method that returns an
     * {@code Iterator}, {@code Iterable} or {@code Stream}.
     *
     * @param item what the items are converted to, without loss or not at all
     */
    public <T extends @Nullable Object> ObjectStream<T> stream(Class<T> item) {
        return new ObjectStream<>(Bowstring.link().stream(function, arguments, options), item);
    }
}
