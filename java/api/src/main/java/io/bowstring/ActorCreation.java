package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.io.Serializable;
import java.util.List;

/**
 * An actor in Java that is about to be made.
 *
 * @param <A> the actor's class
 */
public final class ActorCreation<A> {
    private final FunctionDescriptor type;
    private final String constructor;
    private final List<?> arguments;
    private final CallOptions options = CallOptions.ofActor();

    private ActorCreation(FunctionDescriptor type, String constructor, List<?> arguments) {
        this.type = type;
        this.constructor = constructor;
        this.arguments = Bowstring.unwrap(arguments);
    }

    static <A> ActorCreation<A> of(Serializable constructor, List<?> arguments) {
        MethodReference method = MethodReference.of(constructor);
        if (!method.methodName().equals("<init>")) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is no constructor; pass one, as in Foo::new");
        }
        ActorCreation<A> creation =
                new ActorCreation<>(method.descriptorOf(), method.methodName() + method.descriptor(), arguments);
        creation.options.classLoader = constructor.getClass().getClassLoader();
        return creation;
    }

    /**
     * Declares a concurrency group: at most so many calls of it run at once, beside those of other groups. Methods join one
     * by {@link RemoteMethod#concurrencyGroup}, single calls by {@link ActorCall#setConcurrencyGroup}.
     */
    public ActorCreation<A> setConcurrencyGroup(String name, int concurrency) {
        options.concurrencyGroups.put(Arguments.text("name", name), Arguments.positive("concurrency", concurrency));
        return this;
    }

    /** Sets the actor's name, by which others find it; it must not be taken. Default: none. */
    public ActorCreation<A> setName(String name) {
        options.name = Arguments.text("name", name);
        return this;
    }

    /** Sets the namespace of the name. Default: the driver's. */
    public ActorCreation<A> setNamespace(String namespace) {
        options.namespace = Arguments.text("namespace", namespace);
        return this;
    }

    /** Sets whether an actor that has the name already is returned, rather than an error. Default: false. */
    public ActorCreation<A> setGetIfExists(boolean get) {
        options.getIfExists = get;
        return this;
    }

    /** Sets how many CPUs the actor takes while it lives. Default: 0. */
    public ActorCreation<A> setNumCpus(double count) {
        options.resource("CPU", count);
        return this;
    }

    /** Sets how many GPUs the actor takes while it lives. Default: 0. */
    public ActorCreation<A> setNumGpus(double count) {
        options.resource("GPU", count);
        return this;
    }

    /** Sets how much of a resource the actor takes while it lives, to 1/10000. Default: 0. */
    public ActorCreation<A> setResource(String name, double amount) {
        options.resource(name, amount);
        return this;
    }

    /** Sets how often the actor is started again after its process ended; -1: any number. Default: 0. */
    public ActorCreation<A> setMaxRestarts(int count) {
        options.maxRestarts = CallOptions.count("maxRestarts", count);
        return this;
    }

    /** Sets how often a call may be made again after the process ended; -1: any number. Default: 0. */
    public ActorCreation<A> setMaxTaskRetries(int count) {
        options.maxTaskRetries = CallOptions.count("maxTaskRetries", count);
        return this;
    }

    /** Sets how many calls one caller may have pending; -1: any number. Default: -1. */
    public ActorCreation<A> setMaxPendingCalls(int count) {
        options.maxPendingCalls = CallOptions.count("maxPendingCalls", count);
        return this;
    }

    /** Sets how many calls may run at once; above 1 they run on threads, in any order. Default: 1. */
    public ActorCreation<A> setMaxConcurrency(int count) {
        if (count < 1) {
            throw new InvalidArgumentException("maxConcurrency is " + count + "; it is at least 1");
        }
        options.maxConcurrency = count;
        return this;
    }

    /** Sets whether the actor lives until it is killed, rather than until its last handle is gone. Default: false. */
    public ActorCreation<A> setDetached(boolean detached) {
        options.detached = detached;
        return this;
    }

    /** Sets extra flags of the JVM that runs the actor, as in "-Xmx2g". Default: none. */
    public ActorCreation<A> setJvmFlags(String flags) {
        options.jvmFlags = flags;
        return this;
    }

    /** Makes the actor. The handle can be used at once; calls wait until the constructor is done. */
    @SuppressWarnings("unchecked")
    public ActorHandle<A> remote() {
        return (ActorHandle<A>) Bowstring.link().create(type, constructor, arguments, options);
    }
}
