package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.JvmFlags;

/**
 * What can be said of an actor that is to be made, in whichever language. A setter refuses what its parameter can't be
 * with an {@link io.bowstring.errors.InvalidArgumentException} that names it.
 *
 * @param <S> the class itself, which every setter returns
 */
public abstract sealed class ActorSettings<S extends ActorSettings<S>> extends Settings<S>
        implements PlacedSettings<S> permits ActorCreation, PyActorCreation, ActorOptions {
    ActorSettings() {
        super(CallOptions.ofActor());
    }

    /**
     * Sets the actor's name, by which others find it; it must not be taken. Default: none.
     *
     * @param name not empty
     * @return this
     */
    public S setName(String name) {
        options.name = Arguments.text("name", name);
        return self();
    }

    /**
     * Sets the namespace of the name. Default: the driver's.
     *
     * @param namespace not empty
     * @return this
     */
    public S setNamespace(String namespace) {
        options.namespace = Arguments.text("namespace", namespace);
        return self();
    }

    /**
     * Sets whether an actor that has the name already is returned, rather than an error. Default: false.
     *
     * @param get true: a name that is taken is no error; an actor without a name is one then
     * @return this
     */
    public S setGetIfExists(boolean get) {
        options.getIfExists = get;
        return self();
    }

    /**
     * Sets whether the actor lives until it is killed, rather than until its last handle is gone. Default: false.
     *
     * @param detached whether it outlives its handles, and the driver
     * @return this
     */
    public S setDetached(boolean detached) {
        options.detached = detached;
        return self();
    }

    /**
     * Sets whether the actor may share its JVM with other such actors of the job: each has its own thread, callers and
     * end, but heap, static fields and the end of the JVM they have together. For actors in Java. Default: false.
     *
     * @param shared false: it has a JVM of its own
     * @return this
     */
    public S setSharedWorker(boolean shared) {
        options.sharedWorker = shared;
        return self();
    }

    /**
     * Sets how often the actor is started again after its process ended; -1: any number. Default: 0.
     *
     * @param count 0 or more, or -1
     * @return this
     */
    public S setMaxRestarts(int count) {
        options.maxRestarts = CallOptions.count("maxRestarts", count);
        return self();
    }

    /**
     * Sets how often a call may be made again after the process ended; -1: any number. Default: 0.
     *
     * @param count 0 or more, or -1
     * @return this
     */
    public S setMaxTaskRetries(int count) {
        options.maxTaskRetries = CallOptions.count("maxTaskRetries", count);
        return self();
    }

    /**
     * Sets how many calls one caller may have pending; -1: any number. Default: -1.
     *
     * @param count 1 or more, or -1; a call above it is a {@code PendingCallsLimitException}
     * @return this
     */
    public S setMaxPendingCalls(int count) {
        if (count == 0) {
            throw new InvalidArgumentException("maxPendingCalls is 0, which would allow no call; it is 1 or more, or -1 for"
                    + " any number");
        }
        options.maxPendingCalls = CallOptions.count("maxPendingCalls", count);
        return self();
    }

    /**
     * Sets how many calls may run at once; above 1 they run on threads, in any order. Default: 1.
     *
     * @param count 1 or more
     * @return this
     */
    public S setMaxConcurrency(int count) {
        options.maxConcurrency = Arguments.least("maxConcurrency", count, 1);
        return self();
    }

    /**
     * Declares a concurrency group: at most so many calls of it run at once, beside those of other groups. Methods join
     * one by {@link RemoteMethod#concurrencyGroup}, in Python by {@code @bow.method}; single calls by {@link
     * ActorCall#setConcurrencyGroup}.
     *
     * @param name not empty, and without "="
     * @param concurrency how many of its calls may run at once; 1 or more
     * @return this
     */
    public S setConcurrencyGroup(String name, int concurrency) {
        options.concurrencyGroups.put(Arguments.group("name", name), Arguments.least("concurrency", concurrency, 1));
        return self();
    }

    /**
     * Sets after how many calls the actor's state is saved, at the latest; its class implements {@link Checkpointed},
     * or in Python has the methods {@code save_checkpoint} and {@code restore_checkpoint}. The actor then loses no call
     * and applies none twice, whenever its process ends. It must have restarts, and runs one call at a time. Default:
     * no checkpoints.
     *
     * @param calls 1 or more
     * @return this
     */
    public S setCheckpointInterval(int calls) {
        options.checkpointInterval = Arguments.least("calls", calls, 1);
        return self();
    }

    /**
     * Sets extra flags of the JVM that runs the actor, as in "-Xmx2g". Default: none.
     *
     * @param flags as on a command line, apart by spaces
     * @return this
     */
    public S setJvmFlags(String flags) {
        options.jvmFlags = JvmFlags.checked("flags", flags);
        return self();
    }
}
