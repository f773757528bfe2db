package io.bowstring.internal.worker;

import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.log.WorkerLogging;
import java.nio.file.Path;

/** Program of a Java worker: {@code WorkerMain <session folder> <slot>}. */
public final class WorkerMain {
    private WorkerMain() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: WorkerMain <session folder> <slot>; the node starts workers");
            System.exit(2);
        }
        WorkerLogging.install();
        try {
            Worker.start(Path.of(arguments[0]), Long.parseLong(arguments[1]));
        } catch (RuntimeStoppedException over) {
            System.exit(0); // the runtime has ended while this JVM started: that is nobody's error
        }
    }
}
