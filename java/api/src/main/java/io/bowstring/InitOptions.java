package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.ProgramClassPath;
import io.bowstring.internal.call.StartOptions;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How {@link Bowstring#init(InitOptions)} starts a runtime, or which one it joins. */
public final class InitOptions {
    private final String address;
    private final double numCpus;
    private final int numGpus;
    private final Map<String, Double> resources;
    private final long objectStoreMemory;
    private final String spillDirectory;
    private final long spillBytesMax;
    private final long memoryReserve;
    private final String namespace;
    private final List<String> classPath;
    private final List<String> pythonPath;
    private final boolean logToDriver;
    private final Level loggingLevel;
    private final @Nullable RuntimeEnvironment environment;

    private InitOptions(Builder builder) {
        address = builder.address;
        numCpus = builder.numCpus;
        numGpus = builder.numGpus;
        resources = Map.copyOf(builder.resources);
        objectStoreMemory = builder.objectStoreMemory;
        spillDirectory = builder.spillDirectory;
        spillBytesMax = builder.spillBytesMax;
        memoryReserve = builder.memoryReserve;
        namespace = builder.namespace;
        classPath = List.copyOf(builder.classPath);
        pythonPath = List.copyOf(builder.pythonPath);
        logToDriver = builder.logToDriver;
        loggingLevel = builder.loggingLevel;
        environment = builder.environment;
    }

    StartOptions startOptions() {
        return new StartOptions(address, numCpus, numGpus, resources, objectStoreMemory, nodeArguments(), namespace,
                classPath, pythonPath, logToDriver, environment);
    }

    /** What the node is told besides; nothing where nothing was said. */
    private List<String> nodeArguments() {
        List<String> arguments = new ArrayList<>();
        if (!spillDirectory.isEmpty()) {
            arguments.addAll(List.of("--spill-directory", Path.of(spillDirectory).toAbsolutePath().toString()));
        }
        if (spillBytesMax >= 0) {
            arguments.addAll(List.of("--spill-bytes-max", Long.toString(spillBytesMax)));
        }
        if (memoryReserve >= 0) {
            arguments.addAll(List.of("--memory-reserve", Long.toString(memoryReserve)));
        }
        if (loggingLevel.getSeverity() <= Level.DEBUG.getSeverity()) {
            arguments.addAll(List.of("--log-level", "DEBUG"));
        }
        return arguments;
    }

    /**
     * Options to be filled in.
     *
     * @return a builder whose options are all as they are by default
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Collects options; every one has a default. A setter refuses what its parameter can't be with an
     * {@link InvalidArgumentException} that names it.
     */
    public static final class Builder {
        private String address = "";
        private double numCpus = -1;
        private int numGpus;
        private final Map<String, Double> resources = new LinkedHashMap<>();
        private long objectStoreMemory;
        private String spillDirectory = "";
        private long spillBytesMax = -1;
        private long memoryReserve = -1;
        private String namespace = "";
        private List<String> classPath = ProgramClassPath.entries();
        private List<String> pythonPath = List.of("");
        private boolean logToDriver = true;
        private Level loggingLevel = Level.INFO;
        private @Nullable RuntimeEnvironment environment;

        private Builder() {}

        /**
         * The runtime to join: the path of its session's folder, or "auto" for the one that runs. Default: start one.
         *
         * @param address not empty
         * @return this
         */
        public Builder setAddress(String address) {
            this.address = Arguments.text("address", address);
            return this;
        }

        /**
         * CPUs of a runtime that is started. Default: those of the machine.
         *
         * @param count 0 or more; how many tasks of one CPU run at once
         * @return this
         */
        public Builder setNumCpus(double count) {
            numCpus = amount("numCpus", count);
            return this;
        }

        /**
         * GPUs of a runtime that is started. Default: 0.
         *
         * @param count 0 or more
         * @return this
         */
        public Builder setNumGpus(int count) {
            numGpus = (int) amount("numGpus", count);
            return this;
        }

        /**
         * A resource of a runtime that is started.
         *
         * @param name the resource, of any name; not empty
         * @param amount how much of it there is; 0 or more
         * @return this
         */
        public Builder setResource(String name, double amount) {
            resources.put(Arguments.text("name", name), amount("the amount of " + name, amount));
            return this;
        }

        /**
         * Bytes of the object store of a runtime that is started. Default: a part of the machine's memory.
         *
         * @param bytes 0 or more; 0: the default
         * @return this
         */
        public Builder setObjectStoreMemory(long bytes) {
            objectStoreMemory = (long) amount("objectStoreMemory", bytes);
            return this;
        }

        /**
         * Folder on the disk that takes what the store has no room for; its files have no names, and go with the node.
         * Default: the session's folder, or /var/tmp if that is in memory.
         *
         * @param folder a path, relative ones to the working directory; not empty
         * @return this
         */
        public Builder setSpillDirectory(String folder) {
            spillDirectory = Arguments.text("folder", folder);
            return this;
        }

        /**
         * Bytes that may be on disk; 0: nothing goes there. Default: all but the last 512 MiB of the disk.
         *
         * @param bytes 0 or more
         * @return this
         */
        public Builder setSpillBytesMax(long bytes) {
            spillBytesMax = (long) amount("spillBytesMax", bytes);
            return this;
        }

        /**
         * Bytes that the machine must keep available: when there are less, the task that uses most memory ends with an
         * OutOfMemoryException. 0: no such guard. Default: 128 MiB.
         *
         * @param bytes 0 or more
         * @return this
         */
        public Builder setMemoryReserve(long bytes) {
            memoryReserve = (long) amount("memoryReserve", bytes);
            return this;
        }

        /**
         * Namespace of this driver's named actors. Default: one of its own.
         *
         * @param namespace not empty
         * @return this
         */
        public Builder setNamespace(String namespace) {
            this.namespace = Arguments.text("namespace", namespace);
            return this;
        }

        /**
         * Jars and folders where Java workers look for classes, first first. Default: this program's class path.
         *
         * @param entries paths, copied
         * @return this
         */
        public Builder setClassPath(List<String> entries) {
            classPath = new ArrayList<>(Arguments.present("entries", entries));
            return this;
        }

        /**
         * Folders where Python workers look for modules, first first. Default: the working directory.
         *
         * @param folders paths, copied; "" stands for the working directory
         * @return this
         */
        public Builder setPythonPath(List<String> folders) {
            pythonPath = new ArrayList<>(Arguments.present("folders", folders));
            return this;
        }

        /**
         * Whether what workers print is printed here too. Default: true.
         *
         * @param log false: what they print is in the session's log files alone
         * @return this
         */
        public Builder setLogToDriver(boolean log) {
            logToDriver = log;
            return this;
        }

        /**
         * How much the log of a node that is started tells: with DEBUG, who comes and goes. What this process itself
         * logs is configured as for any {@code System.Logger}, under the names below "io.bowstring". Default: INFO.
         *
         * @param level DEBUG or below tells more; others are as INFO
         * @return this
         */
        public Builder setLoggingLevel(Level level) {
            loggingLevel = Arguments.present("level", level);
            return this;
        }

        /**
         * What the processes of this driver's tasks and actors find around them. Default: nothing of its own.
         *
         * @param environment what tasks and actors inherit; not null
         * @return this
         */
        public Builder setEnvironment(RuntimeEnvironment environment) {
            this.environment = Arguments.present("environment", environment);
            return this;
        }

        private static double amount(String what, double value) {
            if (!(value >= 0)) {
                throw new InvalidArgumentException(what + " is " + value + "; it is 0 or more");
            }
            return value;
        }

        /**
         * The options.
         *
         * @return options that do not change with this builder
         */
        public InitOptions build() {
            return new InitOptions(this);
        }
    }
}
