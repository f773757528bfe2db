package io.bowstring.internal.net;

import java.io.IOException;
import java.nio.channels.Selector;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Waits that look again before they sleep.
 *
 * <p>Calls made in turn hand the work back and forth, and each side sleeps for less time than it takes to be woken and to
 * fill cold caches. So a wait looks for events without sleeping, for 100 us at most, where that has a chance, and lets
 * others have this processor between two looks. Trust says whether it has: short waits earn it, and so do looks that found
 * something; a look in vain costs as much as sixteen of them earn, and so does one meanwhile somebody else had the
 * processor, because then to sleep is better for all; a long wait costs all. What a wait that sleeps took
 * is no measure of what a look would take, since both sides' waking is in it: so it counts as short up to three times the
 * time of a look.
 *
 * <p>The environment variable {@code BOWSTRING_SPIN_US} sets the time; 0, or a machine with one processor: never.
 */
final class Spinner {
    private static final long SPIN_US_DEFAULT = 100;
    static final int SLEPT_SHORT = 3;
    static final int TRUST_MIN = 16;
    static final int TRUST_MAX = 64;
    static final int VAIN_COST = 16;
    private static final long CROWDED_NS = TimeUnit.MICROSECONDS.toNanos(50);

    private final long spinNs;
    private final LongSupplier clock;
    private int trust;

    /**
     * @param spinNs for how long a wait may spin; 0: not at all
     * @param clock nanoseconds, as of {@link System#nanoTime}
     */
    Spinner(long spinNs, LongSupplier clock) {
        this.spinNs = spinNs;
        this.clock = clock;
    }

    /** For how long a wait may spin in this process, in nanoseconds; 0: not at all. */
    static long configuredNs() {
        if (Runtime.getRuntime().availableProcessors() < 2) {
            return 0;
        }
        String wanted = System.getenv("BOWSTRING_SPIN_US");
        try {
            return wanted == null
                    ? TimeUnit.MICROSECONDS.toNanos(SPIN_US_DEFAULT)
                    : Math.max(0, (long) (Double.parseDouble(wanted) * 1000));
        } catch (NumberFormatException error) {
            return TimeUnit.MICROSECONDS.toNanos(SPIN_US_DEFAULT);
        }
    }

    /**
     * Waits for channels to be ready.
     *
     * @param timeoutMs how long to sleep at most; 0: any time
     * @param otherwise true: there is something else to do. It is asked while this spins, not while it sleeps
     * @return how many are ready
     */
    int select(Selector selector, long timeoutMs, BooleanSupplier otherwise) throws IOException {
        long started = clock.getAsLong();
        if (spinNs > 0 && trust >= TRUST_MIN) {
            long looked = started;
            while (true) {
                int ready = selector.selectNow();
                long now = clock.getAsLong();
                if (now - looked > CROWDED_NS || now - started > spinNs) {
                    trust -= VAIN_COST;
                    return ready > 0 || otherwise.getAsBoolean() ? ready : selector.select(timeoutMs);
                }
                if (ready > 0) {
                    trust = Math.min(trust + 1, TRUST_MAX);
                    return ready;
                }
                if (otherwise.getAsBoolean()) {
                    return 0;
                }
                looked = now;
                Thread.yield();
            }
        }
        int ready = selector.select(timeoutMs);
        if (ready > 0) {
            trust = clock.getAsLong() - started < SLEPT_SHORT * spinNs ? Math.min(trust + 1, TRUST_MAX) : 0;
        }
        return ready;
    }
}
