package io.bowstring.internal.log;

import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Where the three ways to log meet in a worker: SLF4J (by {@link WorkerLogProvider}), System.Logger (by the JDK) and
 * java.util.logging itself end in one line on the worker's error stream, "WARN shop.Orders: no price for 7", which goes to
 * the driver as everything on that stream does.
 *
 * <p>It is installed by system properties, which cost nothing until somebody logs; and only in workers, so that a driver's
 * own binding is never met. A worker whose flags name a configuration of their own keeps that. The levels are SLF4J's;
 * what is below INFO is not shown, unless code sets the level of a java.util.logging logger.
 */
public final class WorkerLogging {
    private static final String PROVIDER = "slf4j.provider";
    private static final String CLASS = "java.util.logging.config.class";
    private static final String FILE = "java.util.logging.config.file";

    /** Arrow tells at INFO how it was set up. Kept, since a logger that nobody refers to forgets its level. */
    private static @Nullable Logger arrow;

    /** Made by java.util.logging with the first logger of a worker. */
    public WorkerLogging() {
        Logger root = Logger.getLogger("");
        for (Handler each : root.getHandlers()) {
            root.removeHandler(each);
        }
        Handler handler = new ConsoleHandler();
        handler.setLevel(Level.ALL);
        handler.setFormatter(new Line());
        root.addHandler(handler);
        root.setLevel(Level.INFO);
        arrow = Logger.getLogger("org.apache.arrow");
        arrow.setLevel(Level.WARNING);
    }

    /** Names these classes to those who look for them. */
    public static void install() {
        if (System.getProperty(CLASS) == null && System.getProperty(FILE) == null) {
            System.setProperty(CLASS, WorkerLogging.class.getName());
        }
        if (System.getProperty(PROVIDER) == null) {
            System.setProperty(PROVIDER, WorkerLogProvider.class.getName());
        }
        if (System.getProperty("slf4j.internal.verbosity") == null) {
            System.setProperty("slf4j.internal.verbosity", "ERROR");
        }
    }

    /** The job's classes have an SLF4J and a binding of their own, which must not be given ours. */
    public static void yield() {
        if (WorkerLogProvider.class.getName().equals(System.getProperty(PROVIDER))) {
            System.clearProperty(PROVIDER);
        }
    }

    /** SLF4J's name of a level. */
    static String name(Level level) {
        int value = level.intValue();
        return value >= Level.SEVERE.intValue() ? "ERROR"
                : value >= Level.WARNING.intValue() ? "WARN"
                : value >= Level.INFO.intValue() ? "INFO"
                : value >= Level.FINE.intValue() ? "DEBUG" : "TRACE";
    }

    private static final class Line extends Formatter {
        @Override
        public String format(LogRecord record) {
            StringBuilder line = new StringBuilder(name(record.getLevel())).append(' ')
                    .append(record.getLoggerName()).append(": ").append(formatMessage(record)).append('\n');
            Throwable thrown = record.getThrown();
            if (thrown != null) {
                java.io.StringWriter text = new java.io.StringWriter();
                thrown.printStackTrace(new java.io.PrintWriter(text, true));
                line.append(text);
            }
            return line.toString();
        }
    }
}
