package io.bowstring.internal.call;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProgressViewTest {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private long now;
    private final ProgressView view =
            new ProgressView(new PrintStream(out, true, StandardCharsets.UTF_8), () -> now);

    private void tell(long pid, long bar, long done, boolean over) {
        view.show(new ProgressNote(pid, "worker", bar, "bar " + bar, "", 0, done, over));
    }

    @Test
    void aBarIsALineAtItsBeginAtItsEndAndNowAndThen() {
        tell(0, 1, 0, false);
        tell(0, 1, 1, false);
        now += TimeUnit.SECONDS.toNanos(4);
        tell(0, 1, 2, false);
        tell(0, 2, 0, false);
        now += TimeUnit.SECONDS.toNanos(1);
        tell(0, 1, 3, false);
        tell(0, 1, 4, true);
        assertEquals("bar 1: 0\nbar 2: 0\nbar 1: 3\nbar 1: 4, over\n", out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void theEndOfAProcessIsTheEndOfItsBars() {
        tell(5, 1, 0, false);
        tell(5, 0, 0, true);
        tell(5, 1, 1, false);
        assertEquals("(worker pid=5) bar 1: 0\n(worker pid=5) bar 1: 1\n", out.toString(StandardCharsets.UTF_8));
    }

    @Test
    void whatStateQueriesTellIsWrittenAsJson() throws IOException {
        StringBuilder text = new StringBuilder();
        Json.write(List.of(Map.of("a\"\n", 1L), List.of(), Map.of(), true, 0.5, Double.NaN), text);
        text.append(' ');
        Json.write(null, text);
        assertEquals("[{\"a\\\"\\u000a\": 1}, [], {}, true, 0.5, \"NaN\"] null", text.toString());
    }
}
