package io.bowstring.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.internal.wire.Location;
import java.lang.ref.Cleaner;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HeldMemoryTest {
    private static final Location LARGE = new Location(1, 0, 0, 1L << 30);
    private static final Location OTHER = new Location(1, 0, 1L << 30, 1L << 30);

    private final AtomicInteger collections = new AtomicInteger();
    private final CountDownLatch collected = new CountDownLatch(1);
    private final HeldMemory held = new HeldMemory(Cleaner.create(), () -> {
        collections.incrementAndGet();
        collected.countDown();
    });

    @AfterEach
    void close() {
        held.close();
    }

    @Test
    void whatAReferenceAndItsViewsKeepCountsOnceAndUntilTheLastLetsGo() {
        held.hold(LARGE);
        held.hold(LARGE);
        held.hold(OTHER);
        assertEquals(2L << 30, held.bytes());
        held.letGo(LARGE);
        assertEquals(2L << 30, held.bytes());
        held.letGo(LARGE);
        assertEquals(1L << 30, held.bytes());
        held.letGo(OTHER);
        assertEquals(0, held.bytes());
    }

    @Test
    void aLargeValueIsNoReasonToCollectBeforeAnotherOneComes() throws InterruptedException {
        held.hold(LARGE);
        held.hold(LARGE);
        assertFalse(collected.await(50, TimeUnit.MILLISECONDS));
        held.hold(OTHER);
        assertTrue(collected.await(60, TimeUnit.SECONDS));
    }

    @Test
    void nothingIsCollectedBeforeItHasGrownByMuchAgain() {
        held.hold(LARGE);
        held.collectIfDue();
        assertEquals(1, collections.get());
        held.collectIfDue();
        assertEquals(1, collections.get());
    }
}
