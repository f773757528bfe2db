package io.bowstring;

import org.jspecify.annotations.Nullable;

/**
 * An argument that may be a value or a reference to one. An {@link ObjectRef} is one; {@link #of} makes one of a value,
 * for calls that mix both: {@code Bowstring.task(Model::train, dataRef, Arg.of(0.1))}.
 *
 * @param <T> type of the parameter
 */
public interface Arg<T extends @Nullable Object> {
    /** An argument that is this value. */
    static <T extends @Nullable Object> Arg<T> of(T value) {
        return new ValueArg<>(value);
    }
}
