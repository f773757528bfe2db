package io.bowstring.internal.value;

import org.jspecify.annotations.Nullable;

/**
 * Hears of views that users must close. In a program nobody listens, and a view that is forgotten lets go when it is
 * garbage; the testkit listens, and tells where the forgotten one was read.
 */
public final class ViewWatch {
    /** Who wants to know of views. */
    @FunctionalInterface
    public interface Listener {
        /** A view is made; what this returns is run in place of {@code release} when it lets go of its memory. */
        Runnable opened(String what, Runnable release);
    }

    private static volatile @Nullable Listener listener;

    private ViewWatch() {}

    /** Sets who listens in this process; null: nobody. */
    public static void listen(@Nullable Listener wanted) {
        listener = wanted;
    }

    /** What a view that is made now runs when it lets go of its memory. */
    public static Runnable opened(String what, Runnable release) {
        Listener listens = listener;
        return listens == null ? release : listens.opened(what, release);
    }
}
