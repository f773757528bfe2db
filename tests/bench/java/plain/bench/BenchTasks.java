package bench;

/** Tasks that know nothing of the system that calls them. */
public final class BenchTasks {
    private BenchTasks() {}

    public static int one() {
        return 1;
    }

    public static byte[] echo(byte[] value) {
        return value;
    }
}
