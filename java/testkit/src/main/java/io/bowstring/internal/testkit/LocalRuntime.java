package io.bowstring.internal.testkit;

import io.bowstring.ElementType;
import io.bowstring.ObjectRef;
import io.bowstring.RuntimeContext;
import io.bowstring.RuntimeEnvironment;
import io.bowstring.RuntimeLink;
import io.bowstring.Tensor;
import io.bowstring.WaitResult;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.GroupRecord;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.call.ProgressView;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.TableFormat;
import io.bowstring.internal.value.TensorImage;
import io.bowstring.internal.value.ViewWatch;
import io.bowstring.internal.wire.Encoding;
import java.lang.ref.Cleaner;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * A runtime inside this JVM. Its tasks and actors run on threads; arguments, results and puts go through the encodings,
 * methods are found and called, and errors recorded, by the code of real workers. What it has of its own are the decisions
 * that the node and other processes make otherwise: who runs when, who is tried again, who has which name.
 *
 * <p>This class is what its parts have in common, and their face to the API: {@link LocalReads} waits for values and reads
 * them, {@link LocalCalls} makes tasks of what is submitted, {@link TaskBoard} runs them, {@link LocalActors} knows the actors.
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
    private final LocalReads reads = new LocalReads(this);
    private final LocalCalls calls = new LocalCalls(this);
    private final LocalActors actors = new LocalActors(this);
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

    LocalReads reads() {
        return reads;
    }

    LocalCalls calls() {
        return calls;
    }

    LocalActors actors() {
        return actors;
    }

    String namespace() {
        return namespace;
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

    /** Under the lock. */
    void checkRunning() {
        if (closed) {
            throw new RuntimeStoppedException("the runtime was shut down");
        }
    }

    /** What a task, or the driver, submits and puts under. */
    TaskContext here() {
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

    /** A reference that users gave, as this runtime made it. */
    LocalRef<?> mine(ObjectRef<?> ref) {
        if (!(ref instanceof LocalRef<?> local)) {
            throw new InvalidArgumentException("an ObjectRef of " + ref.getClass() + ", which is not the runtime's");
        }
        return own(local.runtime(), local);
    }

    // Values ----------------------------------------------------------------------------------------------------------

    @Override
    public List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        return reads.get(refs, timeoutNs);
    }

    @Override
    public <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        return reads.wait(refs, numReturns, timeoutNs);
    }

    @Override
    public String readiness(ObjectRef<?> ref) {
        return reads.readiness(ref);
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

    // Tasks and actors ------------------------------------------------------------------------------------------------

    @Override
    public ObjectRef<?> submit(
            FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type) {
        return calls.submit(function, arguments, options, type);
    }

    @Override
    public List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return calls.submitAll(function, arguments, options, types);
    }

    @Override
    public Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        return calls.stream(function, arguments, options);
    }

    @Override
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        calls.cancel(ref, force, recursive);
    }

    @Override
    public Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        return actors.create(type, constructor, arguments, options);
    }

    @Override
    public CallOptions callOptions(Object actor, String method) {
        return actors.callOptions(actor, method);
    }

    @Override
    public ObjectRef<?> call(
            Object actor, String method, List<?> arguments, CallOptions options, @Nullable Type type) {
        return actors.call(actor, method, arguments, options, type);
    }

    @Override
    public List<ObjectRef<?>> callAll(
            Object actor, String method, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return actors.callAll(actor, method, arguments, options, types);
    }

    @Override
    public Items callStream(Object actor, String method, List<?> arguments, CallOptions options) {
        return actors.callStream(actor, method, arguments, options);
    }

    @Override
    public Object lookup(String name, String inNamespace) {
        return actors.lookup(name, inNamespace);
    }

    @Override
    public void kill(Object actor, boolean noRestart) {
        actors.kill(actor, noRestart);
    }

    @Override
    public void exitActor() {
        actors.exitActor();
    }

    @Override
    public Object currentActor() {
        return actors.currentActor();
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
            for (LocalActor actor : new ArrayList<>(actors.all())) {
                actor.kill(true);
            }
        }
        RuntimeLink.withdraw(this);
        List<Thread> stuck = threads.close(patience);
        ViewWatch.listen(null);
        return stuck;
    }
}
