package io.bowstring.internal.testkit;

import io.bowstring.ElementType;
import io.bowstring.ObjectRef;
import io.bowstring.RuntimeContext;
import io.bowstring.RuntimeEnvironment;
import io.bowstring.RuntimeLink;
import io.bowstring.Tensor;
import io.bowstring.WaitResult;
import io.bowstring.errors.ActorNameTakenException;
import io.bowstring.errors.ActorNotFoundException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.GroupRecord;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.call.ProgressView;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.runtime.ActorControl;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.MethodDeclarations;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.TableFormat;
import io.bowstring.internal.value.TensorImage;
import io.bowstring.internal.value.ViewWatch;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.MethodRetries;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A runtime inside this JVM. Its tasks and actors run on threads; arguments, results and puts go through the encodings,
 * methods are found and called, and errors recorded, by the code of real workers. What it has of its own are the decisions
 * that the node and other processes make otherwise: who runs when, who is tried again, who has which name.
 *
 * <p>One lock guards all of that. User code, encoding and decoding happen outside of it.
 */
public final class LocalRuntime implements RuntimeLink {
    private static final long JOB = 1;
    private static final long NODE = 1;

    private final Object lock = new Object();
    private final Cleaner cleaner = Cleaner.create();
    private final TaskContext root = TaskContext.root(JOB);
    private final LeakLog leaks = new LeakLog();
    private final Threads threads;
    private final LocalValues values;
    private final AttemptRunner runner;
    private final TaskBoard board;
    private final String namespace;
    private final Set<LocalActor> actors = new LinkedHashSet<>();
    private final Map<String, LocalActor> names = new LinkedHashMap<>();
    private final ProgressView progress = new ProgressView(System.err);
    private boolean closed;

    /** A runtime with so much of each resource, in 1/10000. */
    public LocalRuntime(Map<String, Long> resources, String namespace) {
        ClassLoader threadsLoader = Thread.currentThread().getContextClassLoader();
        ClassLoader loader = threadsLoader == null ? LocalRuntime.class.getClassLoader() : threadsLoader;
        this.namespace = namespace;
        TableFormat.FOUND.guard();
        threads = new Threads();
        values = new LocalValues(this, loader);
        runner = new AttemptRunner(this, values, loader);
        board = new TaskBoard(this, runner, new Capacity(resources), threads.pool("bowstring-task"));
    }

    /** Becomes the runtime of this process. */
    public void start() {
        RuntimeLink.join(this);
        ViewWatch.listen(leaks);
    }

    // For the parts of this runtime -----------------------------------------------------------------------------------

    Object lock() {
        return lock;
    }

    Cleaner cleaner() {
        return cleaner;
    }

    LocalValues values() {
        return values;
    }

    LeakLog leaks() {
        return leaks;
    }

    AttemptRunner runner() {
        return runner;
    }

    TaskBoard board() {
        return board;
    }

    long nodeId() {
        return NODE;
    }

    Collection<LocalActor> actors() {
        return actors;
    }

    void later(long delayMs, Runnable action) {
        threads.later(delayMs, action);
    }

    void thread(String name, Runnable action) {
        threads.run(name, action);
    }

    ExecutorService threads(int size, String name) {
        return threads.pool(size, name);
    }

    <T> T own(LocalRuntime other, T value) {
        if (other != this) {
            throw new InvalidArgumentException("a reference or handle is of a runtime that was shut down");
        }
        return value;
    }

    private void checkRunning() {
        if (closed) {
            throw new RuntimeStoppedException("the runtime was shut down");
        }
    }

    /** What a task, or the driver, submits and puts under. */
    private TaskContext here() {
        AttemptRunner.Running running = AttemptRunner.current();
        return running == null ? root : running.context();
    }

    /** An object that references may name. */
    LocalObject object(Id id) {
        LocalObject made = new LocalObject(id);
        values.know(id, made);
        return made;
    }

    Payload payload(LocalObject object) {
        synchronized (lock) {
            Payload payload = object.payload();
            if (payload == null) {
                throw new IllegalStateException("the value " + object.id + " is not there yet");
            }
            return payload;
        }
    }

    void countHandle(LocalHandle<?> handle, LocalActor actor) {
        synchronized (lock) {
            actor.addHandle();
        }
        cleaner.register(handle, () -> {
            synchronized (lock) {
                actor.dropHandle();
            }
        });
    }

    /** An actor is dead, and its name free. */
    void forget(LocalActor actor) {
        actors.remove(actor);
        names.values().remove(actor);
    }

    // Waiting and reading ---------------------------------------------------------------------------------------------

    /** Waits; a task's CPU is free meanwhile. */
    <T extends @Nullable Object> T await(CompletableFuture<T> future, long timeoutNs) {
        AttemptRunner.Running running = future.isDone() ? null : AttemptRunner.current();
        if (running != null) {
            board.blocked(running.task(), true);
        }
        try {
            return timeoutNs == Long.MAX_VALUE ? future.get() : future.get(timeoutNs, TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw new GetTimeoutException("the value was not there in time");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new TaskCancelledException("the wait was interrupted", error);
        } catch (ExecutionException error) {
            throw new IllegalStateException("nothing here fails by a future", error);
        } finally {
            if (running != null) {
                board.blocked(running.task(), false);
            }
        }
    }

    private void awaitReady(LocalObject object, long timeoutNs) {
        CompletableFuture<@Nullable Void> there = new CompletableFuture<>();
        Runnable tell = () -> there.complete(null);
        synchronized (lock) {
            if (object.isReady()) {
                return;
            }
            object.onReady(tell);
        }
        try {
            await(there, timeoutNs);
        } finally {
            synchronized (lock) {
                object.forget(tell);
            }
        }
    }

    @Nullable Object get(LocalRef<?> ref, long timeoutNs) {
        LocalObject object = own(ref.runtime(), ref).object();
        awaitReady(object, timeoutNs);
        return values.read(payload(object), ref.type());
    }

    private LocalRef<?> mine(ObjectRef<?> ref) {
        if (!(ref instanceof LocalRef<?> local)) {
            throw new InvalidArgumentException("an ObjectRef of " + ref.getClass() + ", which is not the runtime's");
        }
        return own(local.runtime(), local);
    }

    CompletableFuture<@Nullable Object> future(LocalRef<?> ref) {
        LocalObject object = own(ref.runtime(), ref).object();
        CompletableFuture<@Nullable Void> there = new CompletableFuture<>();
        synchronized (lock) {
            if (object.isReady()) {
                there.complete(null);
            } else {
                object.onReady(() -> there.complete(null));
            }
        }
        return there.thenApplyAsync(nothing -> values.read(payload(object), ref.type()));
    }

    @Override
    public List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        long deadline = System.nanoTime() + timeoutNs;
        List<@Nullable Object> read = new ArrayList<>(refs.size());
        for (ObjectRef<?> ref : refs) {
            long left = timeoutNs == Long.MAX_VALUE ? timeoutNs : Math.max(0, deadline - System.nanoTime());
            read.add(get(mine(ref), left));
        }
        return read;
    }

    @Override
    public <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        CompletableFuture<@Nullable Void> enough = new CompletableFuture<>();
        int[] missing = {numReturns};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                enough.complete(null);
            }
        };
        List<LocalObject> objects = new ArrayList<>(refs.size());
        for (ObjectRef<T> ref : refs) {
            objects.add(mine(ref).object());
        }
        synchronized (lock) {
            for (LocalObject object : objects) {
                if (object.isReady()) {
                    one.run();
                } else {
                    object.onReady(one);
                }
            }
        }
        boolean late = false;
        try {
            if (!refs.isEmpty()) {
                await(enough, timeoutNs);
            }
        } catch (GetTimeoutException over) {
            late = true;
        }
        List<ObjectRef<T>> ready = new ArrayList<>();
        List<ObjectRef<T>> unready = new ArrayList<>();
        synchronized (lock) {
            for (int i = 0; i < objects.size(); i++) {
                LocalObject object = objects.get(i);
                object.forget(one);
                (object.isReady() && ready.size() < numReturns ? ready : unready).add(refs.get(i));
            }
        }
        assert late || ready.size() >= Math.min(numReturns, refs.size());
        return new WaitResult<>(ready, unready);
    }

    @Override
    public <T extends @Nullable Object> ObjectRef<T> put(T value) {
        LocalValues.Written written = values.write(value);
        return putWritten(written, value == null ? null : value.getClass());
    }

    <T> ObjectRef<T> putPayload(Payload payload, Class<T> type) {
        return putWritten(new LocalValues.Written(payload, List.of()), type);
    }

    private <T extends @Nullable Object> ObjectRef<T> putWritten(LocalValues.Written written, @Nullable Class<?> type) {
        synchronized (lock) {
            checkRunning();
            LocalObject object = object(here().nextPut());
            object.complete(written.payload(), written.contained());
            return new LocalRef<>(this, object, type);
        }
    }

    @Override
    public <T> Memory<T> allocate(long size, int encoding, Class<T> type) {
        ByteBuffer image = LocalValues.memory(size);
        return new LocalMemory<>(this, image, image, encoding, type, leaks.opened("memory for an " + type.getSimpleName()
                + " that is built in place", () -> {}));
    }

    @Override
    public Memory<Tensor> allocateTensor(ElementType element, long[] shape, int size) {
        TensorImage head = TensorImage.of(element, shape, size);
        ByteBuffer image = LocalValues.memory(head.length());
        ByteBuffer elements = head.begin(image).order(ByteOrder.LITTLE_ENDIAN);
        return new LocalMemory<>(this, image, elements, Encoding.TENSOR, Tensor.class,
                leaks.opened("a TensorBuffer", () -> {}));
    }

    // Tasks -----------------------------------------------------------------------------------------------------------

    private static void refusePython(FunctionDescriptor function) {
        if (function.language() != FunctionDescriptor.JAVA) {
            throw new CrossLanguageException(function.displayName() + " is Python's, and the testkit runs Java alone; test"
                    + " what calls it with a real runtime, as Bowstring.init() starts it");
        }
    }

    private LocalTask task(
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
                slots.add(mine(ref).object());
            } else {
                LocalValues.Written written = values.writeArgument(argument, slots.size());
                slots.add(written.payload());
                held.addAll(written.contained());
            }
        }
        LocalTask task = new LocalTask(
                id, function, method, slots, held, options, actor, Id.of(here().id()), retries, numReturns);
        for (LocalObject result : task.results) {
            values.know(result.id, result);
        }
        return task;
    }

    private LocalTask submitted(
            FunctionDescriptor function, List<?> arguments, CallOptions options, int numReturns) {
        refusePython(function);
        return task(function, "", arguments, options, null, here().nextChild(), options.maxRetries, numReturns);
    }

    private List<ObjectRef<?>> references(LocalTask task, List<? extends @Nullable Class<?>> types) {
        List<ObjectRef<?>> references = new ArrayList<>(types.size());
        for (int i = 0; i < types.size(); i++) {
            references.add(new LocalRef<>(this, task.results.get(i), types.get(i)));
        }
        return references;
    }

    @Override
    public ObjectRef<?> submit(
            FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type) {
        LocalTask task = submitted(function, arguments, options, 1);
        submit(task);
        return new LocalRef<>(this, task.results.get(0), type);
    }

    @Override
    public List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types) {
        LocalTask task = submitted(function, arguments, options, types.size());
        submit(task);
        return references(task, types);
    }

    private void submit(LocalTask task) {
        synchronized (lock) {
            checkRunning();
            board.submit(task);
        }
    }

    @Override
    public Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        LocalTask task = submitted(function, arguments, options, 0);
        synchronized (lock) {
            checkRunning();
            LocalStream stream = streamOf(task);
            board.submit(task);
            return stream;
        }
    }

    private LocalStream streamOf(LocalTask task) {
        Runnable closed = leaks.opened("an ObjectStream that was not read to its end", () -> {});
        LocalStream stream = new LocalStream(this, task, task.options.streamAhead, closed);
        task.stream = stream;
        return stream;
    }

    @Override
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        LocalObject object = mine(ref).object();
        synchronized (lock) {
            LocalTask task = object.producer;
            if (task != null) {
                board.cancel(task, force, recursive);
            }
        }
    }

    // Actors ----------------------------------------------------------------------------------------------------------

    private LocalActor actor(Object handle) {
        if (handle instanceof LocalHandle<?> local) {
            return own(local.actor().runtime(), local).actor();
        }
        throw new InvalidArgumentException("a handle of " + handle.getClass() + ", which is not the runtime's");
    }

    private String nameOf(String name, String inNamespace) {
        return (inNamespace.isEmpty() ? namespace : inNamespace) + "\n" + name;
    }

    @Override
    public Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        refusePython(type);
        if (options.getIfExists && options.name.isEmpty()) {
            throw new InvalidArgumentException("an actor without a name can't be looked for; call setName(...)");
        }
        if (options.checkpointInterval != 0) {
            ActorControl.checkCheckpoints(type, options);
        }
        byte[] id = here().nextChild();
        WireHandle wire = new WireHandle();
        wire.ref = new WireRef(Id.result(id, 0).bytes(), 0, 0, 0);
        wire.language = type.language();
        wire.maxConcurrency = options.maxConcurrency;
        wire.maxTaskRetries = options.maxTaskRetries;
        wire.maxPendingCalls = options.maxPendingCalls;
        wire.methods = options.classLoader == null
                ? List.of()
                : MethodDeclarations.retries(type.module(), options.classLoader, options.maxTaskRetries);
        wire.module = type.module();
        wire.className = type.name();
        wire.classKey = type.key();
        LocalActor actor = new LocalActor(this, wire, options);
        LocalTask creation = task(type, constructor, arguments, new CallOptions(), actor, id, 0, 1);
        actor.madeBy(creation);
        synchronized (lock) {
            checkRunning();
            if (!options.name.isEmpty()) {
                String name = nameOf(options.name, options.namespace);
                LocalActor holder = names.get(name);
                if (holder != null && options.getIfExists) {
                    return new LocalHandle<>(holder);
                }
                if (holder != null) {
                    throw new ActorNameTakenException("an actor named '" + options.name + "' is in this namespace already:"
                            + " choose another name, use setGetIfExists, or kill it first");
                }
                names.put(name, actor);
            }
            values.know(Id.of(wire.ref.id()), actor);
            actors.add(actor);
            LocalHandle<?> handle = new LocalHandle<>(actor);
            board.submit(creation);
            return handle;
        }
    }

    @Override
    public CallOptions callOptions(Object actor, String method) {
        WireHandle wire = actor(actor).wire();
        CallOptions options = CallOptions.ofActor();
        options.maxTaskRetries = wire.maxTaskRetries;
        for (MethodRetries each : wire.methods) {
            if (each.name.equals(method)) {
                options.maxTaskRetries = each.maxTaskRetries;
                if (each.retryExceptions) {
                    options.retryOn(each.retriedTypes);
                }
            }
        }
        return options;
    }

    private LocalTask calling(
            LocalActor actor, String method, List<?> arguments, CallOptions options, int numReturns) {
        WireHandle wire = actor.wire();
        FunctionDescriptor function =
                new FunctionDescriptor(wire.language, wire.module, wire.className, "", wire.classKey);
        return task(
                function, method, arguments, options, actor, here().nextChild(), options.maxTaskRetries, numReturns);
    }

    @Override
    public ObjectRef<?> call(
            Object handle, String method, List<?> arguments, CallOptions options, @Nullable Type type) {
        LocalTask call = call(handle, method, arguments, options, 1);
        return new LocalRef<>(this, call.results.get(0), type);
    }

    @Override
    public List<ObjectRef<?>> callAll(
            Object handle, String method, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return references(call(handle, method, arguments, options, types.size()), types);
    }

    private LocalTask call(Object handle, String method, List<?> arguments, CallOptions options, int numReturns) {
        LocalActor actor = actor(handle);
        LocalTask call = calling(actor, method, arguments, options, numReturns);
        synchronized (lock) {
            checkRunning();
            actor.call(call);
        }
        Reference.reachabilityFence(handle);
        return call;
    }

    @Override
    public Items callStream(Object handle, String method, List<?> arguments, CallOptions options) {
        LocalActor actor = actor(handle);
        LocalTask call = calling(actor, method, arguments, options, 0);
        synchronized (lock) {
            checkRunning();
            LocalStream stream = streamOf(call);
            actor.call(call);
            Reference.reachabilityFence(handle);
            return stream;
        }
    }

    @Override
    public Object lookup(String name, String inNamespace) {
        synchronized (lock) {
            checkRunning();
            LocalActor actor = names.get(nameOf(name, inNamespace));
            if (actor == null) {
                throw new ActorNotFoundException("no actor named '" + name + "' is in namespace '"
                        + (inNamespace.isEmpty() ? namespace : inNamespace) + "'");
            }
            return new LocalHandle<>(actor);
        }
    }

    @Override
    public void kill(Object handle, boolean noRestart) {
        LocalActor actor = actor(handle);
        synchronized (lock) {
            checkRunning();
            actor.kill(noRestart);
        }
    }

    @Override
    public void exitActor() {
        AttemptRunner.Running running = AttemptRunner.current();
        if (running == null || running.task().actor == null) {
            throw new InvalidArgumentException("exitActor() is for the methods of actors");
        }
        throw new AttemptRunner.ExitSignal();
    }

    // Placement groups ------------------------------------------------------------------------------------------------

    private static InvalidArgumentException noGroups() {
        return new InvalidArgumentException("the testkit is one process and places nothing: it has no placement groups;"
                + " test what uses them with a real runtime, as Bowstring.init() starts it");
    }

    @Override
    public String createGroup(String name, int strategy, boolean detached, List<Map<String, Long>> bundles) {
        throw noGroups();
    }

    @Override
    public void removeGroup(String id) {
        throw noGroups();
    }

    @Override
    public List<GroupRecord> groups(String id, String name) {
        return List.of();
    }

    @Override
    public String currentGroup() {
        return "";
    }

    // The whole -------------------------------------------------------------------------------------------------------

    @Override
    public List<Map<String, @Nullable Object>> state(int kind, List<StateFilter> filters, long limit) {
        return LocalState.rows(this, kind, filters, limit);
    }

    @Override
    public Object currentActor() {
        AttemptRunner.Running running = AttemptRunner.current();
        LocalActor actor = running == null ? null : running.task().actor;
        if (actor == null) {
            throw new InvalidArgumentException("currentActor() is for the methods of actors");
        }
        synchronized (lock) {
            return new LocalHandle<>(actor);
        }
    }

    @Override
    public String readiness(ObjectRef<?> ref) {
        LocalObject object = mine(ref).object();
        synchronized (lock) {
            Payload payload = object.payload();
            return payload == null ? "" : payload.encoding() == Encoding.ERROR ? "FAILED" : "READY";
        }
    }

    @Override
    public void progress(ProgressNote note) {
        progress.show(note);
    }

    @Override
    public RuntimeContext context() {
        AttemptRunner.Running running = AttemptRunner.current();
        LocalActor actor = running == null ? null : running.task().actor;
        HexFormat hex = HexFormat.of();
        return new RuntimeContext(
                hex.toHexDigits((int) JOB),
                hex.formatHex(here().id()),
                actor == null ? "" : actor.id().toString(),
                hex.toHexDigits(NODE),
                hex.toHexDigits(ProcessHandle.current().pid()),
                namespace,
                "",
                running != null,
                here().attempt(),
                Path.of("").toAbsolutePath().toString(),
                "-",
                RuntimeEnvironment.builder().build(),
                running == null ? "" : running.task().displayName(),
                actor == null ? "" : actor.name(),
                actor != null && actor.wasRestarted());
    }

    /** What must be closed and is not yet. */
    public List<LeakLog.Opened> open() {
        return leaks.open();
    }

    @Override
    public void close() {
        close(Duration.ofSeconds(10));
    }

    /**
     * Ends all tasks and actors: what runs is interrupted, and waited for.
     *
     * @return the threads that did not end in time
     */
    public List<Thread> close(Duration patience) {
        synchronized (lock) {
            if (closed) {
                return List.of();
            }
            closed = true;
            RuntimeStoppedException why = new RuntimeStoppedException("the runtime was shut down");
            board.close(why);
            for (LocalActor actor : new ArrayList<>(actors)) {
                actor.kill(true);
            }
        }
        RuntimeLink.withdraw(this);
        List<Thread> stuck = threads.close(patience);
        ViewWatch.listen(null);
        return stuck;
    }
}
