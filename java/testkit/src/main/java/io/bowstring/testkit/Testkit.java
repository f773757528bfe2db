package io.bowstring.testkit;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.testkit.LeakLog;
import io.bowstring.internal.testkit.LocalRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A runtime inside this JVM, for unit tests: no Python, no other process, milliseconds to start. While it is open, all of
 * {@code Bowstring} works on it: tasks, actors, puts, streams.
 *
 * <pre>{@code
 * try (Testkit kit = Testkit.start()) {
 *     assertEquals(9, Bowstring.task(Squares::square, 3L).remote().get());
 * }
 * }</pre>
 *
 * <p>Arguments and results go through the encodings, methods are found and called, and errors travel as they do between
 * processes; so what a real runtime refuses is refused here. What is different: static fields are shared by the tests and all
 * tasks; a task can't be ended against its will, nor crash alone; there is no Python, and a call of it is an error.
 *
 * <p>A process has one runtime, so tests that have one can't run at the same time as others in the same JVM.
 */
public final class Testkit implements AutoCloseable {
    private final LocalRuntime runtime;
    private final Duration patience;
    private final boolean checkLeaks;
    private boolean closed;

    private Testkit(Builder builder) {
        runtime = new LocalRuntime(builder.resources.resources(), builder.namespace);
        patience = builder.patience;
        checkLeaks = builder.checkLeaks;
        runtime.start();
    }

    /**
     * Starts a runtime with everything as it is by default.
     *
     * @return the runtime, which is to be closed
     * @throws InvalidArgumentException if this process has a runtime already
     */
    public static Testkit start() {
        return builder().start();
    }

    /**
     * Settings to be filled in.
     *
     * @return a builder whose settings are all as they are by default
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Collects settings; every one has a default. A setter refuses what its parameter can't be with an
     * {@link InvalidArgumentException} that names it.
     */
    public static final class Builder {
        private final CallOptions resources = new CallOptions();
        private String namespace = "testkit";
        private Duration patience = Duration.ofSeconds(10);
        private boolean checkLeaks = true;

        private Builder() {
            resources.resource("CPU", 4);
        }

        /**
         * CPUs: how many tasks of one CPU run at once. Default: 4, on any machine.
         *
         * @param count 0 or more, to 1/10000
         * @return this
         */
        public Builder setNumCpus(double count) {
            resources.resource("CPU", count);
            return this;
        }

        /**
         * GPUs that tasks may ask for. Default: 0.
         *
         * @param count 0 or more, to 1/10000
         * @return this
         */
        public Builder setNumGpus(double count) {
            resources.resource("GPU", count);
            return this;
        }

        /**
         * A resource that tasks may ask for.
         *
         * @param name not empty
         * @param amount how much of it there is; 0 or more, to 1/10000
         * @return this
         */
        public Builder setResource(String name, double amount) {
            resources.resource(name, amount);
            return this;
        }

        /**
         * Namespace of named actors. Default: "testkit".
         *
         * @param namespace not empty
         * @return this
         */
        public Builder setNamespace(String namespace) {
            this.namespace = Arguments.text("namespace", namespace);
            return this;
        }

        /**
         * How long the end waits for tasks that were interrupted. Default: 10 s.
         *
         * @param patience zero or more
         * @return this
         */
        public Builder setPatience(Duration patience) {
            Arguments.nanos("patience", patience);
            this.patience = patience;
            return this;
        }

        /**
         * Whether {@link Testkit#close} fails if something was left open. Default: true.
         *
         * @param check false: only {@link Testkit#leaks} tells
         * @return this
         */
        public Builder setCheckLeaks(boolean check) {
            checkLeaks = check;
            return this;
        }

        /**
         * Starts the runtime.
         *
         * @return the runtime, which is to be closed
         * @throws InvalidArgumentException if this process has a runtime already
         */
        public Testkit start() {
            return new Testkit(this);
        }
    }

    /**
     * What is open now and must be closed: Arrow tables and tensors that were read, memory for tensors and tables that was
     * neither put nor given back, streams that were not read to their end; each with the stack of its allocation.
     * Arguments of tasks need not be closed: they go with the call.
     *
     * @return one entry for each, the oldest first
     */
    public List<Leak> leaks() {
        List<Leak> leaks = new ArrayList<>();
        for (LeakLog.Opened opened : runtime.open()) {
            leaks.add(new Leak(opened.what(), opened.stack()));
        }
        return leaks;
    }

    /**
     * Ends all tasks and actors, and waits for their threads.
     *
     * @throws LeakError if something was left open, or a task does not end when it is interrupted
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        List<Leak> leaks = checkLeaks ? leaks() : new ArrayList<>();
        for (Thread stuck : runtime.close(patience)) {
            leaks.add(new Leak("a task that was interrupted and does not end, on " + stuck.getName(),
                    Arrays.asList(stuck.getStackTrace())));
        }
        if (!leaks.isEmpty()) {
            throw new LeakError(leaks);
        }
    }
}
