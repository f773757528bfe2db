package io.bowstring.internal.worker;

import io.bowstring.errors.RuntimeStoppedException;
import java.nio.file.Path;

/** Program of a Java worker: {@code WorkerMain <session folder> <slot>}. */
public final class WorkerMain {
    private WorkerMain() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: WorkerMain <session folder> <slot>; the node starts workers");
            System.exit(2);
        }
        if (System.getProperty("slf4j.internal.verbosity") == null) {
            System.setProperty("slf4j.internal.verbosity", "ERROR"); // Arrow logs through it, and nobody has to listen
        }
        try {
            Worker.start(Path.of(arguments[0]), Long.parseLong(arguments[1]));
        } catch (RuntimeStoppedException over) {
            System.exit(0); // the runtime has ended while this JVM started: that is nobody's error
        }
    }
}
