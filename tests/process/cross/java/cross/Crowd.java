package cross;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** An actor whose calls wait for a value that comes late. */
public final class Crowd {
    private final AtomicInteger waiting = new AtomicInteger();

    /** An actor nobody waits in. */
    public Crowd() {}

    /** Waits for the value in the box. */
    public long await(List<ObjectRef<Object>> box) {
        waiting.incrementAndGet();
        try {
            return ((Number) Bowstring.get(box.get(0))).longValue();
        } finally {
            waiting.decrementAndGet();
        }
    }

    /** Waits with Bowstring.wait, then in the JVM's own way. */
    public boolean sleep(List<ObjectRef<Object>> box) throws InterruptedException {
        waiting.incrementAndGet();
        try {
            return Bowstring.wait(box, 1, Duration.ofMinutes(5)).ready().size() == 1;
        } finally {
            waiting.decrementAndGet();
        }
    }

    public int waiting() {
        return waiting.get();
    }

    /** What kind of thread runs calls. */
    public String thread() {
        return Thread.currentThread().toString();
    }
}
