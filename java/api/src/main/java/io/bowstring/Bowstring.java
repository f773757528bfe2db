package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.call.Arguments;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The runtime, from Java. {@link #init()} starts one or joins one that runs; the value that it returns can be closed in
 * its stead of {@link #shutdown()}. Inside tasks and actors the runtime is there already.
 *
 * <pre>{@code
 * try (var runtime = Bowstring.init()) {
 *     ObjectRef<Integer> sum = Bowstring.task(Calculator::add, 1, 2).remote();
 *     System.out.println(sum.get());
 * }
 * }</pre>
 *
 * <p>All methods may be called from any thread. A wait ends with an error if its thread is interrupted. An argument
 * that can't be is an {@link InvalidArgumentException}, which names it.
 */
public final class Bowstring extends TaskCalls {
    private static volatile @Nullable RuntimeLink driver;
    private static volatile @Nullable RuntimeLink host;

    private Bowstring() {}

    /** What {@link #init()} returns: closing it shuts the runtime down. */
    @FunctionalInterface
    public interface Runtime extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Starts a runtime on this machine, with everything as it is by default.
     *
     * @return the runtime, which is shut down when it is closed
     * @throws RuntimeStoppedException if it can't be started
     * @throws InvalidArgumentException if this process has a runtime already
     */
    public static Runtime init() {
        return init(InitOptions.builder().build());
    }

    /**
     * Starts a runtime, or joins the one that the options name.
     *
     * @param options how it is started, or which one is joined
     * @return the runtime, which is left when it is closed, and ended if this started it
     * @throws RuntimeStoppedException if it can't be started or reached; the message says what to install or look at
     * @throws InvalidArgumentException if this process has a runtime already
     */
    public static synchronized Runtime init(InitOptions options) {
        if (isInitialized()) {
            throw new InvalidArgumentException("this process has a runtime already; shut it down first");
        }
        RuntimeLink started = provider().start(options.startOptions());
        driver = started;
        return () -> {
            synchronized (Bowstring.class) {
                if (driver == started) {
                    shutdown();
                }
            }
        };
    }

    /** Leaves the runtime, and ends it if this process started it. Without one, does nothing. */
    public static synchronized void shutdown() {
        RuntimeLink running = driver;
        driver = null;
        if (running != null) {
            running.close();
        }
    }

    /** {@return whether this process is part of a runtime} */
    public static synchronized boolean isInitialized() {
        return driver != null || host != null;
    }

    /** The runtime that this process works for, or else the one that it drives. */
    static RuntimeLink link() {
        RuntimeLink link = host != null ? host : driver;
        if (link == null) {
            throw new RuntimeStoppedException("there is no runtime in this process; call Bowstring.init() first");
        }
        return link;
    }

    static synchronized void joined(RuntimeLink link) {
        if (isInitialized()) {
            throw new InvalidArgumentException("this process has a runtime already; shut it down first");
        }
        host = link;
    }

    static synchronized void withdrawn(RuntimeLink link) {
        if (host == link) {
            host = null;
        }
    }

    private static RuntimeProvider provider() {
        return ServiceLoader.load(RuntimeProvider.class, Bowstring.class.getClassLoader())
                .findFirst()
                .orElseThrow(() -> new RuntimeStoppedException("the API is here without a runtime; add the artifact"
                        + " io.bowstring:bowstring-runtime to the class path"));
    }

    static List<?> unwrap(List<?> arguments) {
        List<@Nullable Object> plain = new ArrayList<>(arguments.size());
        for (Object argument : arguments) {
            plain.add(argument instanceof ValueArg<?> value ? value.value() : argument);
        }
        return plain;
    }

    /**
     * A task that runs a Python function on values, references and {@link Arg}s.
     *
     * @param <R> type of the result
     * @param function the function in Python
     * @param arguments positional arguments, of types that cross languages
     * @return the task, to which options are set; {@code remote()} submits it
     */
    public static <R extends @Nullable Object> TaskCall<R> task(
            PyFunction<R> function, @Nullable Object... arguments) {
        return TaskCall.of(Arguments.present("function", function), Arguments.given(arguments));
    }

    /**
     * An actor of a Python class, made from values, references and {@link Arg}s.
     *
     * @param type the class in Python
     * @param arguments positional arguments of its constructor, of types that cross languages
     * @return the actor to be, to which options are set; {@code remote()} makes it
     */
    public static PyActorCreation actor(PyActorClass type, @Nullable Object... arguments) {
        return new PyActorCreation(Arguments.present("type", type), Arguments.given(arguments));
    }

    /**
     * Puts a value: small ones stay in this process until somebody needs them, large ones go to the store at once.
     *
     * @param <T> type of the value
     * @param value the value, which is copied or encoded before this returns; null is one
     * @return its reference, which is ready
     * @throws io.bowstring.errors.SerializationException if it can't be serialized
     * @throws io.bowstring.errors.ObjectStoreFullException if the store can't hold it
     */
    public static <T extends @Nullable Object> ObjectRef<T> put(T value) {
        return link().put(value);
    }

    /**
     * Waits for a value and reads it; see {@link ObjectRef#get()}.
     *
     * @param <T> type of the value
     * @param ref whose value is read; not null
     * @return the value; large ones are views of the store where they can be
     * @throws io.bowstring.errors.BowstringException the error that the value is
     */
    public static <T extends @Nullable Object> T get(ObjectRef<T> ref) {
        return Arguments.present("ref", ref).get();
    }

    /**
     * Waits for a value at most so long; see {@link ObjectRef#get(Duration)}.
     *
     * @param <T> type of the value
     * @param ref whose value is read; not null
     * @param timeout zero or more
     * @return the value; large ones are views of the store where they can be
     * @throws io.bowstring.errors.GetTimeoutException if it was not there in time
     */
    public static <T extends @Nullable Object> T get(ObjectRef<T> ref, Duration timeout) {
        Arguments.nanos("timeout", timeout);
        return Arguments.present("ref", ref).get(timeout);
    }

    /**
     * Waits for all values and reads them, in order. The first one that is an error is thrown.
     *
     * @param <T> type of the values
     * @param refs any number, none of them null
     * @return the values, in the order of the references
     * @throws io.bowstring.errors.BowstringException the first error among them
     */
    public static <T extends @Nullable Object> List<T> get(List<? extends ObjectRef<T>> refs) {
        return values(Arguments.refs("refs", refs), Long.MAX_VALUE);
    }

    /**
     * Waits for all values together at most so long.
     *
     * @param <T> type of the values
     * @param refs any number, none of them null
     * @param timeout zero or more, for all of them together
     * @return the values, in the order of the references
     * @throws io.bowstring.errors.GetTimeoutException if one was not there in time
     */
    public static <T extends @Nullable Object> List<T> get(List<? extends ObjectRef<T>> refs, Duration timeout) {
        return values(Arguments.refs("refs", refs), Arguments.nanos("timeout", timeout));
    }

    @SuppressWarnings("unchecked")
    private static <T extends @Nullable Object> List<T> values(List<? extends ObjectRef<T>> refs, long timeoutNs) {
        return (List<T>) link().get(refs, timeoutNs);
    }

    /**
     * Waits until so many of the references are ready.
     *
     * @param <T> type of the values
     * @param refs different references, none of them null
     * @param numReturns from 1 to the number of references
     * @return at most {@code numReturns} that are ready, with values or errors, and the rest
     */
    public static <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns) {
        return waitNanos(refs, numReturns, Long.MAX_VALUE);
    }

    /**
     * Waits until so many of the references are ready, or the time is over.
     *
     * @param <T> type of the values
     * @param refs different references, none of them null
     * @param numReturns from 1 to the number of references
     * @param timeout zero or more; zero looks without waiting
     * @return at most {@code numReturns} that are ready, fewer if the time was over, and the rest
     */
    public static <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, Duration timeout) {
        return waitNanos(refs, numReturns, Arguments.nanos("timeout", timeout));
    }

    private static <T extends @Nullable Object> WaitResult<T> waitNanos(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        Arguments.wanted(refs, numReturns);
        if (refs.isEmpty()) {
            return new WaitResult<>(List.of(), List.of());
        }
        return link().wait(refs, numReturns, timeoutNs);
    }

    /**
     * The references as their values become ready, to go through once.
     *
     * <pre>{@code
     * for (ObjectRef<Report> ref : Bowstring.asCompleted(refs)) {
     *     show(ref.get());
     * }
     * }</pre>
     *
     * @param <T> type of the values
     * @param refs different references, none of them null
     * @return the same references, those that are ready first; going on to the next may wait
     */
    public static <T extends @Nullable Object> Iterable<ObjectRef<T>> asCompleted(List<? extends ObjectRef<T>> refs) {
        return completions(refs, Long.MAX_VALUE);
    }

    /**
     * The same for so long.
     *
     * @param <T> type of the values
     * @param refs different references, none of them null
     * @param timeout for all of them together; a {@code GetTimeoutException} is thrown where one is not there in time
     * @return the same references, those that are ready first
     */
    public static <T extends @Nullable Object> Iterable<ObjectRef<T>> asCompleted(
            List<? extends ObjectRef<T>> refs, Duration timeout) {
        return completions(refs, Arguments.nanos("timeout", timeout));
    }

    private static <T extends @Nullable Object> Iterable<ObjectRef<T>> completions(
            List<? extends ObjectRef<T>> refs, long timeoutNs) {
        Iterator<ObjectRef<T>> completions = link().completions(Arguments.different("refs", refs), timeoutNs);
        return () -> completions;
    }

    /**
     * Cancels the task that makes this value: a waiting one never starts, a running one is interrupted.
     *
     * @param ref a result of a task or a call that this process has made; one that is ready stays as it is
     */
    public static void cancel(ObjectRef<?> ref) {
        cancel(ref, false, true);
    }

    /**
     * Cancels the task that makes this value.
     *
     * @param ref a result of a task or a call that this process has made; one that is ready stays as it is
     * @param force whether the worker's process is ended if the task runs
     * @param recursive whether the tasks that it has submitted are cancelled too
     */
    public static void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        link().cancel(Arguments.present("ref", ref), force, recursive);
    }

    /**
     * The handle of a named actor of this driver's namespace; its class decides whether it is an {@link ActorHandle} or
     * a {@link PyActorHandle}.
     *
     * @param <H> the handle's type, with the actor's class: {@code ActorHandle<Counter>}
     * @param name the name, as its creator set it
     * @return a new handle, which keeps the actor as others do
     * @throws io.bowstring.errors.ActorNotFoundException if no actor has the name
     * @throws ClassCastException where the handle is assigned, if the actor is of the other language
     */
    public static <H> H getActor(String name) {
        return getActor(name, "");
    }

    /**
     * The handle of a named actor of a namespace.
     *
     * @param <H> the handle's type, with the actor's class
     * @param name the name, as its creator set it
     * @param namespace where the name is looked up; empty: this driver's namespace
     * @return a new handle, which keeps the actor as others do
     * @throws io.bowstring.errors.ActorNotFoundException if no actor has the name there
     */
    @SuppressWarnings("unchecked")
    public static <H> H getActor(String name, String namespace) {
        Arguments.text("name", name);
        return (H) link().lookup(name, Arguments.present("namespace", namespace));
    }

    /**
     * The handle of the actor whose method runs; its class decides whether it is an {@link ActorHandle} or a
     * {@link PyActorHandle}. An actor that keeps a handle of itself does not end by itself.
     *
     * @param <H> the handle's type, with the actor's class
     * @return a new handle of it
     * @throws InvalidArgumentException outside of an actor
     */
    @SuppressWarnings("unchecked")
    public static <H> H currentActor() {
        return (H) link().currentActor();
    }

    /**
     * Ends an actor's process; without {@code noRestart} it starts again if it may.
     *
     * @param actor one that is dead already is no error
     * @param noRestart whether it stays dead, although it has restarts left
     */
    public static void kill(ActorHandle<?> actor, boolean noRestart) {
        link().kill(Arguments.present("actor", actor), noRestart);
    }

    /**
     * Ends an actor's process; without {@code noRestart} it starts again if it may.
     *
     * @param actor one that is dead already is no error
     * @param noRestart whether it stays dead, although it has restarts left
     */
    public static void kill(PyActorHandle actor, boolean noRestart) {
        link().kill(Arguments.present("actor", actor), noRestart);
    }

    /**
     * Ends the actor that this code runs in, after the call that runs: it is not restarted. Does not return.
     *
     * @throws InvalidArgumentException outside of an actor
     */
    public static void exitActor() {
        link().exitActor();
    }

    /**
     * The nodes of the runtime: node, address, pid, alive, resources.
     *
     * @return a row for each node, with the fields of {@link StateQuery.Kind#NODES}
     */
    public static List<Map<String, @Nullable Object>> nodes() {
        return StateQuery.of(StateQuery.Kind.NODES).rows();
    }

    /**
     * What the runtime has of each resource in all.
     *
     * @return amounts by name of the resource; memory in bytes
     */
    public static Map<String, Double> clusterResources() {
        return resources("total");
    }

    /**
     * What is free of each resource now.
     *
     * @return amounts by name of the resource; memory in bytes
     */
    public static Map<String, Double> availableResources() {
        return resources("available");
    }

    private static Map<String, Double> resources(String field) {
        Map<String, Double> amounts = new TreeMap<>();
        for (Map<String, @Nullable Object> row : StateQuery.of(StateQuery.Kind.RESOURCES).rows()) {
            if (row.get("name") instanceof String name && row.get(field) instanceof Number amount) {
                amounts.put(name, amount.doubleValue());
            }
        }
        return amounts;
    }

    /**
     * Why a value is not there yet: what it waits for, and what that waits for.
     *
     * <pre>{@code
     * System.out.println(Bowstring.why(ref));
     * }</pre>
     *
     * @param ref a reference that may not be ready
     * @return what it waits for, as a tree of lines
     */
    public static Explanation why(ObjectRef<?> ref) {
        return Explanation.of(ref);
    }

    /**
     * Why a task or an object is not there yet.
     *
     * @param id of a task, 32 hexadecimal digits, or of an object, 40
     * @return what it waits for, as a tree of lines
     * @throws InvalidArgumentException if it is no such id
     */
    public static Explanation why(String id) {
        return Explanation.of(id);
    }

    /**
     * What the object store is used for, and its largest objects, at most so many, with who keeps them.
     *
     * @param objects how many objects at most; 1 or more
     * @return the store and the objects, as they are now
     */
    public static MemorySummary memorySummary(int objects) {
        return MemorySummary.of(Arguments.positive("objects", objects));
    }

    /**
     * The timeline as events of the Trace Event Format: a slice for each task, and what took long inside.
     *
     * @return the events, all in memory at once; {@link #timeline(Path)} needs less
     */
    public static List<Map<String, @Nullable Object>> timeline() {
        return Timeline.events();
    }

    /**
     * Writes the timeline as a file that Perfetto and chrome://tracing open.
     *
     * @param file where it is written; a file that is there is replaced once the new one is whole
     * @throws IOException if it can't be written; there is no file then
     */
    public static void timeline(Path file) throws IOException {
        Timeline.write(Arguments.present("file", file));
    }

    /**
     * Where this code runs.
     *
     * @return ids and settings of the task, actor or driver that calls
     */
    public static RuntimeContext getRuntimeContext() {
        return link().context();
    }
}
