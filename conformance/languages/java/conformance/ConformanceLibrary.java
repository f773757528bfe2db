package conformance;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** The functions that the cases call, in Java. Every language has the same, under the same names. */
public final class ConformanceLibrary {
    private static final long WAIT_MAX_MS = 30_000;

    private ConformanceLibrary() {}

    public static Object echo(Object value) {
        return value;
    }

    /** The value that the notation in the text stands for. */
    public static Object construct(String text) {
        return Notation.make(Json.read(text), Map.of());
    }

    /** What distinguishes the value from the notation in the text; empty if nothing does. */
    public static String check(Object value, String text) {
        return Notation.difference(value, Json.read(text));
    }

    public static long add(long a, long b) {
        return a + b;
    }

    public static void nothing() {}

    /** Two results. */
    public static List<Object> pair(Object first, Object second) {
        return Arrays.asList(first, second);
    }

    public static void fail(String message) {
        throw new IllegalArgumentException(message);
    }

    public static void fail_with_cause(String message, String cause) {
        throw new IllegalArgumentException(message, new NoSuchElementException(cause));
    }

    /** An error with so many causes, whose message is so many letters and an end. */
    public static void fail_deeply(long depth, long letters) {
        Throwable cause = depth > 0 ? new IllegalArgumentException("the first cause") : null;
        for (long number = 1; number < depth; number++) {
            cause = new IllegalArgumentException("cause " + number, cause);
        }
        throw new IllegalArgumentException("x".repeat((int) letters) + " the end", cause);
    }

    /** Writes a line to standard output. */
    public static void say(String text) {
        System.out.println(text);
    }

    /** The parameter is an int of 32 bits. */
    public static int narrow(int value) {
        return value;
    }

    /** A list with a reference to the value, which this worker puts. */
    public static List<ObjectRef<Object>> store(Object value) {
        return List.of(Bowstring.put(value));
    }

    /** The value of a reference that lies in a list. */
    public static Object fetch(List<ObjectRef<Object>> refs) {
        return refs.get(0).get();
    }

    public static long nested(long depth) {
        return depth == 0 ? 0 : 1 + Bowstring.task(ConformanceLibrary::nested, depth - 1).remote().get();
    }

    /** What {@link #wait_between_files} comes to in a task of this one. */
    public static String wait_in_child(String made, String awaited) {
        return Bowstring.task(ConformanceLibrary::wait_between_files, made, awaited).remote().get();
    }

    /** Makes one file; once it is interrupted, works on for a moment, and makes the other. */
    public static void linger(String made, String ended) throws InterruptedException {
        touch(made);
        try {
            Thread.sleep(WAIT_MAX_MS);
        } finally {
            Thread.sleep(200);
            touch(ended);
        }
    }

    public static void linger_in_child(String made, String ended) {
        Bowstring.task(ConformanceLibrary::linger, made, ended).remote().get();
    }

    /** The answer of an actor whose handle was passed. */
    @SuppressWarnings("unchecked")
    public static long call_add(Object actor, long amount) {
        if (actor instanceof PyActorHandle python) {
            return python.task(PyActorMethod.of("add", Long.class), amount).remote().get();
        }
        return ((ActorHandle<Counter>) actor).task(Counter::add, amount).remote().get();
    }

    public static void crash() {
        Runtime.getRuntime().halt(9);
    }

    /** Ends the process, unless it has done so before; the file at the path remembers. */
    public static String crash_once(String path) throws IOException {
        if (Files.notExists(Path.of(path))) {
            Files.createFile(Path.of(path));
            crash();
        }
        return "survived";
    }

    /** Returns once there is such a file. */
    public static String wait_for_file(String path) throws InterruptedException {
        long deadline = System.nanoTime() + WAIT_MAX_MS * 1_000_000;
        while (Files.notExists(Path.of(path))) {
            if (System.nanoTime() > deadline) {
                throw new IllegalStateException(path + " has not appeared for " + WAIT_MAX_MS + " ms");
            }
            Thread.sleep(2);
        }
        return "seen";
    }

    public static Stream<Long> count_up(long stop) {
        return LongStream.range(0, stop).boxed();
    }

    public static Iterator<Long> count_and_fail(long stop, String message) {
        return LongStream.rangeClosed(0, stop)
                .mapToObj(number -> {
                    if (number == stop) {
                        throw new IllegalArgumentException(message);
                    }
                    return number;
                })
                .iterator();
    }

    /** Ends the process before an item, unless the file at the path is there, which it then makes. */
    public static Iterator<Long> count_and_crash_once(long stop, long at, String path) {
        return LongStream.range(0, stop)
                .peek(number -> {
                    if (number == at && Files.notExists(Path.of(path))) {
                        touch(path);
                        crash();
                    }
                })
                .iterator();
    }

    /** Makes the file when it is closed. */
    public static Stream<Long> count_for_ever(String path) {
        return Stream.iterate(0L, number -> number + 1).onClose(() -> touch(path));
    }

    public static Iterator<Object> repeat(Object value, long count) {
        return Collections.nCopies((int) count, value).iterator();
    }

    private static void touch(String path) {
        try {
            Files.createFile(Path.of(path));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** Makes one file, and returns once there is the other. */
    public static String wait_between_files(String made, String awaited) throws IOException, InterruptedException {
        Files.createFile(Path.of(made));
        return wait_for_file(awaited);
    }

    /** Makes the file, and then works on whatever happens. */
    public static void ignore_interrupts(String path) throws IOException {
        Files.createFile(Path.of(path));
        while (true) {
            try {
                Thread.sleep(1000);
            } catch (InterruptedException ignored) {
                continue;
            }
        }
    }

    /** Makes a file before each item: the path, and the item's number. */
    public static Iterator<Long> count_marked(long stop, String path) {
        return LongStream.range(0, stop)
                .boxed()
                .map(number -> {
                    try {
                        Files.createFile(Path.of(path + number));
                    } catch (IOException error) {
                        throw new UncheckedIOException(error);
                    }
                    return number;
                })
                .iterator();
    }
}
