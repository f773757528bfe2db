package io.bowstring.internal.arrow;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Says once, in the log, that a table was read and never closed. Its memory is let go of all the same, by the end of its
 * mapping; but only when the collector comes, which does not know how much that is. Arguments of calls are not asked for:
 * they go with the call.
 */
public final class ForgottenTables {
    private static final Logger LOGGER = System.getLogger(ForgottenTables.class.getName());
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicBoolean TOLD = new AtomicBoolean();

    private ForgottenTables() {}

    /** Watches a table; {@code closed} is set when it is closed. */
    public static void watch(Object table, AtomicBoolean closed) {
        if (!TOLD.get()) {
            CLEANER.register(table, () -> tell(closed));
        }
    }

    static void tell(AtomicBoolean closed) {
        if (!closed.get() && TOLD.compareAndSet(false, true)) {
            LOGGER.log(
                    Level.WARNING,
                    "a table that was read was not closed, and has kept its memory in the store until it was garbage;"
                            + " close what get() returns, as by try (ArrowValue table = ref.get()); bowstring-testkit tells"
                            + " where a forgotten one was read. Others like it are not told of");
        }
    }
}
