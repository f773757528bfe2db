package io.bowstring;

import io.bowstring.internal.call.Arguments;
import org.jspecify.annotations.Nullable;

/**
 * A method of an actor in Python.
 *
 * @param name the method's name
 * @param resultType what the result is converted to; {@code Object.class}: left as it comes
 * @param <R> type of the result
 */
public record PyActorMethod<R extends @Nullable Object>(String name, Class<R> resultType) {
    /**
     * Names a method.
     *
     * @param <R> type of the result
     * @param name the method's name in its class; not empty
     * @param resultType what the result is converted to; {@code Object.class}: left as it comes
     * @return the method
     */
    public static <R extends @Nullable Object> PyActorMethod<R> of(String name, Class<R> resultType) {
        return new PyActorMethod<>(Arguments.text("name", name), Arguments.present("resultType", resultType));
    }
}
