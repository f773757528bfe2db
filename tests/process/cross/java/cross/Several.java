package cross;

import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/** Methods with several results. */
public final class Several {
    /** What a record gives: its components. */
    public record Split(double[] low, double[] high, String name) {}

    public static Split split(double[] values, double at, String name) {
        double[] low = java.util.Arrays.stream(values).filter(value -> value < at).toArray();
        double[] high = java.util.Arrays.stream(values).filter(value -> value >= at).toArray();
        return new Split(low, high, name);
    }

    public static long[] squares(int count) {
        return IntStream.range(0, count).mapToLong(each -> (long) each * each).toArray();
    }

    public static Iterator<Integer> first(int count) {
        return IntStream.range(0, count).iterator();
    }

    public List<Object> pair(String value) {
        return List.of(value, value.length());
    }

    public static List<Object> broken() {
        return List.of(1, new Object());
    }
}
