package io.bowstring.process;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Static methods that the tests run as tasks. */
public final class Calculator {
    public static int add(int a, int b) {
        return a + b;
    }

    public static String greet(String name) {
        return "hello " + name;
    }

    public static void nothing() {}

    public static double sum(double[] values) {
        double sum = 0;
        for (double each : values) {
            sum += each;
        }
        return sum;
    }

    public static double[] ramp(int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        return values;
    }

    public static int fail(String message) {
        throw new IllegalStateException(message);
    }

    public static int fib(int n) {
        if (n < 2) {
            return n;
        }
        ObjectRef<Integer> a = Bowstring.task(Calculator::fib, n - 1).remote();
        ObjectRef<Integer> b = Bowstring.task(Calculator::fib, n - 2).remote();
        return a.get() + b.get();
    }

    /** Uses so much memory until somebody ends this process. */
    public static int hold(int mebibytes) throws InterruptedException {
        byte[][] held = new byte[mebibytes][];
        for (int i = 0; i < mebibytes; i++) {
            held[i] = new byte[1 << 20];
            java.util.Arrays.fill(held[i], (byte) 1);
        }
        Thread.sleep(60_000);
        return held.length;
    }

    public static int crash() {
        Runtime.getRuntime().halt(3);
        return 0;
    }

    public static int sleep(int millis) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(millis);
        return millis;
    }

    public static int sleepInChild(int millis, String mark) {
        return Bowstring.task(Calculator::sleepThenMark, millis, mark).remote().get();
    }

    public static int sleepThenMark(int millis, String mark) throws Exception {
        java.nio.file.Files.createFile(java.nio.file.Path.of(mark + ".started"));
        try {
            TimeUnit.MILLISECONDS.sleep(millis);
        } catch (InterruptedException error) {
            java.nio.file.Files.createFile(java.nio.file.Path.of(mark + ".interrupted"));
            throw error;
        }
        return millis;
    }

    public static List<Integer> lengths(Map<String, List<Integer>> lists) {
        return lists.values().stream().map(List::size).toList();
    }

    public static int first(List<ObjectRef<Integer>> refs) {
        return refs.get(0).get();
    }

    public static List<ObjectRef<Integer>> makeRefs(int count) {
        return java.util.stream.IntStream.range(0, count).mapToObj(i -> Bowstring.put(i)).toList();
    }

    private Calculator() {}
}
