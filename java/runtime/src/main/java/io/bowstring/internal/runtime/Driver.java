package io.bowstring.internal.runtime;

import io.bowstring.RuntimeEnvironment;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.NodeDiedException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.call.ProgressView;
import io.bowstring.internal.call.StartOptions;
import io.bowstring.internal.value.TableFormat;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.LogLines;
import io.bowstring.internal.wire.Progress;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.Shutdown;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A driver: starts the node or finds one, joins it, and ends what it started. */
public final class Driver {
    private static final Logger LOGGER = System.getLogger(Driver.class.getName());
    private static final long END_MS = 10_000;
    /** The variable in which a node finds the library of its JVMs. */
    private static final String LIBRARY = "BOWSTRING_JAVA_JAR";
    private static final Pattern SESSION = Pattern.compile("\"session\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final Session session;
    private final @Nullable Process node;
    private final @Nullable ProgressView view;
    private final @Nullable Thread hook;

    private Driver(Session session, @Nullable Process node, @Nullable ProgressView view) {
        this.session = session;
        this.node = node;
        this.view = view;
        Thread made = new Thread(this::end, "bowstring-shutdown");
        try {
            Runtime.getRuntime().addShutdownHook(made);
        } catch (IllegalStateException exiting) {
            made = null;
        }
        hook = made;
    }

    public Session session() {
        return session;
    }

    public static Driver start(StartOptions options) {
        Process node = null;
        try {
            Path folder;
            DriverClasses classes = new DriverClasses(Driver.class.getClassLoader());
            List<String> program;
            if (options.address().isEmpty()) {
                node = launch(options, classes);
                boolean isLibraryOurs = System.getenv(LIBRARY) == null;
                program = classes.program(options.classPath(), isLibraryOurs); // while the node starts
                TableFormat.FOUND.guard();
                folder = announced(node);
            } else {
                program = classes.program(options.classPath(), false);
                TableFormat.FOUND.guard();
                folder = options.address().equals("auto") ? newest() : Path.of(options.address());
                if (!Files.exists(folder.resolve("token"))) {
                    throw new InvalidArgumentException(folder + " is no session's folder; pass the path of one, or"
                            + " \"auto\" for the newest");
                }
                if (!takesConnections(folder)) {
                    throw new NodeDiedException("nobody listens in " + folder + ": that runtime has ended");
                }
            }
            Hello hello = new Hello();
            hello.role = Role.DRIVER;
            hello.ownsRuntime = node != null;
            hello.namespace = options.namespace();
            hello.classPath = program;
            hello.workingDirectory = Path.of("").toAbsolutePath().toString();
            hello.pythonPath = options.pythonPath().stream()
                    .map(each -> Path.of(each).toAbsolutePath().toString())
                    .toList();
            boolean log = options.logToDriver();
            ProgressView view = new ProgressView(System.err);
            Session session = Session.connect(folder, hello, made -> {}, frame -> {
                if (log) {
                    other(frame, view);
                }
            }, why -> {});
            Driver driver = new Driver(session, node, log ? view : null);
            RuntimeEnvironment environment = options.environment();
            if (environment != null) {
                try {
                    session.environments().startJob(environment);
                } catch (RuntimeException error) {
                    driver.close();
                    throw error;
                }
            }
            return driver;
        } catch (IOException error) {
            destroy(node);
            throw new RuntimeStoppedException("the runtime can't be started or reached: " + error.getMessage(), error);
        } catch (RuntimeException error) {
            destroy(node);
            throw error;
        }
    }

    private static void destroy(@Nullable Process node) {
        if (node != null) {
            node.destroy();
        }
    }

    private static Process launch(StartOptions options, DriverClasses classes) throws IOException {
        String python = System.getenv().getOrDefault("BOWSTRING_PYTHON", "python3");
        List<String> command = new ArrayList<>(List.of(python, "-m", "bowstring_core.node",
                "--owner", Long.toString(ProcessHandle.current().pid())));
        if (options.numCpus() >= 0) {
            command.addAll(List.of("--num-cpus", Double.toString(options.numCpus())));
        }
        if (options.numGpus() > 0) {
            command.addAll(List.of("--num-gpus", Integer.toString(options.numGpus())));
        }
        if (!options.resources().isEmpty()) {
            command.addAll(List.of("--resources", json(options.resources())));
        }
        if (options.objectStoreMemory() > 0) {
            command.addAll(List.of("--object-store-memory", Long.toString(options.objectStoreMemory())));
        }
        command.addAll(options.nodeArguments());
        if (!options.namespace().isEmpty()) {
            command.addAll(List.of("--namespace", options.namespace()));
        }
        ProcessBuilder builder = new ProcessBuilder(command);
        // Java workers run the library that their driver runs, unless the user names another.
        String library = classes.library();
        if (!library.isEmpty()) {
            builder.environment().putIfAbsent(LIBRARY, library);
        }
        // They run on the same JVM too: an older one could not load the driver's classes.
        Path home = Path.of(System.getProperty("java.home"));
        if (Files.isExecutable(home.resolve("bin").resolve("java"))) {
            builder.environment().putIfAbsent("BOWSTRING_JAVA_HOME", home.toString());
        }
        // The node keeps its standard error only until it has announced itself, so what comes there is why it failed.
        try {
            return builder.start();
        } catch (IOException error) {
            throw new RuntimeStoppedException("the node is a Python program, and " + python + " can't be run ("
                    + error.getMessage() + "); install Python and `pip install bowstring`, or name the interpreter in"
                    + " BOWSTRING_PYTHON", error);
        }
    }

    private static String json(Map<String, Double> resources) {
        List<String> entries = new ArrayList<>();
        resources.forEach((name, amount) ->
                entries.add("\"" + name.replace("\\", "\\\\").replace("\"", "\\\"") + "\": " + amount));
        return "{" + String.join(", ", entries) + "}";
    }

    private static Path announced(Process node) throws IOException {
        String line = readLine(node.getInputStream());
        Matcher match = SESSION.matcher(line);
        if (match.find()) {
            return Path.of(match.group(1).replace("\\\"", "\"").replace("\\\\", "\\"));
        }
        String said = new String(node.getErrorStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (said.contains("No module named 'bowstring_core'") || said.contains("No module named bowstring_core")) {
            said += "\nThe runtime's core is not installed in that Python: `pip install bowstring`, or name an"
                    + " interpreter that has it in BOWSTRING_PYTHON";
        }
        throw new RuntimeStoppedException("the node did not start: " + (said.isEmpty() ? line : said));
    }

    private static String readLine(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int each; (each = in.read()) >= 0 && each != '\n'; ) {
            line.append((char) each);
        }
        return line.toString();
    }

    /** The newest session of this user that takes connections. */
    private static Path newest() throws IOException {
        for (Path root : roots()) {
            if (!Files.isDirectory(root)) {
                continue;
            }
            try (Stream<Path> folders = Files.list(root)) {
                List<Path> found = folders.filter(Driver::takesConnections)
                        .sorted(Comparator.comparingLong((Path each) -> each.toFile().lastModified()).reversed())
                        .toList();
                if (!found.isEmpty()) {
                    return found.get(0);
                }
            }
        }
        throw new InvalidArgumentException("no runtime of this user was found on this machine; start one with"
                + " Bowstring.init(), or name its session's folder");
    }

    /** Whether a node listens there, be its queue full or not. */
    private static boolean takesConnections(Path folder) {
        Path socket = folder.resolve("node.sock");
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.configureBlocking(false); // else it waits for as long as the queue of a node that hangs is full
            channel.connect(UnixDomainSocketAddress.of(socket));
            return true;
        } catch (ConnectException | BindException | IllegalArgumentException nobodyOrDenied) {
            return false;
        } catch (IOException missingOrFull) { // Java 17 throws where later ones say that the connection is pending
            return Files.exists(socket);
        }
    }

    private static List<Path> roots() throws IOException {
        Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        for (String variable : new String[] {"BOWSTRING_TMP", "XDG_RUNTIME_DIR"}) {
            String place = System.getenv(variable);
            if (place != null && !place.isEmpty()) {
                return List.of(Path.of(place, "bowstring-" + uid), Path.of("/tmp", "bowstring-" + uid));
            }
        }
        return List.of(Path.of("/tmp", "bowstring-" + uid));
    }

    /** Shows how far something in this process has come. */
    void progress(ProgressNote note) {
        if (view != null) {
            view.show(note);
        }
    }

    private static void other(Frame frame, ProgressView view) {
        if (frame.type() == FrameType.PROGRESS) {
            Progress said = Progress.decode(frame.metadata());
            view.show(new ProgressNote(
                    said.pid, said.name, said.bar, said.description, said.unit, said.total, said.done, said.over));
        } else if (frame.type() == FrameType.LOG_LINES) {
            LogLines lines = LogLines.decode(frame.metadata());
            PrintStream target = lines.stream == 2 ? System.err : System.out;
            for (String line : lines.text.split("\n")) {
                target.println("(" + lines.name + " pid=" + lines.pid + ") " + line);
            }
        }
    }

    /** Leaves the runtime, and ends it if it is this process's. */
    public void close() {
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException exiting) {
                LOGGER.log(Level.TRACE, "the JVM ends anyway", exiting);
            }
        }
        end();
    }

    private void end() {
        Process owned = node;
        if (owned != null && session.ended() == null) {
            Shutdown shutdown = new Shutdown();
            shutdown.reason = "the driver shut the runtime down";
            try {
                session.send(shutdown);
            } catch (BowstringException error) {
                LOGGER.log(Level.DEBUG, "the node is gone already", error);
            }
        }
        if (owned != null) {
            boolean interrupted = false;
            try {
                if (!owned.waitFor(END_MS, TimeUnit.MILLISECONDS)) {
                    owned.destroyForcibly();
                }
            } catch (InterruptedException error) {
                interrupted = true;
                owned.destroyForcibly();
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        session.close();
    }
}
