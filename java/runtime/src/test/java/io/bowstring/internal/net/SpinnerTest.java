package io.bowstring.internal.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a wait looks again before it sleeps. */
class SpinnerTest {
    private static final long SPIN_NS = 100;
    private static final long LOOK_NS = 10; // what the clock goes on by between two questions

    private long now;
    private Selector selector;
    private Pipe pipe;

    @BeforeEach
    void open() throws IOException {
        selector = Selector.open();
        pipe = Pipe.open();
        pipe.source().configureBlocking(false);
        pipe.source().register(selector, SelectionKey.OP_READ);
    }

    @AfterEach
    void close() throws IOException {
        selector.close();
        pipe.source().close();
        pipe.sink().close();
    }

    private void send() throws IOException {
        pipe.sink().write(ByteBuffer.wrap(new byte[1]));
    }

    private void take() throws IOException {
        pipe.source().read(ByteBuffer.allocate(1));
        selector.selectedKeys().clear();
    }

    private long tick() {
        now += LOOK_NS;
        return now;
    }

    private Spinner afterShortWaits(long spinNs) throws IOException {
        Spinner spinner = new Spinner(spinNs, this::tick);
        find(spinner, Spinner.TRUST_MIN);
        return spinner;
    }

    private void find(Spinner spinner, int times) throws IOException {
        for (int i = 0; i < times; i++) {
            send();
            assertEquals(1, spinner.select(selector, 0, () -> false));
            take();
        }
    }

    /** How often the next wait looks for events before it sleeps. */
    private int looks(Spinner spinner) throws IOException {
        int[] asked = {0};
        assertEquals(0, spinner.select(selector, 1, () -> ++asked[0] < 0));
        return asked[0];
    }

    @Test
    void afterShortWaitsItAsksForOtherWorkAndDoesNotSleep() throws IOException {
        Spinner spinner = afterShortWaits(SPIN_NS);
        int[] asked = {0};
        assertEquals(0, spinner.select(selector, 0, () -> ++asked[0] == 3));
        assertEquals(3, asked[0]);
    }

    @Test
    void whatComesWhileItSpinsIsFound() throws IOException {
        Spinner spinner = afterShortWaits(SPIN_NS);
        int[] asked = {0};
        assertEquals(1, spinner.select(selector, 0, () -> {
            try {
                asked[0]++;
                send();
            } catch (IOException error) {
                throw new AssertionError(error);
            }
            return false;
        }));
        assertEquals(1, asked[0]);
    }

    @Test
    void spinningInVainEndsAfterItsTimeAndIsNotRepeated() throws IOException {
        Spinner spinner = afterShortWaits(SPIN_NS);
        assertEquals(SPIN_NS / LOOK_NS + 1, looks(spinner));
        assertEquals(0, looks(spinner));
    }

    @Test
    void afterManyLooksThatFoundSomethingSomeInVainAreForgiven() throws IOException {
        Spinner spinner = afterShortWaits(SPIN_NS);
        find(spinner, Spinner.TRUST_MAX);
        for (int i = 0; i < Spinner.TRUST_MAX / Spinner.VAIN_COST; i++) {
            assertTrue(looks(spinner) > 1);
        }
        assertEquals(0, looks(spinner));
    }

    @Test
    void aProcessorThatSomebodyElseTookEndsTheSpinning() throws IOException {
        Spinner spinner = afterShortWaits(TimeUnit.SECONDS.toNanos(1));
        int[] asked = {0};
        assertEquals(0, spinner.select(selector, 1, () -> {
            now += asked[0]++ == 2 ? TimeUnit.MILLISECONDS.toNanos(1) : 0;
            return false;
        }));
        assertEquals(4, asked[0]);
        assertEquals(0, looks(spinner));
    }

    @Test
    void aWaitThatSleptIsShortUpToAMultipleOfTheTimeOfALook() throws IOException {
        assertTrue(looksAfterWaitsOf((Spinner.SLEPT_SHORT - 1) * SPIN_NS) > 0);
        assertEquals(0, looksAfterWaitsOf(Spinner.SLEPT_SHORT * SPIN_NS));
    }

    private int looksAfterWaitsOf(long sleptNs) throws IOException {
        long[] step = {sleptNs};
        Spinner spinner = new Spinner(SPIN_NS, () -> now += step[0]);
        find(spinner, Spinner.TRUST_MIN);
        step[0] = LOOK_NS;
        return looks(spinner);
    }

    @Test
    void withoutATimeItNeverSpins() throws IOException {
        Spinner spinner = afterShortWaits(0);
        assertEquals(0, spinner.select(selector, 1, () -> {
            throw new AssertionError("asked");
        }));
    }
}
