package io.bowstring.internal.runtime;

import java.lang.ref.Cleaner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory of the store that objects of this heap keep. They are small, so the collector sees no reason to run while the
 * memory behind them grows; when it has grown by much, the collector is told: before more is asked for, because memory that
 * this process wrote before is warm, but never for more than a fifth of the time.
 */
final class HeldMemory {
    private static final long COLLECT_AFTER_BYTES = 128L << 20;
    private static final int COLLECT_COST_MAX = 4; // of its time as much must pass before the next collection
    private static final long COLLECTION_WAIT_MS = 500;

    private final Session session;
    private final Cleaner cleaner;
    private final AtomicLong heldBytes = new AtomicLong();
    private volatile long heldAfterCollection;
    private volatile long nextCollectionNs = System.nanoTime();
    private final ThreadPoolExecutor collector = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(),
            work -> {
                Thread thread = new Thread(work, "bowstring-gc");
                thread.setDaemon(true);
                return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy()); // once the runtime is over nothing is worth a collection

    HeldMemory(Session session, Cleaner cleaner) {
        this.session = session;
        this.cleaner = cleaner;
    }

    /** So many bytes more are kept. */
    void hold(long bytes) {
        if (isCollectionDue()) { // by what was held before: nothing of the newest is garbage yet
            collector.execute(this::collectIfDue);
        }
        heldBytes.addAndGet(bytes);
    }

    /** So many bytes are kept no more. */
    void letGo(long bytes) {
        heldBytes.addAndGet(-bytes);
    }

    private boolean isCollectionDue() {
        long base = heldAfterCollection;
        return heldBytes.get() - base > Math.max(COLLECT_AFTER_BYTES, base / 2)
                && System.nanoTime() - nextCollectionNs > 0;
    }

    void collectIfDue() {
        if (isCollectionDue()) {
            synchronized (collector) {
                if (isCollectionDue()) {
                    collect();
                }
            }
        }
    }

    /** Lets go of what is unreachable, and waits until the node has been told. */
    void collect() {
        long start = System.nanoTime();
        CountDownLatch collected = new CountDownLatch(1);
        cleaner.register(new Object(), collected::countDown);
        System.gc();
        boolean interrupted = false;
        try {
            collected.await(COLLECTION_WAIT_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            interrupted = true;
        }
        session.locked(() -> {}); // a release that runs has ended
        session.node().flushChanges();
        session.reactor().flush();
        heldAfterCollection = heldBytes.get();
        long end = System.nanoTime();
        nextCollectionNs = end + COLLECT_COST_MAX * (end - start);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Has the collector run soon, because what it finds is wanted elsewhere. */
    void collectSoon() {
        collector.execute(System::gc);
    }

    void close() {
        collector.shutdown();
    }
}
