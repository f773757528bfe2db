package io.bowstring;

import org.jspecify.annotations.Nullable;

/**
 * An argument that may be a value or a reference to one. An {@link ObjectRef} is one; {@link #of} makes one of a value,
 * for calls that mix both: {@code Bowstring.task(Model::train, dataRef, Arg.of(0.1))}.
 *
 * @param <T> type of the parameter
 */
public interface Arg<T extends @Nullable Object> {
    /**
     * {@return an argument that is this value}
     *
     * @param <T> type of the value
     * @param value the value; null if the parameter takes it
     */
    static <T extends @Nullable Object> Arg<T> of(T value) {
        return new ValueArg<>(value);
    }
}
