package fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What Jazzer calls: the target that the property {@code fuzz.target} names, over the tables in {@code fuzz.tables}. */
public final class JazzerTarget {
    private static final Targets.Target TARGET = Targets.BY_NAME.get(System.getProperty("fuzz.target"));

    /** Called once. */
    public static void fuzzerInitialize() throws IOException, ReflectiveOperationException {
        Targets.useTables(Files.readAllLines(Path.of(System.getProperty("fuzz.tables"))));
    }

    /** Called with each input. */
    public static void fuzzerTestOneInput(byte[] data) throws Throwable {
        TARGET.run(data);
    }

    private JazzerTarget() {}
}
