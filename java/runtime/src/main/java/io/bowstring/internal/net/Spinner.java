package io.bowstring.internal.net;

import java.io.IOException;
import java.nio.channels.Selector;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Waits that look again before they sleep.
 *
 * <p>Calls made in turn hand the work back and forth, and each side sleeps for less time than it takes to be woken and to
 * fill cold caches. So a wait that follows sixteen short ones looks for events without sleeping, for 100 us at most, and
 * lets others have this processor between two looks. The first wait that is in vain makes an end of it.
 *
 * <p>The environment variable {@code BOWSTRING_SPIN_US} sets the time; 0, or a machine with one processor: never.
 */
final class Spinner {
    private static final long SPIN_US_DEFAULT = 100;
    static final int SHORT_WAITS_MIN = 16;

    private final long spinNs;
    private int shortWaits;

    Spinner(long spinNs) {
        this.spinNs = spinNs;
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
        long started = System.nanoTime();
        if (spinNs > 0 && shortWaits >= SHORT_WAITS_MIN) {
            do {
                int ready = selector.selectNow();
                if (ready > 0 || otherwise.getAsBoolean()) {
                    return ready;
                }
                Thread.yield();
            } while (System.nanoTime() - started < spinNs);
            shortWaits = 0;
            return selector.select(timeoutMs);
        }
        int ready = selector.select(timeoutMs);
        if (ready > 0) {
            shortWaits = System.nanoTime() - started < spinNs ? shortWaits + 1 : 0;
        }
        return ready;
    }
}
