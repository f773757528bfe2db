package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
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
import io.bowstring.internal.wire.Resource;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Submits tasks, calls and actors, and ends them (spec sections 4.2 and 4.4).
 *
 * <p>Arguments are encoded on the caller's thread. A task goes on, to the leases or to its actor, once its references are
 * ready; then it is decided how each is passed. Everything that a task needs is held until its end.
 */
public final class Submitter {
    private final Session session;
    private final Set<Id> functions = new HashSet<>();
    /** Creations of actors whose arguments are not there yet. */
    private final Map<PendingTask, Creation> creations = new HashMap<>();

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
        PendingTask task = prepareTask(function, arguments, options);
        ObjectReference<?> reference = new ObjectReference<>(session, task.result, type);
        start(task);
        return reference;
    }

    /** Submits a task that makes a stream. */
    public PendingStream stream(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        PendingTask task = prepareTask(function, arguments, options);
        PendingStream stream = streamOf(task, options);
        start(task);
        return stream;
    }

    private PendingTask prepareTask(FunctionDescriptor function, List<?> arguments, CallOptions options) {
        session.checkRunning();
        LeasePool.Key key = new LeasePool.Key(function.language(), options.resources(), options.jvmFlags);
        return prepare(function, arguments, options, key, null, options.maxRetries);
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
        task.holds.add(task.result);
        return stream;
    }

    /** Calls a method of an actor. */
    public ObjectReference<?> call(
            ActorReference actor,
            String method,
            List<?> arguments,
            CallOptions options,
            @Nullable Class<?> type) {
        PendingTask task = prepareCall(actor, method, arguments, options);
        ObjectReference<?> reference = new ObjectReference<>(session, task.result, type);
        startCall(actor, task);
        return reference;
    }

    /** Calls a method of an actor that makes a stream. */
    public PendingStream callStream(
            ActorReference actor, String method, List<?> arguments, CallOptions options) {
        PendingTask task = prepareCall(actor, method, arguments, options);
        PendingStream stream = streamOf(task, options);
        startCall(actor, task);
        return stream;
    }

    private PendingTask prepareCall(ActorReference actor, String method, List<?> arguments, CallOptions options) {
        session.checkRunning();
        session.own(actor.session(), actor);
        ActorLink link = actor.link();
        FunctionDescriptor function = new FunctionDescriptor(link.handle.language, link.handle.module,
                link.handle.className, "", link.handle.classKey);
        PendingTask task = prepare(function, arguments, options, null, link, options.maxTaskRetries);
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
        CallOptions creation = new CallOptions();
        creation.name = "";
        PendingTask task = prepare(type, arguments, creation, null, null, 0);
        task.method = constructor;
        task.flags |= TaskFlag.CREATION;
        WireHandle handle = new WireHandle();
        handle.ref = task.result.ref;
        handle.language = type.language();
        handle.maxConcurrency = options.maxConcurrency;
        handle.maxTaskRetries = options.maxTaskRetries;
        handle.maxPendingCalls = options.maxPendingCalls;
        handle.methods = options.classLoader == null
                ? List.of()
                : MethodDeclarations.retries(type.module(), options.classLoader, options.maxTaskRetries);
        handle.concurrencyGroups = options.concurrencyGroups.entrySet().stream()
                .map(each -> each.getKey() + "=" + each.getValue())
                .toList();
        handle.module = type.module();
        handle.className = type.name();
        handle.classKey = type.key();
        ActorLink[] link = new ActorLink[1];
        ActorReference[] reference = new ActorReference[1];
        CompletableFuture<NodeLink.Answer> named = new CompletableFuture<>();
        session.locked(() -> link[0] = session.actors().make(handle, task.result));
        reference[0] = ActorReference.of(session, link[0]);
        session.locked(() -> {
            publishFunction(type);
            task.result.producer = null;
            task.result.onReady(() -> {});
            creations.put(task, new Creation(link[0], () -> sendCreate(task, handle, options, link[0], named)));
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

    private record Creation(ActorLink link, Runnable send) {}

    private void sendCreate(
            PendingTask task,
            WireHandle handle,
            CallOptions options,
            ActorLink link,
            CompletableFuture<NodeLink.Answer> named) {
        ActorCreate create = new ActorCreate();
        create.handle = handle;
        create.maxRestarts = options.maxRestarts;
        create.detached = options.detached;
        create.getIfExists = options.getIfExists;
        create.name = options.name;
        create.namespace = options.namespace;
        create.jvmFlags = options.jvmFlags;
        List<Resource> resources = new ArrayList<>();
        options.resources().forEach((name, units) -> {
            Resource resource = new Resource();
            resource.name = name;
            resource.units = units;
            resources.add(resource);
        });
        create.resources = resources;
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
            PendingTask task = new PendingTask(
                    Id.of(id), function, slots, session.objects().own(Id.result(id, 0)), key, actor);
            task.holds.addAll(holds);
            task.name = options.name;
            task.concurrencyGroup = options.concurrencyGroup;
            task.retriesLeft = retries;
            task.retryRule = RetryRule.of(options.retriedErrors);
            task.timeoutMs = options.timeoutMs;
            task.result.producer = task;
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
                    if (--task.dependencies == 0 && !task.done && choosePayloads(task)) {
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
        return task.dependencies == 0 && choosePayloads(task);
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
                    session.objects().completeLocal(task.result, local, List.of());
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
                session.objects().publish(slot.entry);
            }
        }
        task.resolved = true;
        return true;
    }

    private BowstringException exceptionOf(Payload payload) {
        try {
            session.reader().decode(payload, null, null);
        } catch (BowstringException error) {
            return error;
        }
        throw new IllegalStateException("a payload of an error is none");
    }

    // Ends of tasks --------------------------------------------------------------------------------------------------

    /** The Result of a task came; the lock is held. */
    void finish(PendingTask task, Result result, byte[] body) {
        int expected = task.stream == null ? 1 : result.status == TaskStatus.OK ? 0 : 1;
        if (result.returns.size() != expected) {
            throw new ProtocolException("a Result of " + result.returns.size() + " values; " + expected + " was expected");
        }
        task.done = true;
        task.lease = null;
        if (task.stream == null) {
            Return value = result.returns.get(0);
            boolean delivered = (task.flags & TaskFlag.DELIVER_HOME) != 0 && !task.deliverSent;
            complete(task.result, value, body, (value.flags() & 1) != 0 || delivered);
        } else if (expected == 0) {
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
                session.objects().fail(task.result, error);
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
        task.holds.forEach(session.objects()::release);
        task.holds.clear();
    }

    /** The result's reference escaped: its home is to get the value too; the lock is held. */
    void deliver(PendingTask task) {
        if (task.actor != null) {
            task.actor.deliver(task);
        } else if (task.leaseKey != null) {
            session.leases().deliver(task);
        }
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

    /** Cancels what a task has submitted and is not done. */
    public void cancelChildren(TaskContext parent) {
        session.locked(() -> session.objects().submittedBy(parent).forEach(task -> cancel(task, false, true)));
    }
}
