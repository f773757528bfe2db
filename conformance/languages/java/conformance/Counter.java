package conformance;

import io.bowstring.ObjectRef;
import java.io.IOException;
import java.util.List;

/** The actor of the cases: a sum, and what was handed to it to keep. */
public class Counter {
    private long sum;
    private List<ObjectRef<Object>> kept = List.of();

    public Counter(long start) {
        if (start < 0) {
            throw new IllegalArgumentException("a counter starts at 0 or above, not at " + start);
        }
        sum = start;
    }

    public long add(long amount) {
        sum += amount;
        return sum;
    }

    public Object echo(Object value) {
        return value;
    }

    public void fail(String message) {
        throw new IllegalArgumentException(message);
    }

    /** As the function. */
    public String wait_between_files(String made, String awaited) throws IOException, InterruptedException {
        return ConformanceLibrary.wait_between_files(made, awaited);
    }

    /** Keeps a list of references. */
    public void keep(List<ObjectRef<Object>> refs) {
        kept = refs;
    }

    /** The value of the first reference that was kept. */
    public Object fetch_kept() {
        return kept.get(0).get();
    }

    public void crash() {
        ConformanceLibrary.crash();
    }
}
