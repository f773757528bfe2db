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
    private static final long LONG_NS = TimeUnit.SECONDS.toNanos(5);

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

    private Spinner afterShortWaits(long spinNs) throws IOException {
        Spinner spinner = new Spinner(spinNs);
        for (int i = 0; i < Spinner.SHORT_WAITS_MIN; i++) {
            send();
            assertEquals(1, spinner.select(selector, 0, () -> false));
            take();
        }
        return spinner;
    }

    @Test
    void afterShortWaitsItAsksForOtherWorkAndDoesNotSleep() throws IOException {
        Spinner spinner = afterShortWaits(LONG_NS);
        int[] asked = {0};
        assertEquals(0, spinner.select(selector, 0, () -> ++asked[0] == 3));
        assertEquals(3, asked[0]);
    }

    @Test
    void whatComesWhileItSpinsIsFound() throws IOException {
        Spinner spinner = afterShortWaits(LONG_NS);
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
    void spinningInVainIsNotRepeated() throws IOException {
        // A long time to send the short waits, on the slowest machine, and it passes once in vain.
        Spinner spinner = afterShortWaits(TimeUnit.MILLISECONDS.toNanos(500));
        int[] asked = {0};
        assertEquals(0, spinner.select(selector, 1, () -> ++asked[0] < 0));
        assertTrue(asked[0] > 0);
        asked[0] = 0;
        assertEquals(0, spinner.select(selector, 1, () -> ++asked[0] < 0));
        assertEquals(0, asked[0]);
    }

    @Test
    void withoutATimeItNeverSpins() throws IOException {
        Spinner spinner = afterShortWaits(0);
        assertEquals(0, spinner.select(selector, 1, () -> {
            throw new AssertionError("asked");
        }));
    }
}
