package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.runtime.Id;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes tasks of what is submitted: arguments are written, results can be named from then on, and the board runs them.
 */
final class LocalCalls {
    private final LocalRuntime runtime;

    LocalCalls(LocalRuntime runtime) {
        this.runtime = runtime;
    }

    static void refusePython(FunctionDescriptor function) {
        if (function.language() != FunctionDescriptor.JAVA) {
            throw new CrossLanguageException(function.displayName() + " is Python's, and the testkit runs Java alone; test"
                    + " what calls it with a real runtime, as Bowstring.init() starts it");
        }
    }

    LocalTask task(
            FunctionDescriptor function,
            String method,
            List<?> arguments,
            CallOptions options,
            @Nullable LocalActor actor,
            byte[] id,
            int retries,
            int numReturns) {
        List<Object> slots = new ArrayList<>(arguments.size());
        List<Object> held = new ArrayList<>();
        for (Object argument : arguments) {
            if (argument instanceof ObjectRef<?> ref) {
                slots.add(runtime.mine(ref).object());
            } else {
                LocalValues.Written written = runtime.values().writeArgument(argument, slots.size());
                slots.add(written.payload());
                held.addAll(written.contained());
            }
        }
        LocalTask task = new LocalTask(
                id, function, method, slots, held, options, actor, Id.of(runtime.here().id()), retries, numReturns);
        for (LocalObject result : task.results) {
            runtime.values().know(result.id, result);
        }
        return task;
    }

    private LocalTask submitted(
            FunctionDescriptor function, List<?> arguments, CallOptions options, int numReturns) {
        refusePython(function);
        return task(function, "", arguments, options, null, runtime.here().nextChild(), options.maxRetries, numReturns);
    }

    List<ObjectRef<?>> references(LocalTask task, List<? extends @Nullable Class<?>> types) {
        List<ObjectRef<?>> references = new ArrayList<>(types.size());
        for (int i = 0; i < types.size(); i++) {
            references.add(new LocalRef<>(runtime, task.results.get(i), types.get(i)));
        }
        return references;
    }

    ObjectRef<?> submit(
            FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type) {
        LocalTask task = submitted(function, arguments, options, 1);
        submit(task);
        return new LocalRef<>(runtime, task.results.get(0), type);
    }

    List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types) {
        LocalTask task = submitted(function, arguments, options, types.size());
        submit(task);
        return references(task, types);
    }

    private void submit(LocalTask task) {
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            runtime.board().submit(task);
        }
    }

    RuntimeLink.Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        LocalTask task = submitted(function, arguments, options, 0);
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            LocalStream stream = streamOf(task);
            runtime.board().submit(task);
            return stream;
        }
    }

    LocalStream streamOf(LocalTask task) {
        Runnable closed = runtime.leaks().opened("an ObjectStream that was not read to its end", () -> {});
        LocalStream stream = new LocalStream(runtime, task, task.options.streamAhead, closed);
        task.stream = stream;
        return stream;
    }

    void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        LocalObject object = runtime.mine(ref).object();
        synchronized (runtime.lock()) {
            LocalTask task = object.producer;
            if (task != null) {
                runtime.board().cancel(task, force, recursive);
            }
        }
    }
}
