package io.bowstring.process;

import io.bowstring.ObjectRef;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Methods that make streams. */
public final class Streams {
    private final long start;

    public Streams(long start) {
        this.start = start;
    }

    public static Stream<Long> upTo(long count) {
        return LongStream.range(0, count).boxed();
    }

    public static List<String> words() {
        return List.of("a", "b", "c");
    }

    public static int none() {
        return 7;
    }

    public static Iterator<double[]> arrays(int count, int length) {
        return LongStream.range(0, count).mapToObj(i -> {
            double[] array = new double[length];
            array[0] = i;
            return array;
        }).iterator();
    }

    /** Fails behind the third item. */
    public static Iterator<Long> failing() {
        return new Iterator<>() {
            private long next;

            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public Long next() {
                if (next == 3) {
                    throw new IllegalStateException("no fourth item");
                }
                return next++;
            }
        };
    }

    /** Counts in a file's length how many it has made; marks another when it is closed. */
    public static Stream<Long> marking(String made, String closed) {
        Path marks = Path.of(made);
        return LongStream.iterate(0, i -> i + 1).boxed().peek(i -> append(marks)).onClose(() -> append(Path.of(closed)));
    }

    private static void append(Path marks) {
        try {
            Files.write(marks, new byte[1], java.nio.file.StandardOpenOption.CREATE,
                    java.nio.file.StandardOpenOption.APPEND);
        } catch (java.io.IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    /** Ends its JVM once, behind the fifth item. */
    public static Iterator<Long> crashing(String mark) {
        return new Iterator<>() {
            private long next;

            @Override
            public boolean hasNext() {
                return next < 10;
            }

            @Override
            public Long next() {
                if (next == 5 && !Files.exists(Path.of(mark))) {
                    append(Path.of(mark));
                    Runtime.getRuntime().halt(3);
                }
                if (next == 10) {
                    throw new NoSuchElementException();
                }
                return next++;
            }
        };
    }

    public static Iterator<ObjectRef<Long>> refs(List<ObjectRef<Long>> given) {
        return given.iterator();
    }

    public Stream<Long> count(int items) {
        return LongStream.range(start, start + items).boxed();
    }
}
