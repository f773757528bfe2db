package io.bowstring.internal.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The threads of one runtime, all of which end with it. */
final class Threads {
    private final Set<Thread> alive = ConcurrentHashMap.newKeySet();
    private final List<ExecutorService> pools = new ArrayList<>();
    private final ScheduledExecutorService timer;

    Threads() {
        timer = Executors.newSingleThreadScheduledExecutor(factory("bowstring-timer"));
    }

    private ThreadFactory factory(String name) {
        AtomicInteger count = new AtomicInteger();
        return work -> thread(name + "-" + count.incrementAndGet(), work);
    }

    private Thread thread(String name, Runnable work) {
        Thread thread = new Thread(null, () -> {
            try {
                work.run();
            } finally {
                alive.remove(Thread.currentThread());
            }
        }, name);
        thread.setDaemon(true);
        alive.add(thread);
        return thread;
    }

    /** As many threads as there is work for. */
    synchronized ExecutorService pool(String name) {
        ExecutorService pool = Executors.newCachedThreadPool(factory(name));
        pools.add(pool);
        return pool;
    }

    /** So many threads, that stay. */
    synchronized ExecutorService pool(int size, String name) {
        ExecutorService pool = Executors.newFixedThreadPool(size, factory(name));
        pools.removeIf(ExecutorService::isTerminated);
        pools.add(pool);
        return pool;
    }

    void run(String name, Runnable work) {
        thread(name, work).start();
    }

    void later(long delayMs, Runnable action) {
        timer.schedule(action, delayMs, TimeUnit.MILLISECONDS);
    }

    /** Interrupts all threads and waits for their ends; those that have not ended by then are returned. */
    List<Thread> close(Duration patience) {
        timer.shutdownNow();
        synchronized (this) {
            pools.forEach(ExecutorService::shutdownNow);
        }
        long deadline = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        for (Thread thread : List.copyOf(alive)) {
            if (thread == Thread.currentThread() || interrupted) {
                continue;
            }
            thread.interrupt(); // constructors belong to no pool
            try {
                thread.join(Math.max(1, (deadline - System.nanoTime()) / 1_000_000));
            } catch (InterruptedException error) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return alive.stream().filter(Thread::isAlive).filter(each -> each != Thread.currentThread()).toList();
    }
}
