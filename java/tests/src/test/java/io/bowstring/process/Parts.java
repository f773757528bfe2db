package io.bowstring.process;

import io.bowstring.RemoteMethod;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/** Methods that return several results. */
public class Parts {
    record Named(String name, long size) {}

    public Parts() {}

    public static List<Object> list(String name) {
        return List.of(name, 2L);
    }

    public static Object[] array(String name) {
        return new Object[] {name, 2L};
    }

    public static double[] numbers(int count) {
        double[] numbers = new double[count];
        for (int index = 0; index < count; index++) {
            numbers[index] = index / 2.0;
        }
        return numbers;
    }

    static Named named(String name) {
        return new Named(name, 2L);
    }

    public static Iterator<Integer> without(int end) {
        return IntStream.range(0, end).iterator();
    }

    /** A large result beside a small one. */
    public static List<Object> large(int bytes) {
        return List.of(new byte[bytes], "small");
    }

    public static List<Object> failing() {
        throw new IllegalStateException("no parts");
    }

    public static List<Object> unportable() {
        List<Object> parts = new ArrayList<>();
        parts.add(1L);
        parts.add(new Object());
        return parts;
    }

    public static long length(byte[] bytes) {
        return bytes.length;
    }

    @RemoteMethod(numReturns = 2)
    public List<Object> pair(String first) {
        return List.of(first, first.length());
    }

    @RemoteMethod(numReturns = RemoteMethod.STREAMING)
    public Iterator<Integer> count(int end) {
        return without(end);
    }
}
