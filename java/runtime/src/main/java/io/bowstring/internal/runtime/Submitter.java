package io.bowstring.internal.runtime;

import io.bowstring.Checkpointed;
import io.bowstring.ObjectRef;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.ActorCreate;
import io.bowstring.internal.wire.ActorInfo;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FunctionPut;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Submits tasks, calls and actors, and ends them (spec sections 4.2 and 4.4).
 *
 * <p>Arguments are encoded on the caller's thread. A task goes on, to the leases or to its actor, once its references are
 * ready; then it is decided how each is passed. Everything that a task needs is held until its end.
 */
public final class Submitter {
    private static final int STREAM = -1;

    private final Session session;
    private final Set<Id> functions = new HashSet<>();
    /** Creations of actors whose arguments are not there yet. */
    private final Map<PendingTask, Creation> creations = new HashMap<>();
    /** Tasks, but no calls of actors, whose arguments are not there yet. */
    private final Set<PendingTask> unresolved = new LinkedHashSet<>();

    Submitter(Session session) {
        this.session = session;
    }

    // Submitting -----------------------------------------------------------------------------------------------------

    /** Submits a task; the arguments are values or references. */
    public ObjectReference<?> submit(
            FunctionDescriptor function,
            List<?> arguments,
            CallOptions options,
            @Nullable Class<?> type) {
        PendingTask task = prepareTask(function, arguments, options, 1);
        ObjectReference<?> reference = new ObjectReference<>(session, task.results.get(0), type);
        start(task);
        return reference;
    }

    /** Submits a task with a result for each of the types. */
    public List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<? extends Class<?>> types) {
        PendingTask task = prepareTask(function, arguments, options, types.size());
        List<ObjectRef<?>> references = references(task, types);
        start(task);
        return references;
    }

    /** Submits a task that makes a stream. */
    public PendingStream stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        PendingTask task = prepareTask(function, arguments, options, STREAM);
        PendingStream stream = streamOf(task, options);
        start(task);
        return stream;
    }

    private PendingTask prepareTask(
            FunctionDescriptor function, List<?> arguments, CallOptions options, int numReturns) {
        session.checkRunning();
        LeasePool.Key key = new LeasePool.Key(function.language(), options.resources(), jvmFlags(function, options),
                session.placing().of(options, ErrorCode.TASK_UNSCHEDULABLE), options.maxCalls);
        return prepare(function, arguments, options, numReturns, key, null, options.maxRetries);
    }

    /** Flags of the JVM that runs it, which is none of Python's. */
    private static String jvmFlags(FunctionDescriptor function, CallOptions options) {
        if (function.language() != Language.JAVA && !options.jvmFlags.isEmpty()) {
            throw new InvalidArgumentException("jvmFlags is '" + options.jvmFlags + "', and " + function.displayName()
                    + " is not run by a JVM");
        }
        return options.jvmFlags;
    }

    /** The user's handles on the results. */
    private List<ObjectRef<?>> references(PendingTask task, List<? extends Class<?>> types) {
        if (types.isEmpty()) {
            task.holds.add(task.results.get(0)); // the task's own, until its end
        }
        List<ObjectRef<?>> references = new ArrayList<>(types.size());
        for (int index = 0; index < types.size(); index++) {
            references.add(new ObjectReference<>(session, task.results.get(index), types.get(index)));
        }
        return references;
    }

    private void start(PendingTask task) {
        session.locked(() -> {
            publishFunction(task.function);
            if (resolve(task)) {
                session.leases().enqueue(task);
            }
        });
    }

    /** The stream holds the task's result, which nobody reads, until its end. */
    private PendingStream streamOf(PendingTask task, CallOptions options) {
        PendingStream stream = new PendingStream(session, options.streamAhead);
        stream.isOf(task);
        task.stream = stream;
        task.flags |= TaskFlag.PACED;
        task.holds.add(task.results.get(0));
        return stream;
    }

    /** Calls a method of an actor. */
    public ObjectReference<?> call(
            ActorReference actor,
            String method,
            List<?> arguments,
            CallOptions options,
            @Nullable Class<?> type) {
        PendingTask task = prepareCall(actor, method, arguments, options, 1);
        ObjectReference<?> reference = new ObjectReference<>(session, task.results.get(0), type);
        startCall(actor, task);
        return reference;
    }

    /** Calls a method of an actor with a result for each of the types. */
    public List<ObjectRef<?>> callAll(
            ActorReference actor,
            String method,
            List<?> arguments,
            CallOptions options,
            List<? extends Class<?>> types) {
        PendingTask task = prepareCall(actor, method, arguments, options, types.size());
        List<ObjectRef<?>> references = references(task, types);
        startCall(actor, task);
        return references;
    }

    /** Calls a method of an actor that makes a stream. */
    public PendingStream callStream(
            ActorReference actor, String method, List<?> arguments, CallOptions options) {
        PendingTask task = prepareCall(actor, method, arguments, options, STREAM);
        PendingStream stream = streamOf(task, options);
        startCall(actor, task);
        return stream;
    }

    private PendingTask prepareCall(
            ActorReference actor, String method, List<?> arguments, CallOptions options, int numReturns) {
        session.checkRunning();
        session.own(actor.session(), actor);
        ActorLink link = actor.link();
        FunctionDescriptor function = new FunctionDescriptor(link.handle.language, link.handle.module,
                link.handle.className, "", link.handle.classKey);
        PendingTask task = prepare(function, arguments, options, numReturns, null, link, options.maxTaskRetries);
        task.method = method;
        task.flags |= TaskFlag.METHOD;
        return task;
    }

    private void startCall(ActorReference actor, PendingTask task) {
        ActorLink link = actor.link();
        session.locked(() -> {
            session.objects().acquire(link.entry);
            task.holds.add(link.entry);
            try {
                link.call(task);
            } catch (RuntimeException error) {
                task.done = true;
                release(task);
                throw error;
            }
            if (resolve(task)) {
                link.pump();
            }
        });
    }

    /** Makes an actor; its handle can be used at once. */
    public ActorReference create(
            FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        session.checkRunning();
        if (options.getIfExists && options.name.isEmpty()) {
            throw new InvalidArgumentException("an actor without a name can't be looked for; call setName(...)");
        }
        if (options.checkpointInterval != 0) {
            checkCheckpoints(type, options);
        }
        String jvmFlags = jvmFlags(type, options);
        Place place = session.placing().of(options, ErrorCode.ACTOR_UNSCHEDULABLE);
        CallOptions creation = new CallOptions();
        creation.name = "";
        PendingTask task = prepare(type, arguments, creation, 1, null, null, 0);
        task.method = constructor;
        task.flags |= TaskFlag.CREATION;
        WireHandle handle = new WireHandle();
        ObjectEntry life = task.results.get(0);
        handle.ref = life.ref;
        handle.language = type.language();
        handle.maxConcurrency = options.maxConcurrency;
        handle.maxTaskRetries = options.maxTaskRetries;
        handle.maxPendingCalls = options.maxPendingCalls;
        handle.methods = options.classLoader == null
                ? List.of()
                : MethodDeclarations.retries(type.module(), options.classLoader, options.maxTaskRetries);
        if (options.classLoader != null) {
            handle.numReturns = MethodDeclarations.numReturns(type.module(), options.classLoader);
        }
        handle.concurrencyGroups = options.concurrencyGroups.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue())
                .toList();
        handle.checkpointInterval = options.checkpointInterval;
        handle.module = type.module();
        handle.className = type.name();
        handle.classKey = type.key();
        ActorLink[] link = new ActorLink[1];
        ActorReference[] reference = new ActorReference[1];
        CompletableFuture<NodeLink.Answer> named = new CompletableFuture<>();
        session.locked(() -> link[0] = session.actors().make(handle, life));
        reference[0] = ActorReference.of(session, link[0]);
        session.locked(() -> {
            publishFunction(type);
            life.producer = null;
            life.onReady(() -> {});
            creations.put(task, new Creation(link[0], () -> sendCreate(task, handle, options, jvmFlags, place, link[0], named)));
            if (resolve(task)) {
                creations.remove(task).send.run();
            }
        });
        if (!options.name.isEmpty()) {
            // A name that is taken is the caller's error, at once; or the actor that has it is who is wanted.
            Table answer = session.reader().await(named, Long.MAX_VALUE, false).as(Table.class);
            if (answer instanceof ActorInfo info) {
                session.locked(() -> link[0].entry.held = false); // nothing was made that could be held
                return session.handle(info.handle, true);
            }
        }
        return reference[0];
    }

    /** Refuses checkpoints of an actor that can't have them. */
    public static void checkCheckpoints(FunctionDescriptor type, CallOptions options) {
        String what = type.displayName() + ": checkpointInterval is " + options.checkpointInterval;
        if (options.maxRestarts == 0) {
            throw new InvalidArgumentException(
                    what + ", and maxRestarts is 0: without restarts there is nothing to resume");
        }
        if (options.maxConcurrency > 1 || !options.concurrencyGroups.isEmpty()) {
            throw new InvalidArgumentException(
                    what + ": one call runs at a time, without maxConcurrency above 1 or concurrency groups");
        }
        if (type.language() == Language.JAVA && options.classLoader != null) {
            try {
                if (!Checkpointed.class.isAssignableFrom(Class.forName(type.module(), false, options.classLoader))) {
                    throw new InvalidArgumentException(
                            what + ", so the class must implement " + Checkpointed.class.getName());
                }
            } catch (ClassNotFoundException | LinkageError error) {
                throw new InvalidArgumentException(type.module() + " can't be looked at: " + error, error);
            }
        }
    }

    private record Creation(ActorLink link, Runnable send) {}

    private void sendCreate(
            PendingTask task,
            WireHandle handle,
            CallOptions options,
            String jvmFlags,
            Place place,
            ActorLink link,
            CompletableFuture<NodeLink.Answer> named) {
        ActorCreate create = new ActorCreate();
        create.handle = handle;
        create.maxRestarts = options.maxRestarts;
        create.detached = options.detached;
        create.sharedWorker = options.sharedWorker;
        create.getIfExists = options.getIfExists;
        create.name = options.name;
        create.namespace = options.namespace;
        create.jvmFlags = jvmFlags;
        create.environment = place.environmentKey();
        create.placementGroup = place.groupId();
        create.bundle = place.bundle();
        create.captureChildren = place.capturesChildren();
        create.resources = Placing.resources(options.resources());
        if (place.group().isEmpty() && !options.namesCpus()) {
            // It holds no CPU, but one must be free to start it. Bundles may have none at all.
            Map<String, Long> placement = new TreeMap<>(options.resources());
            placement.put("CPU", 10_000L);
            create.placementResources = Placing.resources(placement);
        }
        List<WireRef> contains = new ArrayList<>();
        for (ObjectEntry entry : task.holds) {
            contains.add(entry.ref);
        }
        create.contains = contains;
        create.request = session.node().number(answer -> {
            BowstringException error = answer.error();
            session.locked(() -> {
                if (error != null) {
                    link.entry.held = false; // nothing was made that could be held
                    link.failed(error);
                }
                release(task);
            });
            named.complete(answer);
        });
        session.node().queue(Frame.encode(create, task.frame(session.process(), session.nodeId(), task.id.bytes(), 0)));
        link.created();
    }

    private PendingTask prepare(
            FunctionDescriptor function,
            List<?> arguments,
            CallOptions options,
            int numReturns,
            LeasePool.@Nullable Key key,
            @Nullable ActorLink actor,
            int retries) {
        List<EncodedValue> encoded = new ArrayList<>(arguments.size());
        List<@Nullable ObjectEntry> stored = new ArrayList<>(arguments.size());
        for (int i = 0; i < arguments.size(); i++) {
            Object argument = arguments.get(i);
            if (argument instanceof ObjectReference<?> reference) {
                encoded.add(null);
                stored.add(session.own(reference.session(), reference).entry());
                continue;
            }
            EncodedValue value = encodeArgument(argument, function.language(), i);
            boolean fits = value.inlineSize() <= session.inlineBytesMax();
            encoded.add(fits ? value : null);
            stored.add(fits ? null : session.putEncoded(value));
        }
        List<Payload> payloads = new ArrayList<>();
        for (EncodedValue value : encoded) {
            payloads.add(value == null ? null : value.inline());
        }
        byte[] id = session.context().nextChild();
        PendingTask[] made = new PendingTask[1];
        session.locked(() -> {
            List<PendingTask.Slot> slots = new ArrayList<>(arguments.size());
            List<ObjectEntry> holds = new ArrayList<>();
            for (int i = 0; i < encoded.size(); i++) {
                slots.add(new PendingTask.Slot(payloads.get(i), stored.get(i)));
                ObjectEntry entry = stored.get(i);
                if (entry != null) {
                    if (arguments.get(i) instanceof ObjectReference<?>) {
                        session.objects().acquire(entry);
                    }
                    holds.add(entry);
                } else {
                    List<ObjectEntry> nested = session.nested(encoded.get(i));
                    session.objects().publishAll(nested);
                    holds.addAll(nested);
                }
            }
            List<ObjectEntry> results = new ArrayList<>(Math.max(1, numReturns));
            for (int index = 0; index < Math.max(1, numReturns); index++) {
                results.add(session.objects().own(Id.result(id, index)));
            }
            PendingTask task = new PendingTask(Id.of(id), function, slots, results, numReturns, key, actor);
            task.holds.addAll(holds);
            task.name = options.name;
            task.concurrencyGroup = options.concurrencyGroup;
            task.retriesLeft = retries;
            task.retryRule = RetryRule.of(options.retriedErrors);
            task.timeoutMs = options.timeoutMs;
            results.forEach(result -> result.producer = task);
            made[0] = task;
        });
        return made[0];
    }

    private EncodedValue encodeArgument(@Nullable Object argument, int language, int index) {
        if (language == Language.JAVA) {
            return Values.encode(argument, session);
        }
        try {
            return Values.encodePortable(argument, session);
        } catch (CrossLanguageException error) {
            String message = error.details().message();
            throw new CrossLanguageException(
                    "$.args[" + index + "]" + (message.startsWith("$") ? message.substring(1) : ": " + message));
        }
    }

    private void publishFunction(FunctionDescriptor function) {
        if (functions.add(Id.of(function.key()))) {
            FunctionPut put = new FunctionPut();
            put.key = function.key();
            put.language = function.language();
            put.module = function.module();
            put.name = function.name();
            put.signature = function.signature();
            session.node().queue(put);
        }
    }

    /** True if every argument is there; else the task goes on when the last one is. The lock is held. */
    private boolean resolve(PendingTask task) {
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry != null && !entry.isReady()) {
                task.dependencies++;
                entry.onReady(() -> {
                    if (--task.dependencies > 0) {
                        return;
                    }
                    unresolved.remove(task);
                    if (!task.done && choosePayloads(task)) {
                        Creation creation = creations.remove(task);
                        if (creation != null) {
                            creation.send.run();
                        } else if (task.actor != null) {
                            task.actor.pump();
                        } else {
                            session.leases().enqueue(task);
                        }
                    }
                });
                session.objects().watch(entry);
            }
        }
        if (task.dependencies > 0 && task.actor == null) {
            unresolved.add(task);
        }
        return task.dependencies == 0 && choosePayloads(task);
    }

    /** Rows of the tasks that wait for their arguments; the lock is held. */
    void describe(List<Map<String, Object>> rows) {
        for (PendingTask task : unresolved) {
            if (!task.done) {
                rows.add(Inspection.call(task, "PENDING_ARGUMENTS", task.function.language()));
            }
        }
    }

    /** Decides how each resolved reference is passed; false: an argument is an error, which is the task's end. */
    private boolean choosePayloads(PendingTask task) {
        int own = task.function.language() == Language.JAVA ? Encoding.JAVA : Encoding.PYTHON;
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry == null) {
                continue;
            }
            Payload local = entry.local;
            if (local == null) {
                continue;
            }
            if (local.encoding() == Encoding.ERROR) {
                task.done = true;
                Creation creation = creations.remove(task);
                if (creation != null) {
                    creation.link.failed(exceptionOf(local));
                } else if (task.stream != null) {
                    task.stream.end(local);
                } else {
                    task.results.forEach(result -> session.objects().completeLocal(result, local, List.of()));
                }
                release(task);
                if (task.actor != null) {
                    task.actor.pump();
                }
                return false;
            }
            boolean foreign = (local.encoding() == Encoding.PYTHON || local.encoding() == Encoding.JAVA)
                    && local.encoding() != own;
            if (foreign || local.size() > session.inlineBytesMax()) {
                session.objects().publish(entry);
            } else {
                session.objects().publishAll(entry.nested);
                slot.payload = local;
            }
        }
        for (PendingTask.Slot slot : task.slots) {
            if (slot.payload == null) {
                session.objects().publish(Objects.requireNonNull(slot.entry));
            }
        }
        task.resolved = true;
        return true;
    }

    private BowstringException exceptionOf(Payload payload) {
        try {
            session.reader().decode(payload, null);
        } catch (BowstringException error) {
            return error;
        }
        throw new IllegalStateException("a payload of an error is none");
    }

    // Ends of tasks --------------------------------------------------------------------------------------------------

    /** Refuses a result that is none of this task (spec section 4.4, rule 8), before anything is made of it. */
    static void check(PendingTask task, Result result, int bodyLength) {
        int count = result.returns.size();
        boolean failed = result.status != TaskStatus.OK;
        int expected = task.numReturns > 0 ? task.numReturns : failed ? 1 : 0; // a stream, and a task without results
        if (count != expected) {
            throw new ProtocolException("a Result of " + count + " values; " + expected + " were expected");
        }
        for (Return value : result.returns) {
            check(value, bodyLength);
            if (task.stream != null && value.encoding() != Encoding.ERROR) {
                throw new ProtocolException("a worker ended a stream with a value");
            }
        }
    }

    /** Refuses an item of what is no stream, or that is not where it says. */
    static void check(PendingTask task, StreamItem item, int bodyLength) {
        if (task.stream == null) {
            throw new ProtocolException("a StreamItem of a task that makes no stream");
        }
        check(item.value, bodyLength);
    }

    private static void check(Return value, int bodyLength) {
        boolean known = value.state() == ValueState.STORED || value.state() == ValueState.INLINE;
        if (!known || value.offset() + value.length() > bodyLength) {
            throw new ProtocolException("a value is not in its body of " + bodyLength + " bytes: " + value);
        }
    }

    /** The Result of a task came; the lock is held. */
    void finish(PendingTask task, Result result, byte[] body) {
        task.done = true;
        task.lease = null;
        if (task.stream == null) {
            boolean delivered = (task.flags & TaskFlag.DELIVER_HOME) != 0 && !task.deliverSent;
            for (int index = 0; index < task.numReturns; index++) {
                Return value = result.returns.get(index);
                complete(task.results.get(index), value, body, (value.flags() & 1) != 0 || delivered);
            }
        } else if (result.returns.isEmpty()) {
            task.stream.end(null);
        } else {
            Return error = result.returns.get(0);
            task.stream.end(Payload.inBody(error.encoding(), error.layout(), body, error.offset(), error.length()));
        }
        release(task);
    }

    /** The value of an object of ours came; the lock is held. */
    void complete(ObjectEntry entry, Return value, byte[] body, boolean delivered) {
        if (value.state() == ValueState.STORED) {
            session.objects().completeStored(entry);
        } else if (value.state() == ValueState.INLINE) {
            Payload payload = Payload.inBody(value.encoding(), value.layout(), body, value.offset(), value.length());
            if (delivered) {
                session.objects().completeDelivered(entry, payload);
            } else {
                session.objects().completeLocal(entry, payload, List.of());
            }
        } else {
            throw new ProtocolException("a value is neither inline nor stored");
        }
    }

    /** A task will have no Result; the lock is held. */
    void fail(PendingTask task, BowstringException error) {
        if (!task.done) {
            task.done = true;
            task.lease = null;
            if (task.stream != null) {
                task.stream.fail(error);
            } else {
                task.results.forEach(result -> session.objects().fail(result, error));
            }
            release(task);
        }
    }

    /** Sends what belongs to a task to the worker that has it, if any; the lock is held. */
    void send(PendingTask task, Table table) {
        if (task.actor != null) {
            task.actor.send(task, table);
        } else {
            session.leases().send(task, table);
        }
    }

    private void release(PendingTask task) {
        if (task.dependencies > 0) {
            unresolved.remove(task);
        }
        task.holds.forEach(session.objects()::release);
        task.holds.clear();
    }

    /** A result's reference escaped: its home is to get the value too; the lock is held. */
    void deliver(PendingTask task) {
        if (task.retryRule != null || (task.flags & TaskFlag.DELIVER_HOME) != 0) {
            return; // an error that is tried again must not come home first (spec 4.9/2)
        }
        if (task.actor != null) {
            task.actor.deliver(task);
        } else if (task.leaseKey != null) {
            session.leases().deliver(task);
        }
        // The worker may now tell of every result, so its home must know whose they are, and which are wanted no more.
        task.results.forEach(session.objects()::expect);
    }

    /** Cancels a task by its result. */
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        ObjectEntry entry = session.reader().reference(ref).entry();
        session.locked(() -> {
            if (!entry.owned) {
                throw new InvalidArgumentException("only the process that submitted a task can cancel it");
            }
            PendingTask task = entry.producer;
            if (task == null || task.done) {
                return;
            }
            if (task.actor != null && force) {
                throw new InvalidArgumentException("a call on an actor can't be forced to end; kill the actor");
            }
            cancel(task, force, recursive);
        });
    }

    /** Cancels a task that is not done; the lock is held. */
    void cancel(PendingTask task, boolean force, boolean recursive) {
        if (task.actor != null) {
            task.actor.cancel(task, recursive);
        } else {
            session.leases().cancel(task, force, recursive);
        }
    }

    /** Returns once no result of what a task has submitted is awaited any more, or the time is over. */
    public void awaitChildren(TaskContext parent, long timeoutNs) {
        CompletableFuture<Boolean> over = new CompletableFuture<>();
        List<ObjectEntry> awaited = new ArrayList<>();
        int[] missing = {0};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                over.complete(true);
            }
        };
        session.locked(() -> {
            for (PendingTask child : session.objects().submittedBy(parent)) {
                for (ObjectEntry result : child.numReturns > 0 ? child.results : List.<ObjectEntry>of()) {
                    if (!result.isReady()) {
                        missing[0]++;
                        result.onReady(one);
                        awaited.add(result);
                    }
                }
            }
        });
        if (awaited.isEmpty()) {
            return;
        }
        try {
            session.reader().await(over, timeoutNs, true);
        } catch (GetTimeoutException late) {
            session.locked(() -> awaited.forEach(result -> result.forget(one)));
        }
    }

    /** Cancels what a task has submitted and is not done. */
    public void cancelChildren(TaskContext parent) {
        session.locked(() -> session.objects().submittedBy(parent).forEach(task -> cancel(task, false, true)));
    }
}
