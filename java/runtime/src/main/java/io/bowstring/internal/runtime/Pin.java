package io.bowstring.internal.runtime;

import io.bowstring.internal.wire.Location;
import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A pin and who needs it: the reading of the value, then mappings that are reachable. It ends with the last of them; or
 * before that with the last share, if all views of the value were closed.
 */
final class Pin {
    private final HeldMemory memory;
    private final Cleaner cleaner;
    private final Location place;
    private final Runnable unpin;
    private boolean counted;
    private int mappings;
    private int shares;
    private boolean reading = true;
    private boolean shared;
    private boolean ended;

    /** A pin of what lies at a place; {@code unpin} is run once. */
    Pin(HeldMemory memory, Cleaner cleaner, Location place, Runnable unpin) {
        this.memory = memory;
        this.cleaner = cleaner;
        this.place = place;
        this.unpin = unpin;
    }

    synchronized void mapped(Object mapping) {
        if (!counted) {
            counted = true;
            memory.hold(place);
        }
        mappings++;
        cleaner.register(mapping, this::unmapped);
    }

    private synchronized void unmapped() {
        mappings--;
        endIfUnused();
    }

    synchronized Runnable share() {
        shares++;
        shared = true;
        AtomicBoolean closed = new AtomicBoolean();
        return () -> {
            if (closed.compareAndSet(false, true)) {
                unshare();
            }
        };
    }

    private synchronized void unshare() {
        shares--;
        endIfUnused();
    }

    synchronized void read(boolean well) {
        reading = false;
        if (!well) {
            mappings = 0; // nobody gets the value, or any view of it
        }
        endIfUnused();
    }

    private void endIfUnused() {
        if (!ended && !reading && (mappings <= 0 || shared && shares == 0)) {
            ended = true;
            if (counted) {
                memory.letGo(place);
            }
            unpin.run();
        }
    }
}
