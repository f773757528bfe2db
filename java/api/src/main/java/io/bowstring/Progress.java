package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.ProgressNote;
import java.util.Collection;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * How far something has come, from tasks and actors too: the driver shows the bars of all workers, in lines on its standard
 * error: one when a bar begins, one every five seconds, and one at its end.
 *
 * <pre>{@code
 * for (Path file : Progress.over(files, "loading")) {
 *     ...
 * }
 * try (Progress bar = Progress.of("counting", 1_000_000).setUnit("rows")) {
 *     ...
 *     bar.update(500);
 * }
 * }</pre>
 *
 * <p>A worker that ends takes its bars with it. All methods may be called from any thread.
 */
public final class Progress implements AutoCloseable {
    /** At most so often for one bar; spec section 8.4, rule 2, allows 20 times a second. */
    private static final long TELL_NS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final AtomicLong BARS = new AtomicLong();

    private final RuntimeLink link = Bowstring.link();
    private final long bar = BARS.incrementAndGet();
    private final String description;
    private final long total;
    private String unit = "";
    private long done;
    private boolean over;
    private boolean told;
    private long nextNs;

    private Progress(String description, long total) {
        this.description = Arguments.present("description", description);
        this.total = total;
        if (total < 0) {
            throw new InvalidArgumentException("total is " + total + "; it is 0 or more, and 0 if it is not known");
        }
    }

    /**
     * A bar that {@link #update} moves on.
     *
     * @param description what is counted, for people
     * @param total how many there are; 0: unknown
     * @return the bar, which is shown with its first update, and to be closed
     * @throws InvalidArgumentException if the total is negative
     */
    public static Progress of(String description, long total) {
        return new Progress(description, total);
    }

    /**
     * Items with a bar that shows how many of them were taken. It ends with them; to be gone through once.
     *
     * @param <T> type of the items
     * @param items what is gone through; a collection has a total
     * @param description what is counted, for people
     * @return the same items, to be gone through once
     */
    public static <T extends @Nullable Object> Iterable<T> over(Iterable<T> items, String description) {
        int total = Arguments.present("items", items) instanceof Collection<?> collection ? collection.size() : 0;
        Progress bar = of(description, total);
        return () -> {
            Iterator<T> from = items.iterator();
            bar.tell();
            return new Iterator<>() {
                private boolean taken;

                @Override
                public boolean hasNext() {
                    finishItem();
                    boolean more = from.hasNext();
                    if (!more) {
                        bar.close();
                    }
                    return more;
                }

                @Override
                public T next() {
                    finishItem();
                    T item = from.next();
                    taken = true;
                    return item;
                }

                private void finishItem() {
                    if (taken) {
                        taken = false;
                        bar.update(1);
                    }
                }
            };
        };
    }

    /**
     * Sets what is counted in, as "rows". Default: things.
     *
     * @param unit not null
     * @return this
     */
    public synchronized Progress setUnit(String unit) {
        this.unit = Arguments.present("unit", unit);
        return this;
    }

    /** {@return how many are done} */
    public synchronized long done() {
        return done;
    }

    /** One more is done. */
    public void update() {
        update(1);
    }

    /**
     * So many more are done.
     *
     * @param count 0 or more
     * @throws InvalidArgumentException if it is negative
     */
    public void update(long count) {
        if (count < 0) {
            throw new InvalidArgumentException("count is " + count + "; it is 0 or more");
        }
        synchronized (this) {
            done += count;
            if (over || told && System.nanoTime() - nextNs < 0) {
                return;
            }
        }
        tell();
    }

    /** It is over; what comes after changes nothing. */
    @Override
    public void close() {
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
        }
        tell();
    }

    private void tell() {
        ProgressNote note;
        synchronized (this) {
            told = true;
            nextNs = System.nanoTime() + TELL_NS;
            note = new ProgressNote(0, "", bar, description, unit, total, done, over);
        }
        link.progress(note);
    }
}
