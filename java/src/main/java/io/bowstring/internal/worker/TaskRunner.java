package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.MethodDeclarations;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.StoreClient;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Failure;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Function;
import io.bowstring.internal.wire.FunctionGet;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectPublish;
import io.bowstring.internal.wire.ObjectSeal;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskEvent;
import io.bowstring.internal.wire.TaskEvents;
import io.bowstring.internal.wire.TaskFailure;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.Transcode;
import io.bowstring.internal.wire.Transcoded;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks: gets the function, the arguments, calls user code, and answers (spec sections 4.1, 4.2, 4.4, 6.3).
 *
 * <p>A Result is written at once if nothing waits behind its task; else it goes out with the reactor's next round, which
 * is within a millisecond or so.
 */
final class TaskRunner {
    private static final Logger LOGGER = System.getLogger(TaskRunner.class.getName());
    private static final String TERMINATE = "__bowstring_terminate__"; // spec 5.2/8
    private static final long EVENTS_EVERY_MS = 500;
    /** A stream that nobody paces waits behind so many bytes. */
    private static final long UNWRITTEN_BYTES_MAX = 8 << 20;
    private static final int EVENTS_MAX = 1024;
    private static final int FAILURE_CHARS_MAX = 200;

    private final TaskQueue queue;
    private final Map<String, Invocation> invocations = new ConcurrentHashMap<>();
    private final Map<Id, Function> functions = new ConcurrentHashMap<>();
    private List<TaskEvent> events = new ArrayList<>();
    private List<TaskFailure> failures = new ArrayList<>();
    private final Map<String, Integer> labels = new LinkedHashMap<>();
    private boolean eventsScheduled;
    private @Nullable Session session;
    private volatile ClassLoader loader = TaskRunner.class.getClassLoader();
    private volatile @Nullable Object actor;
    private volatile @Nullable Class<?> actorClass;
    private volatile Set<String> actorGroups = Set.of();
    private volatile byte[] actorId = new byte[Id.TASK_BYTES];

    TaskRunner(TaskQueue queue) {
        this.queue = queue;
    }

    void connected(Session made) {
        session = made;
    }

    void bind(ClassLoader jobs) {
        loader = jobs;
        invocations.clear();
        functions.clear();
    }

    void startThread() {
        Thread thread = new Thread(() -> loop(""), "bowstring-task");
        thread.start();
    }

    /** Returns once nothing waits or runs. */
    void awaitIdle() {
        while (!queue.isIdle()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private void loop(String group) {
        while (true) {
            try {
                Incoming incoming = queue.next(group);
                try {
                    run(incoming);
                } finally {
                    queue.done(incoming);
                }
            } catch (InterruptedException late) {
                LOGGER.log(Level.TRACE, "an interrupt came after its task had ended", late);
            } catch (Throwable defect) {
                LOGGER.log(Level.ERROR, "the task thread met a defect and goes on", defect);
            }
        }
    }

    // Running --------------------------------------------------------------------------------------------------------

    /** What a task came to. */
    private record Outcome(int status, @Nullable EncodedValue value, @Nullable ErrorRecord error) {}

    private void run(Incoming incoming) {
        Task task = incoming.task;
        Connection connection = incoming.caller.connection();
        if (incoming.is(TaskFlag.EXACT)) {
            writeOut(connection);
        }
        Thread.currentThread().setContextClassLoader(loader);
        TaskContext context = TaskContext.ofTask(task.id, task.attempt);
        incoming.context = context;
        TaskContext.enter(context);
        long startNs = System.currentTimeMillis() * 1_000_000;
        incoming.startNs = startNs;
        incoming.runner = Thread.currentThread();
        long began = System.nanoTime();
        boolean exits = false;
        Outcome outcome;
        try {
            outcome = attempt(incoming);
        } catch (Worker.ActorExitSignal exit) {
            exits = true;
            queue.drain(false);
            outcome = encode(null, task);
        }
        long duration = System.nanoTime() - began;
        try {
            answer(incoming, outcome, context, duration);
        } finally {
            TaskContext.enter(null);
            record(task, startNs, duration, outcome);
        }
        if (exits) {
            flushEvents();
            writeOut(connection);
            Worker.exitAfterLastCall(session, actorId);
        }
    }

    /** Every result so far is in the socket, or nobody reads them (spec section 4.4, rule 3). */
    private static void writeOut(Connection connection) {
        connection.flush();
        while (connection.unwrittenBytes() > 0) {
            LockSupport.parkNanos(100_000);
        }
    }

    private Outcome attempt(Incoming incoming) {
        Task task = incoming.task;
        List<Object> held = new ArrayList<>();
        String name = task.name;
        try {
            if (task.numReturns > 1) {
                throw new InvalidArgumentException("a Java method has one result; num_returns is " + task.numReturns);
            }
            if (!task.concurrencyGroup.isEmpty() && incoming.is(TaskFlag.METHOD)
                    && !actorGroups.contains(task.concurrencyGroup)) {
                throw new InvalidArgumentException("the actor has no concurrency group " + task.concurrencyGroup
                        + (actorGroups.isEmpty() ? "" : "; it has " + String.join(", ", actorGroups)));
            }
            if (!queue.enterUserCode(incoming)) {
                return cancelledOutcome(name);
            }
            Object value;
            try {
                if (incoming.is(TaskFlag.METHOD) && task.method.equals(TERMINATE)) {
                    throw new Worker.ActorExitSignal();
                }
                Object receiver = incoming.is(TaskFlag.METHOD) ? actor : null;
                Invocation invocation = invocation(task);
                name = name.isEmpty() ? invocation.name() : name;
                Invocation.Ready ready = invocation.prepare(arguments(task, invocation, incoming.body, held));
                if (task.timeoutMs > 0) {
                    session.reactor().schedule(task.timeoutMs, () -> queue.timeOut(incoming));
                }
                try {
                    value = ready.call(receiver);
                    if (value instanceof CompletionStage<?> stage) {
                        value = settled(stage.toCompletableFuture());
                    }
                    if (incoming.items != null) {
                        stream(incoming, value, name);
                        value = null;
                    }
                } catch (Worker.ActorExitSignal exit) {
                    throw exit;
                } catch (Unsent unsent) {
                    return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(unsent.why));
                } catch (Throwable error) {
                    return thrown(incoming, name, error);
                }
            } finally {
                queue.leaveUserCode(incoming);
            }
            if (incoming.timedOut) {
                return timedOut(incoming, name);
            }
            return incoming.items != null ? new Outcome(TaskStatus.OK, null, null) : encode(value, task);
        } catch (TaskCancelledException error) {
            return incoming.cancelled ? cancelledOutcome(name)
                    : incoming.timedOut ? timedOut(incoming, name)
                    : new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(error));
        } catch (BowstringException error) {
            return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(error));
        } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError error) {
            return new Outcome(TaskStatus.ERROR, null,
                    ErrorRecords.ofUserCode(error, name, task.id, session.nodeId()));
        } finally {
            Reference.reachabilityFence(held);
        }
    }

    /** The value that an asynchronous method ends with; an interrupt cancels it. */
    private static @Nullable Object settled(CompletableFuture<?> future) throws Throwable {
        try {
            return future.get();
        } catch (ExecutionException error) {
            throw error.getCause();
        } catch (InterruptedException cancelled) {
            future.cancel(true);
            throw cancelled;
        }
    }

    private Outcome thrown(Incoming incoming, String name, Throwable error) {
        boolean interrupted = error instanceof InterruptedException || error instanceof TaskCancelledException;
        if (incoming.timedOut) {
            return timedOut(incoming, name);
        }
        if (incoming.cancelled && interrupted) {
            return cancelledOutcome(name);
        }
        return new Outcome(TaskStatus.ERROR, null,
                ErrorRecords.ofUserCode(error, name, incoming.task.id, session.nodeId()));
    }

    private static Outcome timedOut(Incoming incoming, String name) {
        return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(ErrorCode.TASK_TIMEOUT,
                name + " ran past its limit of " + incoming.task.timeoutMs + " ms"));
    }

    private static Outcome cancelledOutcome(String name) {
        return new Outcome(TaskStatus.CANCELLED, null,
                ErrorRecords.of(ErrorCode.TASK_CANCELLED, (name.isEmpty() ? "the task" : name) + " was cancelled"));
    }

    private Outcome encode(@Nullable Object value, Task task) {
        try {
            EncodedValue encoded = task.callerLanguage == Language.JAVA
                    ? Values.encode(value, session)
                    : Values.encodePortable(value, session);
            return new Outcome(TaskStatus.OK, encoded, null);
        } catch (CrossLanguageException error) {
            String message = error.details().message();
            return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(ErrorCode.CROSS_LANGUAGE,
                    "the result " + message));
        } catch (BowstringException error) {
            return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(error));
        } catch (RuntimeException | StackOverflowError error) {
            return new Outcome(TaskStatus.ERROR, null, ErrorRecords.of(ErrorCode.SERIALIZATION,
                    "the result can't be serialized: " + error));
        }
    }

    private Invocation invocation(Task task) {
        if ((task.flags & TaskFlag.METHOD) != 0) {
            Class<?> type = actorClass;
            if (type == null) {
                throw new FunctionNotFoundException("this worker is no actor");
            }
            return invocations.computeIfAbsent("." + task.method, key -> Invocation.ofInstance(type, task.method));
        }
        Function function = function(task.function);
        if (function.name.isEmpty()) {
            throw new FunctionNotFoundException(function.module + " is a class and no method; make an actor of it");
        }
        return invocations.computeIfAbsent(
                function.module + "." + function.name + function.signature,
                key -> Invocation.ofStatic(load(function.module), function.name, function.signature));
    }

    private Function function(byte[] key) {
        Function known = functions.get(Id.of(key));
        if (known != null) {
            return known;
        }
        FunctionGet get = new FunctionGet();
        get.key = key;
        Frame answer = session.ask(number -> {
            get.request = number;
            return get;
        }, Function.class);
        Function function = Function.decode(answer.metadata());
        if (function.language != Language.JAVA) {
            throw new FunctionNotFoundException(function.module + "." + function.name + " is no Java method");
        }
        functions.put(Id.of(key), function);
        return function;
    }

    private Class<?> load(String name) {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException error) {
            throw new FunctionNotFoundException("the class " + name + " is not on the class path of Java workers; name"
                    + " its jar or folder in the driver's class path", error);
        } catch (LinkageError error) {
            throw new FunctionNotFoundException("the class " + name + " can't be loaded: " + error, error);
        }
    }

    // Arguments ------------------------------------------------------------------------------------------------------

    /** An argument that is a reference; one that the method takes as an array is copied, and its memory let go. */
    private @Nullable Object fetched(CompletableFuture<?> fetched, Invocation invocation, int index, int count) {
        Object source = session.reader().await(fetched);
        Class<?> array = invocation.arrayAt(index, count);
        try {
            return session.reader().decodeFetched(source, array);
        } catch (InvalidArgumentException misfit) {
            throw array == null ? misfit : invocation.misfit(index, misfit);
        }
    }

    private List<@Nullable Object> arguments(Task task, Invocation invocation, byte[] body, List<Object> held) {
        List<Object> sources = new ArrayList<>(task.args.size());
        for (Arg arg : task.args) {
            switch (arg.kind()) {
                case ArgKind.VALUE -> sources.add(
                        Payload.inBody(arg.encoding(), arg.layout(), body, arg.offset(), arg.length()));
                case ArgKind.REF -> sources.add(session.reader().fetchArgument(
                        new WireRef(arg.refId(), arg.refFlags(), arg.refOwner(), arg.refHome())));
                default -> throw new InvalidArgumentException(
                        "an argument of kind " + ArgKind.name(arg.kind()) + ", which no Java method takes");
            }
        }
        List<@Nullable Object> values = new ArrayList<>(sources.size());
        for (Object source : sources) {
            if (source instanceof CompletableFuture<?> fetched) {
                values.add(fetched(fetched, invocation, values.size(), sources.size()));
            } else {
                values.add(session.reader().decode((Payload) source, null, null));
            }
        }
        held.addAll(sources);
        return values;
    }

    // Answering ------------------------------------------------------------------------------------------------------

    private void answer(Incoming incoming, Outcome outcome, TaskContext context, long durationNs) {
        Task task = incoming.task;
        Result result = new Result();
        result.id = task.id;
        result.attempt = task.attempt;
        result.status = outcome.status;
        result.durationNs = durationNs;
        ByteBuffer body = ByteBuffer.allocate(0);
        boolean deliver = incoming.deliverHome;
        if (task.numReturns == 1) {
            WireRef ref = new WireRef(Id.result(task.id, 0).bytes(), 0, task.owner, task.home);
            ErrorRecord error = outcome.error;
            Written written = null;
            if (error == null) {
                try {
                    written = write(ref, outcome.value, deliver);
                } catch (RuntimeException failed) {
                    error = unwritten(failed);
                    result.status = TaskStatus.ERROR;
                }
            }
            if (written == null) {
                written = written(ref, ErrorRecords.payload(error), List.of(), deliver);
            }
            result.returns = List.of(written.value);
            body = written.body;
            Reference.reachabilityFence(outcome.value);
        } else if (task.numReturns < 0 && outcome.error != null) {
            Payload payload = ErrorRecords.payload(outcome.error);
            result.returns = List.of(
                    new Return(ValueState.INLINE, payload.encoding(), payload.layout(), 0, 0, payload.size(), 0));
            body = payload.data();
        } else if (task.numReturns > 1) {
            Payload payload = ErrorRecords.payload(outcome.error); // more than one result was refused before
            List<Return> returns = new ArrayList<>(task.numReturns);
            for (int index = 0; index < task.numReturns; index++) {
                if (deliver) {
                    publish(new WireRef(Id.result(task.id, index).bytes(), 0, task.owner, task.home), payload, List.of());
                }
                returns.add(new Return(ValueState.INLINE, payload.encoding(), payload.layout(), 0, 0, payload.size(), 0));
            }
            result.returns = returns;
            body = payload.data();
        }
        result.kept = context.kept();
        if (!result.kept.isEmpty()) {
            session.reactor().flush();
            session.reader().await(context.held());
        }
        ByteBuffer frame = Frame.encode(result, body);
        if (queue.hasWaiting()) {
            incoming.caller.connection().queue(frame);
        } else {
            incoming.caller.connection().send(frame);
        }
    }

    /** An object that is ready to be told of, and what its home must know is on the way to it. */
    private record Written(Return value, ByteBuffer body) {}

    private Written write(WireRef ref, EncodedValue value, boolean deliver) {
        if (value.inlineSize() > session.inlineBytesMax()) {
            StoreClient.Extent extent = session.writeImage(value);
            seal(ref, extent, value, session.publishContained(value));
            return new Written(
                    new Return(ValueState.STORED, value.encoding(), 0, 0, 0, 0, 0), ByteBuffer.allocate(0));
        }
        Payload payload = value.inline();
        return written(ref, payload, session.publishContained(value), deliver);
    }

    private Written written(WireRef ref, Payload payload, List<WireRef> contains, boolean deliver) {
        if (deliver || !contains.isEmpty()) {
            publish(ref, payload, contains);
        }
        int flags = contains.isEmpty() ? 0 : 1;
        return new Written(
                new Return(ValueState.INLINE, payload.encoding(), payload.layout(), flags, 0, payload.size(), 0),
                payload.data());
    }

    private static ErrorRecord unwritten(RuntimeException failed) {
        return ErrorRecords.of(failed instanceof BowstringException known
                ? known : new SerializationException("the result can't be written: " + failed, failed));
    }

    // Streams --------------------------------------------------------------------------------------------------------

    /** An item that was made and can't be sent, which is no error of the task's own. */
    private static final class Unsent extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient BowstringException why;

        Unsent(BowstringException why) {
            super(why);
            this.why = why;
        }
    }

    /** Makes the items of a stream as they are wanted, and sends each (spec section 4.8). */
    private void stream(Incoming incoming, @Nullable Object made, String name) throws Exception {
        try (AutoCloseable end = made instanceof AutoCloseable closeable ? closeable : () -> {}) {
            Iterator<?> items;
            try {
                items = ItemStream.items(made, name);
            } catch (InvalidArgumentException none) {
                throw new Unsent(none);
            }
            for (long index = 0; ; index++) {
                CompletableFuture<Void> more;
                while ((more = incoming.items.awaited(index)) != null) {
                    session.reader().await(more);
                }
                if (incoming.cancelled || Thread.interrupted()) {
                    throw new InterruptedException("the stream was cancelled");
                }
                if (!items.hasNext()) {
                    return;
                }
                Object item = items.next();
                if (incoming.items.isWanted(index)) {
                    try {
                        send(incoming, index, item);
                    } catch (TaskCancelledException cancelled) {
                        throw cancelled;
                    } catch (BowstringException error) {
                        throw new Unsent(error);
                    }
                }
            }
        }
    }

    private void send(Incoming incoming, long index, @Nullable Object item) {
        Task task = incoming.task;
        Outcome encoded = encode(item, task);
        if (encoded.error != null) {
            throw ErrorRecords.exception(encoded.error);
        }
        WireRef ref = new WireRef(Id.item(task.id, index).bytes(), 0, task.owner, task.home);
        Written written = write(ref, encoded.value, false);
        if (!incoming.context.kept().isEmpty()) {
            session.reactor().flush();
            session.reader().await(incoming.context.held());
        }
        StreamItem told = new StreamItem();
        told.id = task.id;
        told.attempt = task.attempt;
        told.index = index;
        told.value = written.value;
        Connection connection = incoming.caller.connection();
        connection.send(Frame.encode(told, written.body));
        while (connection.unwrittenBytes() > UNWRITTEN_BYTES_MAX) {
            LockSupport.parkNanos(100_000);
        }
        Reference.reachabilityFence(encoded.value);
    }

    private void seal(WireRef ref, StoreClient.Extent extent, EncodedValue value, List<WireRef> contains) {
        ObjectSeal seal = new ObjectSeal();
        seal.ref = ref;
        seal.location = new Location(extent.grant().segment, 0, extent.grant().offset, value.imageSize());
        seal.extent = extent.grant().extent;
        seal.encoding = value.encoding();
        seal.contains = contains;
        session.send(seal);
    }

    private void publish(WireRef ref, Payload payload, List<WireRef> contains) {
        ObjectPublish publish = new ObjectPublish();
        publish.ref = ref;
        publish.state = ValueState.INLINE;
        publish.encoding = payload.encoding();
        publish.layout = payload.layout();
        publish.length = payload.size();
        publish.contains = contains;
        session.queue(Frame.encode(publish, payload.data()));
        session.reactor().flush();
    }

    /** A task that was cancelled before it started. */
    void cancelled(Incoming incoming) {
        answer(incoming, cancelledOutcome(incoming.task.name), TaskContext.ofTask(incoming.task.id, 0), 0);
    }

    // Actors ---------------------------------------------------------------------------------------------------------

    /** Runs the constructor on a thread of its own, then lets calls run; {@code done} hears null or the error. */
    void construct(Task task, byte[] body, WireHandle handle, Consumer<@Nullable BowstringException> done) {
        actorId = Id.of(handle.ref.id()).task();
        Thread thread = new Thread(() -> {
            Thread.currentThread().setContextClassLoader(loader);
            BowstringException error = construct(task, body);
            Map<String, Integer> groups = groups(handle.concurrencyGroups);
            if (error == null && !groups.isEmpty()) {
                Map<String, String> declared = MethodDeclarations.groups(actorClass);
                actorGroups = groups.keySet();
                queue.setGroups(call -> {
                    String group = groupOf(call.task, declared);
                    return groups.containsKey(group) ? group : "";
                });
            }
            if (error == null) {
                for (long extra = 1; extra < handle.maxConcurrency; extra++) {
                    new Thread(() -> loop(""), "bowstring-task-" + extra).start();
                }
                groups.forEach((group, size) -> {
                    for (int each = 0; each < size; each++) {
                        new Thread(() -> loop(group), "bowstring-" + group + "-" + each).start();
                    }
                });
            }
            done.accept(error);
        }, "bowstring-constructor");
        thread.start();
    }

    /** Concurrency groups as a handle names them: "io=2". */
    private static Map<String, Integer> groups(List<String> named) {
        Map<String, Integer> groups = new LinkedHashMap<>();
        for (String each : named) {
            int mark = each.lastIndexOf('=');
            groups.put(each.substring(0, mark), Integer.parseInt(each.substring(mark + 1)));
        }
        return groups;
    }

    private static String groupOf(Task task, Map<String, String> declared) {
        int descriptor = task.method.indexOf('(');
        String method = descriptor < 0 ? task.method : task.method.substring(0, descriptor);
        return task.concurrencyGroup.isEmpty() ? declared.getOrDefault(method, "") : task.concurrencyGroup;
    }

    private @Nullable BowstringException construct(Task task, byte[] body) {
        TaskContext context = TaskContext.ofTask(task.id, task.attempt);
        TaskContext.enter(context);
        List<Object> held = new ArrayList<>();
        String name = "the constructor";
        try {
            Function function = function(task.function);
            Class<?> type = load(function.module);
            Invocation invocation = Invocation.ofConstructor(type, task.method);
            name = invocation.name();
            Invocation.Ready ready = invocation.prepare(arguments(task, invocation, body, held));
            try {
                actor = ready.call(null);
            } catch (Throwable error) {
                return ErrorRecords.exception(
                        ErrorRecords.ofUserCode(error, name, task.id, session.nodeId()), loader);
            }
            actorClass = type;
            session.reactor().flush();
            session.reader().await(context.held());
            return null;
        } catch (BowstringException error) {
            return error;
        } catch (RuntimeException | LinkageError error) {
            return Worker.internal(name, error);
        } finally {
            Reference.reachabilityFence(held);
            TaskContext.enter(null);
        }
    }

    // Transcoding ----------------------------------------------------------------------------------------------------

    /** Writes a Java value so that other languages can read it (spec section 3.2, rule 2). */
    void transcode(Transcode transcode, byte[] body) {
        try {
            if (transcode.target != Encoding.PORTABLE) {
                throw new CrossLanguageException("Java writes no " + Encoding.name(transcode.target));
            }
            Payload payload = transcode.state == ValueState.STORED
                    ? new Payload(transcode.encoding, io.bowstring.internal.wire.Layout.IMAGE,
                            session.store().mapPinned(
                                    transcode.location.segment(), transcode.segmentPath, transcode.location))
                    : Payload.inBody(transcode.encoding, transcode.layout, body, 0, transcode.length);
            Object value = session.reader().decode(payload, null, null);
            EncodedValue encoded = Values.encodePortable(value, session);
            Transcoded done = new Transcoded();
            done.request = transcode.request;
            done.encoding = encoded.encoding();
            if (encoded.inlineSize() > session.inlineBytesMax()) {
                StoreClient.Extent extent = session.writeImage(encoded);
                done.state = ValueState.STORED;
                done.location = new Location(
                        extent.grant().segment, 0, extent.grant().offset, encoded.imageSize());
                done.extent = extent.grant().extent;
                session.send(done);
            } else {
                Payload inline = encoded.inline();
                done.state = ValueState.INLINE;
                done.layout = inline.layout();
                done.length = inline.size();
                session.queue(Frame.encode(done, inline.data()));
                session.reactor().flush();
            }
            Reference.reachabilityFence(value);
        } catch (BowstringException error) {
            fail(transcode, error);
        } catch (IOException | RuntimeException | LinkageError error) {
            fail(transcode, Worker.internal("a value can't be transcoded", error));
        }
    }

    private void fail(Transcode transcode, BowstringException error) {
        Failure failure = new Failure();
        failure.request = transcode.request;
        failure.error = ErrorRecords.of(error);
        session.send(failure);
    }

    // Events ---------------------------------------------------------------------------------------------------------

    private void record(Task task, long startNs, long durationNs, Outcome outcome) {
        boolean full;
        String label = labelOf(task);
        synchronized (this) {
            int place = labels.computeIfAbsent(label, each -> labels.size() + 1);
            if (outcome.error != null && outcome.status == TaskStatus.ERROR) {
                TaskFailure failure = new TaskFailure();
                failure.event = events.size();
                failure.code = outcome.error.code;
                failure.typeName = outcome.error.typeName;
                String message = outcome.error.message;
                failure.message = message.length() > FAILURE_CHARS_MAX ? message.substring(0, FAILURE_CHARS_MAX) : message;
                failures.add(failure);
            }
            events.add(new TaskEvent(task.id, task.function, startNs, durationNs, task.attempt, outcome.status,
                    Language.JAVA, place, task.owner, task.submittedNs));
            full = events.size() >= EVENTS_MAX;
            if (!eventsScheduled) {
                eventsScheduled = true;
                session.reactor().schedule(EVENTS_EVERY_MS, () -> {
                    synchronized (this) {
                        eventsScheduled = false;
                    }
                    flushEvents();
                });
            }
        }
        if (full) {
            flushEvents();
        }
    }

    /** What people call a task. */
    String labelOf(Task task) {
        if (!task.name.isEmpty()) {
            return task.name;
        }
        if (task.method.isEmpty()) {
            Function function = functions.get(Id.of(task.function));
            return function == null ? "" : shortName(function.module) + "." + function.name;
        }
        Class<?> type = actorClass;
        int end = task.method.indexOf('(');
        String method = end < 0 ? task.method : task.method.substring(0, end);
        return type == null ? method : type.getSimpleName() + "." + method;
    }

    private static String shortName(String binaryName) {
        return binaryName.substring(Math.max(binaryName.lastIndexOf('.'), binaryName.lastIndexOf('$')) + 1);
    }

    /** Sends the events that are buffered. */
    void flushEvents() {
        TaskEvents batch = new TaskEvents();
        synchronized (this) {
            if (events.isEmpty()) {
                return;
            }
            batch.events = events;
            batch.labels = List.copyOf(labels.keySet());
            batch.failures = failures;
            events = new ArrayList<>();
            failures = new ArrayList<>();
            labels.clear();
        }
        session.queue(batch);
    }
}
