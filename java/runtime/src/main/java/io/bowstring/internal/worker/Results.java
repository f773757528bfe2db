package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import java.lang.reflect.Array;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.BaseStream;
import org.jspecify.annotations.Nullable;

/**
 * What a method has returned, as the results that its caller wants (spec section 4.4, rule 5).
 *
 * <p>Several results are a list, an array, a record (its components, in order), or what an iterator or stream gives.
 */
public final class Results {
    /** What was returned is not what the caller wants, which is no error of the method's own. */
    public static final class Misfit extends Exception {
        private static final long serialVersionUID = 1;

        private final transient BowstringException why;

        Misfit(InvalidArgumentException why) {
            super(why);
            this.why = why;
        }

        /** What to tell the caller. */
        public BowstringException why() {
            return why;
        }
    }

    private Results() {}

    /**
     * As many results as are wanted.
     *
     * @throws Misfit if it is no such thing, or one of another number of values
     * @throws Throwable what a record's accessor or an iterator throws
     */
    public static List<@Nullable Object> of(int count, @Nullable Object value, String name) throws Throwable {
        if (count == 0) {
            return List.of();
        }
        if (count == 1) {
            List<@Nullable Object> one = new ArrayList<>(1);
            one.add(value);
            return one;
        }
        List<@Nullable Object> found = parts(count, value);
        if (found == null || found.size() != count) {
            String got = value == null ? "null"
                    : found == null ? value.getClass().getName()
                    : value.getClass().getSimpleName() + " of " + (found.size() > count ? "more" : "" + found.size());
            throw misfit(name + " is called with num_returns=" + count + " and must return a List,"
                    + " an array or a record of " + count + " values, not " + got);
        }
        return found;
    }

    private static Misfit misfit(String message) {
        return new Misfit(new InvalidArgumentException(message));
    }

    private static @Nullable List<@Nullable Object> parts(int count, @Nullable Object value) throws Throwable {
        if (value instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        if (value instanceof Record tuple) {
            return components(tuple);
        }
        if (value instanceof Iterator<?> items) {
            return drawn(count, items);
        }
        if (value instanceof BaseStream<?, ?> stream) {
            try (stream) {
                return drawn(count, stream.iterator());
            }
        }
        if (value == null || !value.getClass().isArray()) {
            return null;
        }
        List<@Nullable Object> elements = new ArrayList<>();
        for (int index = 0; index < Array.getLength(value); index++) {
            elements.add(Array.get(value, index));
        }
        return elements;
    }

    private static List<@Nullable Object> components(Record tuple) throws Throwable {
        List<@Nullable Object> values = new ArrayList<>();
        for (RecordComponent component : tuple.getClass().getRecordComponents()) {
            Method accessor = component.getAccessor();
            try {
                accessor.setAccessible(true);
            } catch (InaccessibleObjectException closed) {
                throw misfit("the record " + tuple.getClass().getName() + " is in a package that"
                        + " its module keeps closed; let its module-info open it");
            }
            values.add(new Invocation.Ready(accessor, new Object[0]).call(tuple));
        }
        return values;
    }

    /** So many values, and one more if there is one: enough to see that there are too many. */
    private static List<@Nullable Object> drawn(int count, Iterator<?> items) {
        List<@Nullable Object> values = new ArrayList<>();
        while (values.size() <= count && items.hasNext()) {
            values.add(items.next());
        }
        return values;
    }
}
