package io.bowstring;

import io.bowstring.Functions.Func1;
import io.bowstring.Functions.Func2;
import io.bowstring.Functions.Func3;
import io.bowstring.Functions.Func4;
import io.bowstring.Functions.Func5;
import io.bowstring.Functions.Func6;
import io.bowstring.Functions.Func7;
import io.bowstring.Functions.Proc1;
import io.bowstring.Functions.Proc2;
import io.bowstring.Functions.Proc3;
import io.bowstring.Functions.Proc4;
import io.bowstring.Functions.Proc5;
import io.bowstring.Functions.Proc6;
import io.bowstring.Functions.Proc7;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Collections;
import org.jspecify.annotations.Nullable;

/**
 * A handle of an actor in Java. It can be passed to tasks and other actors. The actor ends when its last handle is gone,
 * unless it is detached. Calls of one caller run in the order in which they were made.
 *
 * @param <A> the actor's class
 */
public interface ActorHandle<A> extends Serializable {
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
     * A call of a method without arguments; {@code remote()} makes it.
     *
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @return the call, to which options are set
     */
    default <R extends @Nullable Object> ActorCall<R> task(
            Func1<A, R> method) {
        return ActorCall.of(this, method, Collections.emptyList());
    }

    /**
     * A call of a method without arguments, with no result but its end.
     *
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @return the call, to which options are set
     */
    default ActorCall<@Nullable Void> task(
            Proc1<A> method) {
        return ActorCall.of(this, method, Collections.emptyList());
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func2<A, T0, R> method, T0 a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc2<A, T0> method, T0 a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func2<A, T0, R> method, Arg<? extends T0> a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc2<A, T0> method, Arg<? extends T0> a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func3<A, T0, T1, R> method, T0 a0, T1 a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc3<A, T0, T1> method, T0 a0, T1 a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func3<A, T0, T1, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc3<A, T0, T1> method, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func4<A, T0, T1, T2, R> method, T0 a0, T1 a1, T2 a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc4<A, T0, T1, T2> method, T0 a0, T1 a1, T2 a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func4<A, T0, T1, T2, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc4<A, T0, T1, T2> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func5<A, T0, T1, T2, T3, R> method, T0 a0, T1 a1, T2 a2, T3 a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc5<A, T0, T1, T2, T3> method, T0 a0, T1 a1, T2 a2, T3 a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func5<A, T0, T1, T2, T3, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc5<A, T0, T1, T2, T3> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func6<A, T0, T1, T2, T3, T4, R> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc6<A, T0, T1, T2, T3, T4> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func6<A, T0, T1, T2, T3, T4, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc6<A, T0, T1, T2, T3, T4> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A call of a method of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @param a5 the sixth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func7<A, T0, T1, T2, T3, T4, T5, R> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A call of a method of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @param a5 the sixth argument: a value, which is copied by {@code remote()}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc7<A, T0, T1, T2, T3, T4, T5> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @param a5 the sixth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func7<A, T0, T1, T2, T3, T4, T5, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1,
                Arg<? extends T2> a2, Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A call of a method of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param method an instance method of the actor, as {@code Shop::sell}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @param a5 the sixth argument: a reference, or a value in {@code Arg.of}
     * @return the call, to which options are set
     */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc7<A, T0, T1, T2, T3, T4, T5> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }
}
