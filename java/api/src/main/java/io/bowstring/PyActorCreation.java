package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.util.List;

/** An actor in Python that is about to be made. */
public final class PyActorCreation {
    private final PyActorClass type;
    private final List<?> arguments;
    private final CallOptions options = CallOptions.ofActor();

    PyActorCreation(PyActorClass type, List<?> arguments) {
        this.type = type;
        this.arguments = Bowstring.unwrap(arguments);
    }

    /** Sets the actor's name, by which others find it; it must not be taken. Default: none. */
    public PyActorCreation setName(String name) {
        options.name = Arguments.text("name", name);
        return this;
    }

    /** Sets the namespace of the name. Default: the driver's. */
    public PyActorCreation setNamespace(String namespace) {
        options.namespace = Arguments.text("namespace", namespace);
        return this;
    }

    /** Sets whether an actor that has the name already is returned, rather than an error. Default: false. */
    public PyActorCreation setGetIfExists(boolean get) {
        options.getIfExists = get;
        return this;
    }

    /** Sets how many CPUs the actor takes while it lives. Default: 0. */
    public PyActorCreation setNumCpus(double count) {
        options.resource("CPU", count);
        return this;
    }

    /** Sets how many GPUs the actor takes while it lives. Default: 0. */
    public PyActorCreation setNumGpus(double count) {
        options.resource("GPU", count);
        return this;
    }

    /** Sets how much of a resource the actor takes while it lives, to 1/10000. Default: 0. */
    public PyActorCreation setResource(String name, double amount) {
        options.resource(name, amount);
        return this;
    }

    /** Sets how often the actor is started again after its process ended; -1: any number. Default: 0. */
    public PyActorCreation setMaxRestarts(int count) {
        options.maxRestarts = CallOptions.count("maxRestarts", count);
        return this;
    }

    /** Sets how often a call may be made again after the process ended; -1: any number. Default: 0. */
    public PyActorCreation setMaxTaskRetries(int count) {
        options.maxTaskRetries = CallOptions.count("maxTaskRetries", count);
        return this;
    }

    /** Sets how many calls one caller may have pending; -1: any number. Default: -1. */
    public PyActorCreation setMaxPendingCalls(int count) {
        options.maxPendingCalls = CallOptions.count("maxPendingCalls", count);
        return this;
    }

    /** Sets how many calls may run at once; above 1 they run on threads, in any order. Default: 1. */
    public PyActorCreation setMaxConcurrency(int count) {
        if (count < 1) {
            throw new InvalidArgumentException("maxConcurrency is " + count + "; it is at least 1");
        }
        options.maxConcurrency = count;
        return this;
    }

    /** Sets whether the actor lives until it is killed, rather than until its last handle is gone. Default: false. */
    public PyActorCreation setDetached(boolean detached) {
        options.detached = detached;
        return this;
    }

    /** Makes the actor. The handle can be used at once; calls wait until the constructor is done. */
    public PyActorHandle remote() {
        return (PyActorHandle) Bowstring.link().create(type.descriptor(), "", arguments, options);
    }
}
