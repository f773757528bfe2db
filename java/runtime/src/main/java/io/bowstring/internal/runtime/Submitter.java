package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.FunctionPut;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.TaskFlag;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Submits tasks and calls of actors (spec section 4.2).
 *
 * <p>Arguments are encoded on the caller's thread. A task goes on, to the leases or to its actor, once its references are
 * ready; then it is decided how each is passed. Everything that a task needs is held until its end.
 */
public final class Submitter {
    private static final int STREAM = -1;

    private final Session session;
    private final Set<Id> functions = new HashSet<>();

    Submitter(Session session) {
        this.session = session;
    }

    /** Submits a task; the arguments are values or references. */
    public ObjectReference<?> submit(
            FunctionDescriptor function,
            List<?> arguments,
            CallOptions options,
            @Nullable Type type) {
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
    static String jvmFlags(FunctionDescriptor function, CallOptions options) {
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
            if (session.arguments().resolve(task)) {
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
            @Nullable Type type) {
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
        session.references().own(actor.session(), actor);
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
                session.taskEnds().release(task);
                throw error;
            }
            if (session.arguments().resolve(task)) {
                link.pump();
            }
        });
    }

    /** Makes a task of a call, which holds what it needs; its arguments are encoded here. */
    PendingTask prepare(
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
                stored.add(session.references().own(reference.session(), reference).entry());
                continue;
            }
            EncodedValue value =
                    Values.encodeArgument(argument, i, function.language() != Language.JAVA, session.references());
            boolean fits = value.inlineSize() <= session.inlineBytesMax();
            encoded.add(fits ? value : null);
            stored.add(fits ? null : session.writer().putEncoded(value));
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
                    List<ObjectEntry> nested = session.references().nested(encoded.get(i));
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

    /** Tells the node of a function before its first use; the lock is held. */
    void publishFunction(FunctionDescriptor function) {
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
}
