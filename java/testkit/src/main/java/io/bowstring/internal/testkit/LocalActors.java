package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.errors.ActorNameTakenException;
import io.bowstring.errors.ActorNotFoundException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.runtime.ActorControl;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.MethodDeclarations;
import io.bowstring.internal.wire.MethodRetries;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.Reference;
import java.lang.reflect.Type;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The actors of the runtime: who they are, which names they have, and calls of them. */
final class LocalActors {
    private final LocalRuntime runtime;
    private final Set<LocalActor> all = new LinkedHashSet<>();
    private final Map<String, LocalActor> names = new LinkedHashMap<>();

    LocalActors(LocalRuntime runtime) {
        this.runtime = runtime;
    }

    /** All that are not dead; under the lock. */
    Collection<LocalActor> all() {
        return all;
    }

    /** An actor is dead, and its name free; under the lock. */
    void forget(LocalActor actor) {
        all.remove(actor);
        names.values().remove(actor);
    }

    private LocalActor actor(Object handle) {
        if (handle instanceof LocalHandle<?> local) {
            return runtime.own(local.actor().runtime(), local).actor();
        }
        throw new InvalidArgumentException("a handle of " + handle.getClass() + ", which is not the runtime's");
    }

    private String nameOf(String name, String inNamespace) {
        return (inNamespace.isEmpty() ? runtime.namespace() : inNamespace) + "\n" + name;
    }

    Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        LocalCalls.refusePython(type);
        if (options.getIfExists && options.name.isEmpty()) {
            throw new InvalidArgumentException("an actor without a name can't be looked for; call setName(...)");
        }
        if (options.checkpointInterval != 0) {
            ActorControl.checkCheckpoints(type, options);
        }
        byte[] id = runtime.here().nextChild();
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
        LocalActor actor = new LocalActor(runtime, wire, options);
        LocalTask creation = runtime.calls().task(type, constructor, arguments, new CallOptions(), actor, id, 0, 1);
        actor.madeBy(creation);
        synchronized (runtime.lock()) {
            runtime.checkRunning();
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
            runtime.values().know(Id.of(wire.ref.id()), actor);
            all.add(actor);
            LocalHandle<?> handle = new LocalHandle<>(actor);
            runtime.board().submit(creation);
            return handle;
        }
    }

    CallOptions callOptions(Object actor, String method) {
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
        return runtime.calls().task(function, method, arguments, options, actor, runtime.here().nextChild(),
                options.maxTaskRetries, numReturns);
    }

    ObjectRef<?> call(
            Object handle, String method, List<?> arguments, CallOptions options, @Nullable Type type) {
        LocalTask call = call(handle, method, arguments, options, 1);
        return new LocalRef<>(runtime, call.results.get(0), type);
    }

    List<ObjectRef<?>> callAll(
            Object handle, String method, List<?> arguments, CallOptions options, List<Class<?>> types) {
        return runtime.calls().references(call(handle, method, arguments, options, types.size()), types);
    }

    private LocalTask call(Object handle, String method, List<?> arguments, CallOptions options, int numReturns) {
        LocalActor actor = actor(handle);
        LocalTask call = calling(actor, method, arguments, options, numReturns);
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            actor.call(call);
        }
        Reference.reachabilityFence(handle);
        return call;
    }

    RuntimeLink.Items callStream(Object handle, String method, List<?> arguments, CallOptions options) {
        LocalActor actor = actor(handle);
        LocalTask call = calling(actor, method, arguments, options, 0);
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            LocalStream stream = runtime.calls().streamOf(call);
            actor.call(call);
            Reference.reachabilityFence(handle);
            return stream;
        }
    }

    Object lookup(String name, String inNamespace) {
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            LocalActor actor = names.get(nameOf(name, inNamespace));
            if (actor == null) {
                throw new ActorNotFoundException("no actor named '" + name + "' is in namespace '"
                        + (inNamespace.isEmpty() ? runtime.namespace() : inNamespace) + "'");
            }
            return new LocalHandle<>(actor);
        }
    }

    void kill(Object handle, boolean noRestart) {
        LocalActor actor = actor(handle);
        synchronized (runtime.lock()) {
            runtime.checkRunning();
            actor.kill(noRestart);
        }
    }

    void exitActor() {
        AttemptRunner.Running running = AttemptRunner.current();
        if (running == null || running.task().actor == null) {
            throw new InvalidArgumentException("exitActor() is for the methods of actors");
        }
        throw new AttemptRunner.ExitSignal();
    }

    Object currentActor() {
        AttemptRunner.Running running = AttemptRunner.current();
        LocalActor actor = running == null ? null : running.task().actor;
        if (actor == null) {
            throw new InvalidArgumentException("currentActor() is for the methods of actors");
        }
        synchronized (runtime.lock()) {
            return new LocalHandle<>(actor);
        }
    }
}
