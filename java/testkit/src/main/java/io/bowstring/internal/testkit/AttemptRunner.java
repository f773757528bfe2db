package io.bowstring.internal.testkit;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.ViewWatch;
import io.bowstring.internal.worker.Invocation;
import io.bowstring.internal.worker.ItemStream;
import io.bowstring.internal.worker.Results;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Runs an attempt on the thread of the caller: arguments from their bytes, the method as workers find and call it, the
 * result to bytes.
 */
final class AttemptRunner {
    /** What a thread runs now. */
    record Running(LocalTask task, TaskContext context) {}

    /** Thrown through user code to end the actor that it runs in; not an exception, so that few handlers stop it. */
    static final class ExitSignal extends Error {
        private static final long serialVersionUID = 1L;

        ExitSignal() {
            super("the actor exits", null, false, false);
        }
    }

    /** An item that was made and can't be passed on, which is no error of the task's own. */
    private static final class Unsent extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final transient BowstringException why;

        Unsent(BowstringException why) {
            super(why);
            this.why = why;
        }
    }

    private static final Logger LOGGER = System.getLogger(AttemptRunner.class.getName());
    private static final ThreadLocal<@Nullable Running> CURRENT = new ThreadLocal<>();

    private final LocalRuntime runtime;
    private final LocalValues values;
    private final ClassLoader loader;
    private final Map<String, Invocation> functions = new ConcurrentHashMap<>();

    AttemptRunner(LocalRuntime runtime, LocalValues values, ClassLoader loader) {
        this.runtime = runtime;
        this.values = values;
        this.loader = loader;
    }

    static @Nullable Running current() {
        return CURRENT.get();
    }

    /** The class of tasks and actors that a function names. */
    Class<?> load(String name) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException error) {
            throw new FunctionNotFoundException("the class " + name + " is not on the class path of the test", error);
        } catch (LinkageError error) {
            throw new FunctionNotFoundException("the class " + name + " can't be loaded: " + error, error);
        }
    }

    private Invocation function(LocalTask task) {
        String module = task.function.module();
        if (task.function.name().isEmpty()) {
            throw new FunctionNotFoundException(module + " is a class and no method; make an actor of it");
        }
        return functions.computeIfAbsent(
                module + "." + task.function.name() + task.function.signature(),
                key -> Invocation.ofStatic(load(module), task.function.name(), task.function.signature()));
    }

    /** One attempt of a task; {@code receiver} is the actor as it is now alive, for its calls. */
    Ending run(LocalTask task, LocalActor.@Nullable Living receiver) {
        TaskContext context = begin(task);
        try {
            return attempt(task, receiver);
        } finally {
            end(context);
        }
    }

    private TaskContext begin(LocalTask task) {
        TaskContext context = TaskContext.ofTask(task.id.bytes(), task.attempt);
        synchronized (runtime.lock()) {
            task.context = context;
        }
        Thread.currentThread().setContextClassLoader(loader);
        TaskContext.enter(context);
        CURRENT.set(new Running(task, context));
        return context;
    }

    private static void end(TaskContext context) {
        CURRENT.remove();
        TaskContext.enter(null);
        Reference.reachabilityFence(context);
    }

    /** Runs a constructor. */
    LocalActor.Living construct(LocalTask creation, LocalActor actor) throws BowstringException {
        TaskContext context = begin(creation);
        String name = "the constructor";
        try {
            Class<?> type = load(creation.function.module());
            Invocation invocation = Invocation.ofConstructor(type, creation.method);
            name = invocation.name();
            Invocation.Ready ready = invocation.prepare(ViewWatch.lend(() -> arguments(creation, invocation)));
            Object instance = ready.call(null);
            if (instance == null) {
                throw new IllegalStateException(name + " made nothing");
            }
            return actor.resumed(instance);
        } catch (BowstringException error) {
            throw error;
        } catch (Throwable error) {
            throw ErrorRecords.exception(
                    ErrorRecords.ofUserCode(error, name, creation.id.bytes(), runtime.nodeId()), loader);
        } finally {
            end(context);
        }
    }

    /** Runs a call again for what it does to the actor; it was answered before. */
    void replay(LocalTask task, LocalActor.Living receiver) {
        TaskContext context = begin(task);
        try {
            Invocation invocation = receiver.method(task.method);
            List<@Nullable Object> read = ViewWatch.lend(() -> arguments(task, invocation));
            Object made = invocation.prepare(read).call(receiver.instance());
            if (made instanceof CompletionStage<?> stage) {
                settled(stage.toCompletableFuture());
            }
        } catch (Throwable sameAsBefore) {
            LOGGER.log(Level.TRACE, "a call ended so before", sameAsBefore);
        } finally {
            end(context);
        }
    }

    private List<@Nullable Object> arguments(LocalTask task, Invocation invocation) {
        List<@Nullable Object> read = new ArrayList<>(task.arguments.size());
        for (Object argument : task.arguments) {
            int index = read.size();
            Class<?> elements = invocation.elementsAt(index, task.arguments.size());
            Payload payload = argument instanceof LocalObject object ? runtime.payload(object) : (Payload) argument;
            try {
                read.add(values.read(payload, elements));
            } catch (InvalidArgumentException misfit) {
                throw elements == null ? misfit : invocation.misfit(index, misfit);
            }
        }
        return read;
    }

    private Ending attempt(LocalTask task, LocalActor.@Nullable Living receiver) {
        String name = task.options.name;
        try {
            if (receiver != null) {
                receiver.checkGroup(task);
            }
            if (!enterUserCode(task)) {
                return Ending.cancelled(task.displayName());
            }
            List<@Nullable Object> made = List.of();
            try {
                Invocation invocation = receiver == null ? function(task) : receiver.method(task.method);
                name = name.isEmpty() ? invocation.name() : name;
                Invocation.Ready ready = invocation.prepare(ViewWatch.lend(() -> arguments(task, invocation)));
                if (task.options.timeoutMs > 0) {
                    long attempt = task.attempt;
                    runtime.later(task.options.timeoutMs, () -> timeOut(task, attempt));
                }
                try {
                    Object value = ready.call(receiver == null ? null : receiver.instance());
                    if (value instanceof CompletionStage<?> stage) {
                        value = settled(stage.toCompletableFuture());
                    }
                    LocalStream stream = task.stream;
                    if (stream != null) {
                        write(task, stream, value, name);
                    } else {
                        made = Results.of(task.results.size(), value, name);
                    }
                } catch (Results.Misfit misfit) {
                    return Ending.failed(misfit.why());
                } catch (Unsent unsent) {
                    return Ending.failed(unsent.why);
                } catch (ExitSignal exit) {
                    return encoded(Collections.nCopies(task.results.size(), null), true);
                } catch (Throwable error) {
                    return thrown(task, name, error);
                }
            } finally {
                leaveUserCode(task);
            }
            if (isTimedOut(task)) {
                return Ending.timedOut(name, task.options.timeoutMs);
            }
            return encoded(made, false);
        } catch (BowstringException error) {
            return Ending.failed(error);
        } catch (RuntimeException | LinkageError | StackOverflowError error) {
            return Ending.failed(ErrorRecords.ofUserCode(error, name, task.id.bytes(), runtime.nodeId()));
        }
    }

    private Ending encoded(List<@Nullable Object> made, boolean exits) {
        try {
            List<LocalValues.Written> written = new ArrayList<>(made.size());
            for (Object value : made) {
                written.add(values.write(value));
            }
            return exits ? Ending.exit(written) : Ending.of(written);
        } catch (SerializationException error) {
            return Ending.failed(new SerializationException("the result " + error.details().message(), error.getCause()));
        } catch (BowstringException error) {
            return Ending.failed(error);
        } catch (RuntimeException | StackOverflowError error) {
            return Ending.failed(ErrorRecords.of(ErrorCode.SERIALIZATION, "the result can't be serialized: " + error));
        }
    }

    private Ending thrown(LocalTask task, String name, Throwable error) {
        boolean interrupted = error instanceof InterruptedException || error instanceof TaskCancelledException;
        synchronized (runtime.lock()) {
            if (task.timedOut) {
                return Ending.timedOut(name, task.options.timeoutMs);
            }
            if (task.cancelled && interrupted) {
                return Ending.cancelled(name);
            }
        }
        return Ending.failed(ErrorRecords.ofUserCode(error, name, task.id.bytes(), runtime.nodeId()));
    }

    /** The value that an asynchronous method ends with; an interrupt cancels it. */
    private static @Nullable Object settled(CompletableFuture<?> future) throws Throwable {
        try {
            return future.get();
        } catch (ExecutionException error) {
            throw error.getCause() == null ? error : error.getCause();
        } catch (InterruptedException cancelled) {
            future.cancel(true);
            throw cancelled;
        }
    }

    private void write(LocalTask task, LocalStream stream, @Nullable Object made, String name) throws Exception {
        try (AutoCloseable end = made instanceof AutoCloseable closeable ? closeable : () -> {}) {
            ItemStream pace = stream.begin();
            Iterator<?> items;
            try {
                items = ItemStream.items(made, name);
            } catch (InvalidArgumentException none) {
                throw new Unsent(none);
            }
            for (long index = 0; ; index++) {
                CompletableFuture<Void> more;
                while ((more = pace.awaited(index)) != null) {
                    runtime.reads().await(more, Long.MAX_VALUE);
                }
                if (isCancelled(task) || Thread.interrupted()) {
                    throw new InterruptedException("the stream was cancelled");
                }
                if (!items.hasNext()) {
                    return;
                }
                Object item = items.next();
                if (pace.isWanted(index)) {
                    try {
                        stream.add(index, values.write(item));
                    } catch (BowstringException error) {
                        throw new Unsent(error);
                    }
                }
            }
        }
    }

    // Interrupts -----------------------------------------------------------------------------------------------------

    /** From here on an interrupt of this thread reaches user code; false: the task is cancelled already. */
    private boolean enterUserCode(LocalTask task) {
        synchronized (runtime.lock()) {
            if (task.cancelled || task.done) {
                return false;
            }
            task.interruptible = Thread.currentThread();
            return true;
        }
    }

    /** From here on the thread is not interrupted any more, and shows no interrupt that came. */
    private void leaveUserCode(LocalTask task) {
        synchronized (runtime.lock()) {
            if (task.interruptible == Thread.currentThread()) {
                task.interruptible = null;
            }
            Thread.interrupted();
        }
    }

    private boolean isCancelled(LocalTask task) {
        synchronized (runtime.lock()) {
            return task.cancelled || task.done;
        }
    }

    private boolean isTimedOut(LocalTask task) {
        synchronized (runtime.lock()) {
            return task.timedOut;
        }
    }

    private void timeOut(LocalTask task, long attempt) {
        synchronized (runtime.lock()) {
            if (task.interruptible != null && task.attempt == attempt) {
                task.timedOut = true;
                task.interruptible.interrupt();
            }
        }
    }
}
