package io.bowstring.internal.runtime;

import io.bowstring.internal.wire.Location;
import java.lang.ref.Cleaner;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Memory of the store that objects of this heap keep: references and views. They are small, so the collector sees no reason
 * to run while the memory behind them grows; when it has grown by much, the collector is told: before more is asked for,
 * because memory that this process wrote before is warm, but never for more than a fifth of the time.
 *
 * <p>What lies in one place counts once, however many references and views keep it: more of them are no reason to collect.
 */
final class HeldMemory {
    private static final long COLLECT_AFTER_BYTES = 128L << 20;
    private static final int COLLECT_COST_MAX = 4; // of its time as much must pass before the next collection
    private static final long COLLECTION_WAIT_MS = 500;

    /** A Location as a key; the first use of a record's own methods takes the JVM 10 ms, and may be in a first read. */
    private static final class Place {
        private final long segment;
        private final long offset;

        Place(Location location) {
            segment = location.segment();
            offset = location.offset();
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Place place && segment == place.segment && offset == place.offset;
        }

        @Override
        public int hashCode() {
            return 31 * Long.hashCode(segment) + Long.hashCode(offset);
        }
    }

    private final Cleaner cleaner;
    private final Runnable tell;
    private final Map<Place, Integer> keepers = new HashMap<>();
    private volatile long bytes;
    private volatile long bytesAfterCollection;
    private volatile long nextCollectionNs = System.nanoTime();
    private final ThreadPoolExecutor collector = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(),
            work -> {
                Thread thread = new Thread(work, "bowstring-gc");
                thread.setDaemon(true);
                return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy()); // once the runtime is over nothing is worth a collection

    /**
     * Nothing is held yet.
     *
     * @param cleaner which lets go of what is unreachable
     * @param tell waits for a release that is under way, and tells the node of all that was let go of
     */
    HeldMemory(Cleaner cleaner, Runnable tell) {
        this.cleaner = cleaner;
        this.tell = tell;
    }

    /** Bytes that are held. */
    long bytes() {
        return bytes;
    }

    /** A reference or view keeps what lies there, until {@link #letGo}. */
    void hold(Location place) {
        synchronized (keepers) {
            if (keepers.merge(new Place(place), 1, Integer::sum) > 1) {
                return;
            }
            if (isCollectionDue()) { // by what was held before: nothing of the newest is garbage yet
                collector.execute(this::collectIfDue);
            }
            bytes += place.length();
        }
    }

    /** One that kept it does so no more. */
    void letGo(Location place) {
        synchronized (keepers) {
            Place known = new Place(place);
            if (keepers.merge(known, -1, Integer::sum) == 0) {
                keepers.remove(known);
                bytes -= place.length();
            }
        }
    }

    private boolean isCollectionDue() {
        long base = bytesAfterCollection;
        return bytes - base > Math.max(COLLECT_AFTER_BYTES, base / 2) && System.nanoTime() - nextCollectionNs > 0;
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
        tell.run();
        bytesAfterCollection = bytes;
        long end = System.nanoTime();
        nextCollectionNs = end + COLLECT_COST_MAX * (end - start);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Collects soon, whatever was held: memory that was unmapped is free only then. */
    void collectSoon() {
        collector.execute(System::gc);
    }

    void close() {
        collector.shutdown();
    }
}
