package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.Progress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Tasks that are looked at, and tasks that tell how far they are. */
public final class Watched {
    private Watched() {}

    /** Makes a file and waits until another one is there. */
    public static int until(String began, String end, int value) throws Exception {
        Files.createFile(Path.of(began));
        while (!Files.exists(Path.of(end))) {
            Thread.onSpinWait();
        }
        return value;
    }

    public static String runsAs() {
        return Bowstring.getRuntimeContext().taskName();
    }

    /** Waits in its own code for a value. */
    public static int inside(List<ObjectRef<Integer>> refs) {
        return refs.get(0).get();
    }

    public static byte[] filled(int size) {
        return new byte[size];
    }

    public static int plus(int value, int more) {
        return value + more;
    }

    public static int count(List<Integer> numbers) {
        int sum = 0;
        for (int number : Progress.over(numbers, "adding up")) {
            sum += number;
        }
        return sum;
    }

    /** Ends its process with a bar that is not over. */
    public static void unfinished() throws InterruptedException {
        Progress.of("never done", 10).setUnit("rows").update(3);
        new CountDownLatch(1).await();
    }
}
