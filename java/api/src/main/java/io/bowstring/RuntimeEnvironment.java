package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeEnvSetupException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.JvmFlags;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the processes of tasks and actors find around them (spec chapter 10): variables and a working directory; for Java
 * also jars and flags of the JVM, for Python modules and installed packages. It is given for a whole job, in {@link InitOptions}, or for single tasks and
 * actors; what they submit inherits it.
 *
 * <pre>{@code
 * RuntimeEnvironment trial = RuntimeEnvironment.builder().setVariable("STAGE", "trial").setPip(List.of("tomli==2.0.1")).build();
 * Bowstring.task(PyFunction.of("shop.models", "train", Double.class), data).setEnvironment(trial).remote();
 * }</pre>
 *
 * <p>A field that is not set is inherited. Variables are merged with the inherited ones. What can't be read is a
 * {@code RuntimeEnvSetupException} where the environment is first used.
 */
public final class RuntimeEnvironment {
    /** What puts packages into an environment. */
    public enum Installer {
        /** pip. */
        PIP,
        /** uv. */
        UV
    }

    /**
     * Packages that are installed.
     *
     * @param installer by what
     * @param requirements requirements, as its command line takes them; none: what is inherited is taken away
     * @param options further options of its command line
     * @param check whether the packages are checked for conflicts
     */
    public record Packages(Installer installer, List<String> requirements, List<String> options, boolean check) {
        /**
         * Lists that do not change, of texts of one line.
         *
         * @param installer by what; not null
         * @param requirements each of one line; copied
         * @param options each of one line; copied
         * @param check whether the packages are checked for conflicts
         * @throws InvalidArgumentException if a text is empty or has several lines
         */
        public Packages {
            Arguments.present("installer", installer);
            requirements = lines("requirements", requirements);
            options = lines("options", options);
        }

        private static List<String> lines(String what, List<String> texts) {
            Arguments.present(what, texts);
            for (int index = 0; index < texts.size(); index++) {
                String text = texts.get(index);
                if (text == null || text.isBlank() || text.contains("\n")) {
                    throw new InvalidArgumentException(what + "[" + index + "] is '" + text + "'; it is text of one line");
                }
            }
            return List.copyOf(texts);
        }
    }

    private final Map<String, String> variables;
    private final @Nullable String workingDirectory;
    private final @Nullable List<String> modules;
    private final List<String> excludes;
    private final @Nullable Packages packages;
    private final @Nullable Duration setupTimeout;
    private final @Nullable List<String> jars;
    private final @Nullable String jvmFlags;

    private RuntimeEnvironment(Builder builder) {
        variables = Map.copyOf(builder.variables);
        workingDirectory = builder.workingDirectory;
        modules = builder.modules == null ? null : List.copyOf(builder.modules);
        excludes = List.copyOf(builder.excludes);
        packages = builder.packages;
        setupTimeout = builder.setupTimeout;
        jars = builder.jars == null ? null : List.copyOf(builder.jars);
        jvmFlags = builder.jvmFlags.isEmpty() ? null : String.join(" ", builder.jvmFlags);
    }

    /**
     * An environment to be filled in; every field may be left out.
     *
     * @return a builder with nothing set
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Variables, by name.
     *
     * @return an unchangeable map, as it was set: "${NAME}" is not resolved
     */
    public Map<String, String> variables() {
        return variables;
    }

    /** {@return the folder or archive that becomes the working directory; empty: not set} */
    public Optional<String> workingDirectory() {
        return Optional.ofNullable(workingDirectory);
    }

    /**
     * Folders, files and archives that Python can import; empty: not set.
     *
     * @return absolute paths
     */
    public Optional<List<String>> modules() {
        return Optional.ofNullable(modules);
    }

    /** {@return the patterns of what is left out of folders} */
    public List<String> excludes() {
        return excludes;
    }

    /**
     * What is installed for Python; empty: not set.
     *
     * @return installer, requirements and options
     */
    public Optional<Packages> packages() {
        return Optional.ofNullable(packages);
    }

    /**
     * How long the installation may take; empty: not set.
     *
     * @return more than zero
     */
    public Optional<Duration> setupTimeout() {
        return Optional.ofNullable(setupTimeout);
    }

    /**
     * Jars and folders of classes for Java; empty: not set.
     *
     * @return absolute paths
     */
    public Optional<List<String>> jars() {
        return Optional.ofNullable(jars);
    }

    /**
     * Flags of the JVM, as a command line has them; empty: not set.
     *
     * @return the flags, apart by spaces
     */
    public Optional<String> jvmFlags() {
        return Optional.ofNullable(jvmFlags);
    }

    /**
     * Collects what an environment is to have. A setter refuses what its parameter can't be with an
     * {@link InvalidArgumentException} that names it.
     */
    public static final class Builder {
        private final Map<String, String> variables = new TreeMap<>();
        private final List<String> excludes = new ArrayList<>();
        private final List<String> jvmFlags = new ArrayList<>();
        private @Nullable String workingDirectory;
        private @Nullable List<String> modules;
        private @Nullable List<String> jars;
        private @Nullable Packages packages;
        private @Nullable Duration setupTimeout;

        private Builder() {}

        /**
         * Sets a variable of the process's environment, before it starts.
         *
         * @param name not empty, without "="
         * @param value its value; "${NAME}" stands for what the runtime's own process has of NAME
         * @return this
         * @throws InvalidArgumentException if name or value can't be a variable's
         */
        public Builder setVariable(String name, String value) {
            if (name == null || name.isEmpty() || name.contains("=") || name.contains("\0")) {
                throw new InvalidArgumentException("name is '" + name + "'; it is the name of a variable");
            }
            if (Arguments.present("the value of " + name, value).contains("\0")) {
                throw new InvalidArgumentException("the value of " + name + " holds a zero character");
            }
            variables.put(name, value);
            return this;
        }

        /**
         * Sets a folder or .zip archive that is copied when it is first used; the copy is the current folder of tasks,
         * and the first place where Python looks for modules.
         *
         * @param path a path of this machine; read when the environment is first used
         * @return this
         */
        public Builder setWorkingDirectory(Path path) {
            workingDirectory = absolute("path", path);
            return this;
        }

        /**
         * Adds a folder with a module's name, a .py file, a .zip archive or a wheel, which Python can import.
         *
         * @param path a path of this machine; read when the environment is first used
         * @return this
         */
        public Builder addModule(Path path) {
            if (modules == null) {
                modules = new ArrayList<>();
            }
            modules.add(absolute("path", path));
            return this;
        }

        /**
         * Adds a jar or a folder of classes for Java workers, which look there before they look in the driver's class
         * path.
         *
         * @param path a path of this machine; read when the environment is first used
         * @return this
         */
        public Builder addJar(Path path) {
            if (jars == null) {
                jars = new ArrayList<>();
            }
            jars.add(absolute("path", path));
            return this;
        }

        /**
         * Leaves out of folders what a pattern covers, written as in a .gitignore file.
         *
         * @param pattern not empty
         * @return this
         */
        public Builder addExclude(String pattern) {
            excludes.add(Arguments.text("pattern", pattern));
            return this;
        }

        /**
         * Sets requirements that pip installs for Python; none: what is inherited is taken away.
         *
         * @param requirements as pip's command line takes them, each of one line
         * @return this
         */
        public Builder setPip(List<String> requirements) {
            return setPackages(new Packages(Installer.PIP, requirements, List.of(), false));
        }

        /**
         * Sets requirements that uv installs for Python; none: what is inherited is taken away.
         *
         * @param requirements as uv's command line takes them, each of one line
         * @return this
         */
        public Builder setUv(List<String> requirements) {
            return setPackages(new Packages(Installer.UV, requirements, List.of(), false));
        }

        /**
         * Sets what is installed for Python, with the installer's options. Requirements that are relative paths are
         * those of the current folder.
         *
         * @param packages replaces what was set before
         * @return this
         */
        public Builder setPackages(Packages packages) {
            this.packages = packages(Arguments.present("packages", packages), Path.of(""));
            return this;
        }

        /**
         * Sets that what a requirements file names is installed for Python. It is read now.
         *
         * @param installer what installs them
         * @param file a text of one requirement a line; relative paths in it start at its folder
         * @return this
         * @throws RuntimeEnvSetupException if it can't be read
         */
        public Builder setRequirementsFile(Installer installer, Path file) {
            List<String> found = new ArrayList<>();
            try {
                for (String line : Files.readAllLines(Arguments.present("file", file))) {
                    String requirement = line.split(" #", 2)[0].strip();
                    if (!requirement.isEmpty() && !requirement.startsWith("#")) {
                        found.add(requirement);
                    }
                }
            } catch (IOException error) {
                throw new RuntimeEnvSetupException("the requirements file " + file + " can't be read: " + error, error);
            }
            Path folder = file.toAbsolutePath().resolveSibling("");
            packages = packages(new Packages(installer, found, List.of(), false), folder);
            return this;
        }

        private static Packages packages(Packages given, Path folder) {
            List<String> requirements = given.requirements.stream()
                    .map(each -> !each.contains("://")
                            && (each.startsWith("./") || each.startsWith("../") || each.endsWith(".whl"))
                            ? folder.resolve(each).toAbsolutePath().normalize().toString()
                            : each)
                    .toList();
            return new Packages(given.installer, requirements, given.options, given.check);
        }

        /**
         * Sets how long the installation may take. Default: 10 minutes.
         *
         * @param limit above zero
         * @return this
         * @throws InvalidArgumentException if it is not
         */
        public Builder setSetupTimeout(Duration limit) {
            if (Arguments.nanos("limit", limit) == 0) {
                throw new InvalidArgumentException("limit is " + limit + "; it is above zero");
            }
            setupTimeout = limit;
            return this;
        }

        /**
         * Sets how many bytes the heap of a JVM may have. Default: the JVM's own.
         *
         * @param bytes 2 MiB or more
         * @return this
         * @throws InvalidArgumentException if it is less
         */
        public Builder setJvmHeap(long bytes) {
            if (bytes < 2L << 20) {
                throw new InvalidArgumentException("bytes is " + bytes + "; a heap has 2 MiB at least");
            }
            jvmFlags.removeIf(flag -> flag.startsWith("-Xmx"));
            jvmFlags.add("-Xmx" + bytes);
            return this;
        }

        /**
         * Adds a flag of the JVM, as in "-XX:+UseG1GC". Flags of a task's own come behind it.
         *
         * @param flag one flag, without spaces
         * @return this
         * @throws InvalidArgumentException if there is a space in it
         */
        public Builder addJvmFlag(String flag) {
            if (JvmFlags.words("flag", Arguments.text("flag", flag)).size() != 1) {
                throw new InvalidArgumentException(
                        "flag is '" + flag + "'; give each flag by itself, and put blanks into quotation marks");
            }
            jvmFlags.add(flag);
            return this;
        }

        private static String absolute(String what, Path path) {
            String text = Arguments.present(what, path).toString();
            // A Path makes one slash of the two of an address.
            if (text.matches("[a-z][a-z0-9+.-]+:/.*")) {
                throw new InvalidArgumentException(what + " is " + text + "; it is a path on this machine, and no address:"
                        + " download it first");
            }
            return text.startsWith("package:") ? text : path.toAbsolutePath().normalize().toString();
        }

        /**
         * The environment.
         *
         * @return an environment that does not change with this builder
         */
        public RuntimeEnvironment build() {
            return new RuntimeEnvironment(this);
        }
    }
}
