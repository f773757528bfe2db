package io.bowstring.internal.value;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Hears of views that users must close. In a program nobody listens, and a view that is forgotten lets go when it is
 * garbage, of which the log is told once; the testkit listens, and tells where the forgotten one was read.
 */
public final class ViewWatch {
    /** Who wants to know of views. */
    @FunctionalInterface
    public interface Listener {
        /** A view is made, and not lent; what this returns is run in place of {@code release} when it lets go. */
        Runnable opened(String what, Runnable release);
    }

    private static volatile @Nullable Listener listener;

    private static final ThreadLocal<Boolean> LENDING = ThreadLocal.withInitial(() -> false);

    private ViewWatch() {}

    /** Reads what nobody has to close, as the arguments of a call, which go with it. */
    public static <T> T lend(Supplier<T> read) {
        boolean outer = LENDING.get();
        LENDING.set(true);
        try {
            return read.get();
        } finally {
            if (!outer) {
                LENDING.remove();
            }
        }
    }

    /** Whether what this thread reads now is lent. */
    public static boolean isLending() {
        return LENDING.get();
    }

    /** Sets who listens in this process; null: nobody. */
    public static void listen(@Nullable Listener wanted) {
        listener = wanted;
    }

    /** What a view that is made now runs when it lets go of its memory. */
    public static Runnable opened(String what, Runnable release) {
        Listener listens = listener;
        return listens == null || isLending() ? release : listens.opened(what, release);
    }
}
