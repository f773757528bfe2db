package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.runtime.Arguments;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How {@link Bowstring#init(InitOptions)} starts a runtime, or which one it joins. */
public final class InitOptions {
    final String address;
    final double numCpus;
    final int numGpus;
    final Map<String, Double> resources;
    final long objectStoreMemory;
    final String namespace;
    final List<String> classPath;
    final List<String> pythonPath;
    final boolean logToDriver;

    private InitOptions(Builder builder) {
        address = builder.address;
        numCpus = builder.numCpus;
        numGpus = builder.numGpus;
        resources = Map.copyOf(builder.resources);
        objectStoreMemory = builder.objectStoreMemory;
        namespace = builder.namespace;
        classPath = List.copyOf(builder.classPath);
        pythonPath = List.copyOf(builder.pythonPath);
        logToDriver = builder.logToDriver;
    }

    /** Options to be filled in. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects options; every one has a default. */
    public static final class Builder {
        private String address = "";
        private double numCpus = -1;
        private int numGpus;
        private final Map<String, Double> resources = new LinkedHashMap<>();
        private long objectStoreMemory;
        private String namespace = "";
        private List<String> classPath = ownClassPath();
        private List<String> pythonPath = List.of("");
        private boolean logToDriver = true;

        private Builder() {}

        private static List<String> ownClassPath() {
            return Arrays.stream(System.getProperty("java.class.path", "").split(File.pathSeparator))
                    .filter(entry -> !entry.isEmpty())
                    .map(entry -> Path.of(entry).toAbsolutePath().toString())
                    .toList();
        }

        /** The runtime to join: the path of its session's folder, or "auto" for the one that runs. Default: start one. */
        public Builder setAddress(String address) {
            this.address = Arguments.text("address", address);
            return this;
        }

        /** CPUs of a runtime that is started. Default: those of the machine. */
        public Builder setNumCpus(double count) {
            numCpus = amount("numCpus", count);
            return this;
        }

        /** GPUs of a runtime that is started. Default: 0. */
        public Builder setNumGpus(int count) {
            numGpus = (int) amount("numGpus", count);
            return this;
        }

        /** A resource of a runtime that is started. */
        public Builder setResource(String name, double amount) {
            resources.put(Arguments.text("name", name), amount("the amount of " + name, amount));
            return this;
        }

        /** Bytes of the object store of a runtime that is started. Default: a part of the machine's memory. */
        public Builder setObjectStoreMemory(long bytes) {
            objectStoreMemory = (long) amount("objectStoreMemory", bytes);
            return this;
        }

        /** Namespace of this driver's named actors. Default: one of its own. */
        public Builder setNamespace(String namespace) {
            this.namespace = Arguments.text("namespace", namespace);
            return this;
        }

        /** Jars and folders where Java workers look for classes, first first. Default: this program's class path. */
        public Builder setClassPath(List<String> entries) {
            classPath = new ArrayList<>(Arguments.present("entries", entries));
            return this;
        }

        /** Folders where Python workers look for modules, first first. Default: the working directory. */
        public Builder setPythonPath(List<String> folders) {
            pythonPath = new ArrayList<>(Arguments.present("folders", folders));
            return this;
        }

        /** Whether what workers print is printed here too. Default: true. */
        public Builder setLogToDriver(boolean log) {
            logToDriver = log;
            return this;
        }

        private static double amount(String what, double value) {
            if (!(value >= 0)) {
                throw new InvalidArgumentException(what + " is " + value + "; it is 0 or more");
            }
            return value;
        }

        /** The options. */
        public InitOptions build() {
            return new InitOptions(this);
        }
    }
}
