package io.bowstring.internal.arrow;

import org.apache.arrow.memory.AllocationManager;
import org.apache.arrow.memory.BufferLedger;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.memory.rounding.RoundingPolicy;

/** The allocator of an arena: by it {@link WriteGuard} knows the vectors of a table that was put. */
final class ArenaAllocator extends RootAllocator {
    private final ArenaLife life;

    ArenaAllocator(AllocationManager.Factory memory, ArenaLife life) {
        super(RootAllocator.configBuilder()
                .allocationManagerFactory(memory)
                .roundingPolicy(new Exact())
                .build());
        this.life = life;
    }

    /** Whether a buffer's memory is that of a table that was put. */
    static boolean isSealed(ReferenceManager memory) {
        return memory instanceof BufferLedger ledger
                && ledger.getAllocator().getRoot() instanceof ArenaAllocator arena
                && arena.life.isSealed();
    }

    /** Buffers take what they need; the arena aligns them itself. */
    private static final class Exact implements RoundingPolicy {
        @Override
        public long getRoundedSize(long requestSize) {
            return requestSize;
        }
    }
}
