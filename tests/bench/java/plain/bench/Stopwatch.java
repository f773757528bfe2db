package bench;

import java.util.ArrayList;
import java.util.List;

/** Times repeated work and prints it as one JSON object a row, as the Python side of the benchmark reads it. */
final class Stopwatch {
    private final int rounds;
    private final long roundNanos;
    private final long warmUpNanos;

    Stopwatch(boolean quick) {
        rounds = quick ? 2 : 4;
        roundNanos = quick ? 200_000_000L : 2_000_000_000L;
        warmUpNanos = quick ? 50_000_000L : 1_000_000_000L;
    }

    /** Nanoseconds a call, one figure a round. */
    List<Double> measure(Runnable call) {
        long began = System.nanoTime();
        do {
            call.run();
        } while (System.nanoTime() - began < warmUpNanos);
        List<Double> figures = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            long start = System.nanoTime();
            long count = 0;
            long elapsed;
            do {
                call.run();
                count++;
                elapsed = System.nanoTime() - start;
            } while (elapsed < roundNanos);
            figures.add((double) elapsed / count);
        }
        return figures;
    }

    void microseconds(String row, Runnable call) {
        print(row, measure(call).stream().map(nanos -> nanos / 1e3).toList());
    }

    void milliseconds(String row, Runnable call) {
        print(row, measure(call).stream().map(nanos -> nanos / 1e6).toList());
    }

    void perSecond(String row, int operations, Runnable call) {
        print(row, measure(call).stream().map(nanos -> operations * 1e9 / nanos).toList());
    }

    /** Runs the work once. */
    static void onceMilliseconds(String row, Runnable call) {
        long start = System.nanoTime();
        call.run();
        print(row, List.of((System.nanoTime() - start) / 1e6));
    }

    static void print(String row, List<Double> values) {
        System.out.println("{\"row\": \"" + row + "\", \"values\": " + values + "}");
    }
}
