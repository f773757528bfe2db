package cross;

import java.nio.file.Files;
import java.nio.file.Path;

/** A task that waits until a file is there. */
public final class Sleeper {
    private Sleeper() {}

    public static int waitFor(String path) throws InterruptedException {
        while (!Files.exists(Path.of(path))) {
            Thread.sleep(1);
        }
        return 1;
    }
}
