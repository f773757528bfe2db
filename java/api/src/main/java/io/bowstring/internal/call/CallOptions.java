package io.bowstring.internal.call;

import io.bowstring.RuntimeEnvironment;
import io.bowstring.SchedulingStrategy;
import io.bowstring.errors.InvalidArgumentException;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a caller may say about a task or an actor; absent fields have the defaults that stand here. */
public final class CallOptions {
    public String name = "";
    public String namespace = "";
    public String jvmFlags = "";
    public String concurrencyGroup = "";
    public int maxRetries = 3;
    public @Nullable RetriedErrors retriedErrors;
    public Map<String, Integer> concurrencyGroups = new TreeMap<>();
    /** Where the actor's class is; null: it is none of Java's. */
    public @Nullable ClassLoader classLoader;
    public long timeoutMs;
    public int streamAhead = 16;
    public int maxCalls;
    public int maxRestarts;
    public int maxTaskRetries;
    public int maxPendingCalls = -1;
    public int maxConcurrency = 1;
    /** Calls after which an actor's state is saved; 0: never. */
    public int checkpointInterval;
    public @Nullable RuntimeEnvironment environment;
    public @Nullable SchedulingStrategy strategy;
    public boolean detached;
    public boolean sharedWorker;
    public boolean getIfExists;
    private final Map<String, Long> resources = new TreeMap<>();
    private boolean namesCpus;

    /** Options of a task, which takes one CPU unless it says otherwise. */
    public static CallOptions ofTask() {
        CallOptions options = new CallOptions();
        options.resource("CPU", 1);
        return options;
    }

    /** Options of an actor, which takes no CPU while it lives unless it says otherwise. */
    public static CallOptions ofActor() {
        return new CallOptions();
    }

    /** Sets an amount, to 1/10000. */
    public void resource(String resource, double amount) {
        Arguments.text("the resource's name", resource);
        long units = Amounts.units(resource, amount);
        namesCpus |= resource.equals("CPU");
        if (units == 0) {
            resources.remove(resource);
        } else {
            resources.put(resource, units);
        }
    }

    /** Tries errors again: those of some classes and their subclasses, or all if none is named. */
    public void retryOn(Collection<String> types) {
        retriedErrors = new RetriedErrors(Set.copyOf(types), Arguments.loader());
    }

    /** Tries all errors again, or none. */
    public void retryExceptions(boolean retry) {
        retriedErrors = retry ? new RetriedErrors(Set.of(), Arguments.loader()) : null;
    }

    /** A count that may be -1, for any number. */
    public static int count(String what, int value) {
        if (value < -1) {
            throw new InvalidArgumentException(what + " is " + value + "; it is a count, or -1 for any number");
        }
        return value;
    }

    /** The same options, to be changed apart from these. */
    public CallOptions copy() {
        CallOptions copy = new CallOptions();
        copy.name = name;
        copy.namespace = namespace;
        copy.jvmFlags = jvmFlags;
        copy.concurrencyGroup = concurrencyGroup;
        copy.maxRetries = maxRetries;
        copy.retriedErrors = retriedErrors;
        copy.concurrencyGroups.putAll(concurrencyGroups);
        copy.classLoader = classLoader;
        copy.timeoutMs = timeoutMs;
        copy.streamAhead = streamAhead;
        copy.maxCalls = maxCalls;
        copy.maxRestarts = maxRestarts;
        copy.maxTaskRetries = maxTaskRetries;
        copy.maxPendingCalls = maxPendingCalls;
        copy.maxConcurrency = maxConcurrency;
        copy.checkpointInterval = checkpointInterval;
        copy.environment = environment;
        copy.strategy = strategy;
        copy.detached = detached;
        copy.sharedWorker = sharedWorker;
        copy.getIfExists = getIfExists;
        copy.resources.putAll(resources);
        copy.namesCpus = namesCpus;
        return copy;
    }

    /** Whether a number of CPUs was set, be it 0. */
    public boolean namesCpus() {
        return namesCpus;
    }

    /** Amounts in 1/10000. */
    public Map<String, Long> resources() {
        return Map.copyOf(resources);
    }
}
