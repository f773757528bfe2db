package bench;

/** An actor that knows nothing of the system that calls it. */
public class BenchCounter {
    private int count;

    public int increment() {
        count += 1;
        return count;
    }
}
