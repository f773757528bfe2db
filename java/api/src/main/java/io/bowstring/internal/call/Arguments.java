package io.bowstring.internal.call;

import io.bowstring.errors.InvalidArgumentException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Checks what users pass; what is wrong is named. */
public final class Arguments {
    private Arguments() {}

    /** Something that must not be null. */
    public static <T> T present(String what, @Nullable T value) {
        if (value == null) {
            throw new InvalidArgumentException(what + " is null");
        }
        return value;
    }

    /** The arguments of a call, as an array that the compiler makes or the user gives. */
    public static List<@Nullable Object> given(@Nullable Object @Nullable [] arguments) {
        if (arguments == null) {
            throw new InvalidArgumentException(
                    "the array of arguments is null; a single argument that is null is written (Object) null");
        }
        return Arrays.asList(arguments);
    }

    /** A type of results that a value can have; a stage has the value that it ends with. */
    public static <T extends Type> T settled(T declared) {
        Type raw = declared instanceof ParameterizedType generic ? generic.getRawType() : declared;
        if (raw instanceof Class<?> type && CompletionStage.class.isAssignableFrom(type)) {
            throw new InvalidArgumentException("this method's result is a " + type.getSimpleName()
                    + ", whose value travels; say of what class that is, as in remote(Long.class)");
        }
        return declared;
    }

    /** Where classes of the user's are: the thread's context loader, or ours. */
    public static ClassLoader loader() {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        return loader != null ? loader : Arguments.class.getClassLoader();
    }

    /** A string that must not be empty. */
    public static String text(String what, @Nullable String value) {
        if (value == null || value.isEmpty()) {
            throw new InvalidArgumentException(what + " is " + (value == null ? "null" : "empty") + "; it must be text");
        }
        return value;
    }

    /** A count that must be at least one. */
    public static int positive(String what, int value) {
        if (value < 1) {
            throw new InvalidArgumentException(what + " is " + value + "; it must be at least 1");
        }
        return value;
    }

    /** A count that must be at least so much. */
    public static int least(String what, int value, int least) {
        if (value < least) {
            throw new InvalidArgumentException(what + " is " + value + "; it must be at least " + least);
        }
        return value;
    }

    /** Some things, at least one, none of them null. */
    public static <T> T[] some(String what, T[] values) {
        if (present(what, values).length == 0) {
            throw new InvalidArgumentException(what + " is empty; name at least one");
        }
        for (int index = 0; index < values.length; index++) {
            present(what + "[" + index + "]", values[index]);
        }
        return values;
    }

    /** The name of a concurrency group. */
    public static String group(String what, @Nullable String value) {
        String name = text(what, value);
        if (name.contains("=")) {
            throw new InvalidArgumentException(what + " is '" + name + "'; it has no \"=\"");
        }
        return name;
    }

    /** Types of results. */
    public static List<Class<?>> types(Class<?>[] types) {
        List<Class<?>> found = new ArrayList<>(types.length);
        for (int index = 0; index < types.length; index++) {
            found.add(settled(present("types[" + index + "]", types[index])));
        }
        return found;
    }

    /** A duration that must not be negative; returns its nanoseconds, at most all that a long holds. */
    public static long nanos(String what, @Nullable Duration value) {
        if (value == null || value.isNegative()) {
            throw new InvalidArgumentException(what + " is " + value + "; it must be zero or more");
        }
        try {
            return value.toNanos();
        } catch (ArithmeticException longer) {
            return Long.MAX_VALUE;
        }
    }

    /** A list of references. */
    public static <L extends List<?>> L refs(String what, @Nullable L refs) {
        L given = present(what, refs);
        for (int index = 0; index < given.size(); index++) {
            present(what + "[" + index + "]", given.get(index));
        }
        return given;
    }

    /** A list of different references, and how many of them are waited for. */
    public static void wanted(List<?> refs, int numReturns) {
        refs("refs", refs);
        if (numReturns < 1 || numReturns > Math.max(1, refs.size())) {
            throw new InvalidArgumentException(
                    "numReturns is " + numReturns + "; it must be from 1 to the number of refs, " + refs.size());
        }
        different("refs", refs);
    }

    /** A list of different references. */
    public static <L extends List<?>> L different(String what, @Nullable L refs) {
        L given = refs(what, refs);
        Set<Object> seen = new HashSet<>();
        for (int index = 0; index < given.size(); index++) {
            if (!seen.add(given.get(index))) {
                throw new InvalidArgumentException(
                        what + "[" + index + "] stands in " + what + " twice; give each once");
            }
        }
        return given;
    }
}
