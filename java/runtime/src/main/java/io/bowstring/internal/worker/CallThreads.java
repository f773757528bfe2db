package io.bowstring.internal.worker;

import io.bowstring.internal.net.VirtualThreads;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;

/** Virtual threads for the calls of one group of a concurrent actor: one for each call, so many at once at most. */
final class CallThreads {
    private static final Set<Thread> RUNNING = ConcurrentHashMap.newKeySet();

    private final ThreadFactory factory;
    private final Semaphore free;

    CallThreads(String name, int atOnce) {
        factory = VirtualThreads.factory(name);
        free = new Semaphore(atOnce);
    }

    /** Starts a call, once there may be one more; calls start in the order in which this is called. */
    void run(Runnable call) {
        free.acquireUninterruptibly();
        Thread thread = factory.newThread(() -> {
            try {
                call.run();
            } finally {
                RUNNING.remove(Thread.currentThread());
                free.release();
            }
        });
        RUNNING.add(thread);
        thread.start();
    }

    /** The virtual threads that run calls now, which the JVM does not list. */
    static Set<Thread> running() {
        return RUNNING;
    }
}
