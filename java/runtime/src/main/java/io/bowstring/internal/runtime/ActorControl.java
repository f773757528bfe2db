package io.bowstring.internal.runtime;

import io.bowstring.Checkpointed;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.wire.ActorCreate;
import io.bowstring.internal.wire.ActorInfo;
import io.bowstring.internal.wire.ActorKill;
import io.bowstring.internal.wire.ActorLookup;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

/** Has the node make actors, finds those that have names, and ends them (spec section 5.1). */
public final class ActorControl {
    /** An actor that is made once the arguments of its constructor are there. */
    record Creation(ActorLink link, Runnable send) {}

    private final Session session;

    ActorControl(Session session) {
        this.session = session;
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
        String jvmFlags = Submitter.jvmFlags(type, options);
        Place place = session.placing().of(options, ErrorCode.ACTOR_UNSCHEDULABLE);
        CallOptions creation = new CallOptions();
        creation.name = "";
        PendingTask task = session.submitter().prepare(type, arguments, creation, 1, null, null, 0);
        task.method = constructor;
        task.flags |= TaskFlag.CREATION;
        ObjectEntry life = task.results.get(0);
        WireHandle handle = handle(type, options, life);
        ActorLink[] link = new ActorLink[1];
        ActorReference[] reference = new ActorReference[1];
        CompletableFuture<NodeLink.Answer> named = new CompletableFuture<>();
        session.locked(() -> link[0] = session.actors().make(handle, life));
        reference[0] = ActorReference.of(session, link[0]);
        session.locked(() -> {
            session.submitter().publishFunction(type);
            life.producer = null;
            life.onReady(() -> {});
            task.creation = new Creation(
                    link[0], () -> sendCreate(task, handle, options, jvmFlags, place, link[0], named));
            if (session.arguments().resolve(task)) {
                task.creation.send().run();
            }
        });
        if (!options.name.isEmpty()) {
            // A name that is taken is the caller's error, at once; or the actor that has it is who is wanted.
            Table answer = session.reader().await(named, Long.MAX_VALUE, false).as(Table.class);
            if (answer instanceof ActorInfo info) {
                session.locked(() -> link[0].entry.held = false); // nothing was made that could be held
                return session.references().handle(info.handle, true);
            }
        }
        return reference[0];
    }

    /** What every handle of the actor says. */
    private static WireHandle handle(FunctionDescriptor type, CallOptions options, ObjectEntry life) {
        WireHandle handle = new WireHandle();
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
        return handle;
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
                session.taskEnds().release(task);
            });
            named.complete(answer);
        });
        session.node().queue(Frame.encode(create, task.frame(session.process(), session.nodeId(), task.id.bytes(), 0)));
        link.created();
    }

    /** The handle of a named actor. */
    public ActorReference lookup(String name, String inNamespace) {
        session.checkRunning();
        ActorLookup lookup = new ActorLookup();
        lookup.name = name;
        lookup.namespace = inNamespace;
        ActorInfo info = session.request(number -> {
            lookup.request = number;
            return lookup;
        }).as(ActorInfo.class);
        return session.references().handle(info.handle, true);
    }

    /** Ends an actor's process. */
    public void kill(ActorReference actor, boolean noRestart) {
        session.checkRunning();
        ActorKill kill = new ActorKill();
        kill.actor = session.references().own(actor.session(), actor).link().id();
        kill.noRestart = noRestart;
        session.request(number -> {
            kill.request = number;
            return kill;
        }).as(Table.class);
    }
}
