package cross;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;

/** Code that ends badly, each in a way of its own. */
public final class Enders {
    private static final List<long[]> HOARD = new ArrayList<>();

    /** An actor that can end its process. */
    public Enders() {}

    /** Has a static initializer that fails. */
    static final class Broken {
        static final int VALUE = Integer.parseInt("no number");

        private Broken() {}
    }

    /** A list that can't be read. */
    static final class Unreadable extends AbstractList<Object> {
        @Override
        public Object get(int index) {
            throw new AssertionError("never to be read");
        }

        @Override
        public int size() {
            return 1;
        }
    }

    public static void exit(int status) {
        System.exit(status);
    }

    /** Ends the process, in which a shutdown hook never ends. */
    public static void exitWithoutEnd(int status) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            while (true) {
                LockSupport.park();
            }
        }));
        System.exit(status);
    }

    public static void halt(int status) {
        Runtime.getRuntime().halt(status);
    }

    public void leave() {
        System.exit(0);
    }

    public long processId() {
        return ProcessHandle.current().pid();
    }

    public static long fillHeap() {
        while (true) {
            HOARD.add(new long[1 << 20]);
        }
    }

    public static long hoarded() {
        return HOARD.size();
    }

    public static long fall(long depth) {
        return fall(depth + 1) + 1;
    }

    public static int broken() {
        return Broken.VALUE;
    }

    public static Object unreadable() {
        return new Unreadable();
    }

    public static void missing() {
        throw new NoClassDefFoundError("shop/Missing");
    }

    public static long elsewhere() throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        Thread thread = new Thread(() -> {
            try {
                throw new IllegalStateException("in a thread of its own");
            } finally {
                ended.countDown();
            }
        }, "apart");
        thread.start();
        ended.await();
        thread.join();
        return 5;
    }

    /** Heeds no interrupt. */
    public static void deaf(String until) {
        while (!Files.exists(Path.of(until))) {
            Thread.onSpinWait();
        }
    }

    public static long pid() {
        return ProcessHandle.current().pid();
    }
}
