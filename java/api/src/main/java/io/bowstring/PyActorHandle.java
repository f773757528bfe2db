package io.bowstring;

import io.bowstring.internal.call.Arguments;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/** A handle of an actor in Python; see {@link ActorHandle} for what handles are. */
public interface PyActorHandle extends Serializable {
    /** {@return the actor's id: 32 hexadecimal digits} */
    String id();

    /** Ends the actor's process for good. */
    default void kill() {
        kill(true);
    }

    /**
     * Ends the actor's process; without {@code noRestart} it starts again if it may.
     *
     * @param noRestart whether it stays dead, although it has restarts left
     */
    default void kill(boolean noRestart) {
        Bowstring.kill(this, noRestart);
    }

    /**
     * A call of a method on values, references and {@link Arg}s; {@code remote()} makes it.
     *
     * @param <R> type of the result
     * @param method the method; whether it is there shows when it is called
     * @param arguments positional arguments, of types that cross languages
     * @return the call, to which options are set
     */
    default <R extends @Nullable Object> ActorCall<R> task(PyActorMethod<R> method, @Nullable Object... arguments) {
        return ActorCall.of(this, Arguments.present("method", method), Arguments.given(arguments));
    }
}
