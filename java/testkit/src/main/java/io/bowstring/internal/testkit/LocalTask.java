package io.bowstring.internal.testkit;

import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.RetryRule;
import io.bowstring.internal.runtime.TaskContext;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** A task, a call of an actor, or the making of one, until it has ended. Guarded by the runtime's lock. */
final class LocalTask {
    final Id id;
    final FunctionDescriptor function;
    /** A method of an actor, or its constructor; empty: a task. */
    final String method;
    /** Each a Payload, or a LocalObject that may not be there yet. */
    final List<Object> arguments;
    /** What the arguments' payloads contain. */
    final List<Object> held;
    final CallOptions options;
    /** What callers wait for; a stream has none. */
    final List<LocalObject> results;
    /** The actor that it calls or makes; null: a task. */
    final @Nullable LocalActor actor;
    /** The task that submitted it: calls of one caller keep their order. */
    final Id caller;
    final @Nullable RetryRule retryRule;
    @Nullable LocalStream stream;
    /** How many arguments are not there yet. */
    int missing;
    int retriesLeft;
    long attempt;
    boolean done;
    boolean cancelled;
    boolean timedOut;
    /** The thread that is in user code for it. */
    @Nullable Thread interruptible;
    /** The context of the attempt that runs. */
    @Nullable TaskContext context;

    LocalTask(
            byte[] id,
            FunctionDescriptor function,
            String method,
            List<Object> arguments,
            List<Object> held,
            CallOptions options,
            @Nullable LocalActor actor,
            Id caller,
            int retries,
            int numReturns) {
        this.id = Id.of(id);
        this.function = function;
        this.method = method;
        this.arguments = arguments;
        this.held = held;
        this.options = options;
        this.actor = actor;
        this.caller = caller;
        this.retriesLeft = retries;
        retryRule = RetryRule.of(options.retriedErrors);
        results = IntStream.range(0, numReturns)
                .mapToObj(index -> new LocalObject(Id.result(id, index)))
                .toList();
        for (LocalObject result : results) {
            result.producer = this;
        }
    }

    String displayName() {
        if (!options.name.isEmpty()) {
            return options.name;
        }
        int descriptor = method.indexOf('(');
        String called = descriptor < 0 ? method : method.substring(0, descriptor);
        return function.displayName() + (called.isEmpty() ? "" : "." + called);
    }

    /** Counts one more attempt. */
    void retry() {
        attempt++;
        timedOut = false;
        context = null;
        if (retriesLeft > 0) {
            retriesLeft--;
        }
    }
}
