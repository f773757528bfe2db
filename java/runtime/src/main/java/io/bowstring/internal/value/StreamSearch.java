package io.bowstring.internal.value;

import java.io.Externalizable;
import java.io.ObjectStreamClass;
import java.io.ObjectStreamField;
import java.io.Serializable;
import java.lang.reflect.Field;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Looks through a value that Java serialization refused, for the place that its error must name. It visits what the stream
 * would hold: elements, keys and values, and fields that are not transient; what a class writes by itself is not looked into.
 */
final class StreamSearch {
    /** Enough for every place that a person would look for; the error is late already. */
    private static final int OBJECTS_MAX = 1_000_000;

    private record Place(Object value, ValuePath path) {}

    private final Predicate<Object> travelsByItself;
    private final Deque<Place> open = new ArrayDeque<>();
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private int depth;

    private StreamSearch(Predicate<Object> travelsByItself) {
        this.travelsByItself = travelsByItself;
    }

    /**
     * The place of an object that is not serializable.
     *
     * @param className its class, which is all that the JDK's error says
     * @param travelsByItself what is taken out of the stream
     */
    static ValuePath ofClass(@Nullable Object value, String className, Predicate<Object> travelsByItself) {
        StreamSearch search = new StreamSearch(travelsByItself);
        ValuePath found = search.run(value, className);
        return found == null ? ValuePath.ROOT : found;
    }

    /** How many levels deep a value is. */
    static int depth(@Nullable Object value, Predicate<Object> travelsByItself) {
        StreamSearch search = new StreamSearch(travelsByItself);
        search.run(value, null);
        return search.depth;
    }

    private @Nullable ValuePath run(@Nullable Object value, @Nullable String className) {
        visit(value, ValuePath.ROOT);
        while (!open.isEmpty() && seen.size() < OBJECTS_MAX) {
            Place place = open.removeFirst();
            Object each = place.value;
            if (each.getClass().getName().equals(className) && !(each instanceof Serializable)) {
                return place.path;
            }
            depth = Math.max(depth, place.path.depth());
            parts(each, place.path);
        }
        return null;
    }

    private void visit(@Nullable Object value, ValuePath path) {
        if (value == null || value instanceof String || value instanceof Number || value instanceof Boolean
                || value instanceof Character || value instanceof Enum || value instanceof Class
                || travelsByItself.test(value) || !seen.add(value)) {
            return;
        }
        open.addLast(new Place(value, path));
    }

    private void parts(Object value, ValuePath path) {
        try {
            if (value instanceof Object[] array) {
                for (int index = 0; index < array.length; index++) {
                    visit(array[index], path.then(index));
                }
            } else if (value instanceof Collection<?> items && isOfTheJdk(value)) {
                int index = 0;
                for (Object item : items) {
                    visit(item, path.then(index++));
                }
            } else if (value instanceof Map<?, ?> map && isOfTheJdk(value)) {
                map.forEach((key, item) -> {
                    Object name = key instanceof Number ? key : String.valueOf(key);
                    visit(key, path.then(name));
                    visit(item, path.then(name));
                });
            } else if (value instanceof Serializable && !(value instanceof Externalizable)) {
                fields(value, path);
            }
        } catch (RuntimeException | StackOverflowError closed) {
            return; // what can't be looked into, or changes meanwhile, is left out
        }
    }

    private static boolean isOfTheJdk(Object value) {
        return value.getClass().getName().startsWith("java.util.");
    }

    private void fields(Object value, ValuePath path) {
        for (Class<?> type = value.getClass(); type != null; type = type.getSuperclass()) {
            ObjectStreamClass form = ObjectStreamClass.lookup(type);
            if (form == null) {
                continue;
            }
            for (ObjectStreamField field : form.getFields()) {
                if (!field.isPrimitive()) {
                    field(value, type, field.getName(), path);
                }
            }
        }
    }

    private void field(Object value, Class<?> type, String name, ValuePath path) {
        try {
            Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            visit(field.get(value), path.then(name));
        } catch (ReflectiveOperationException | RuntimeException closed) {
            return;
        }
    }
}
