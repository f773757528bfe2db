package cross;

import io.bowstring.Bowstring;
import java.nio.file.Files;
import java.nio.file.Path;

/** An actor that shares its process with others. */
public final class Neighbour {
    private static int made;

    private long value;

    /** One more. */
    public Neighbour() {
        synchronized (Neighbour.class) {
            made++;
        }
    }

    public long add(long amount) {
        value += amount;
        return value;
    }

    public long processId() {
        return ProcessHandle.current().pid();
    }

    public int made() {
        return made;
    }

    public String actorId() {
        return Bowstring.getRuntimeContext().actorId();
    }

    /** Runs until the file is there, or it is interrupted. */
    public void stay(String started, String until) throws Exception {
        Files.createFile(Path.of(started));
        while (!Files.exists(Path.of(until))) {
            Thread.sleep(1);
        }
    }

    public void leave() {
        Bowstring.exitActor();
    }

    public void exit() {
        System.exit(1);
    }
}
