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
    /** The actor's id: 32 hexadecimal digits. */
    String id();

    /** Ends the actor's process for good. */
    default void kill() {
        kill(true);
    }

    /** Ends the actor's process; without {@code noRestart} it starts again if it may. */
    default void kill(boolean noRestart) {
        Bowstring.kill(this, noRestart);
    }

    /** A call of a method without arguments; {@code remote()} makes it. */
    default <R extends @Nullable Object> ActorCall<R> task(
            Func1<A, R> method) {
        return ActorCall.of(this, method, Collections.emptyList());
    }

    /** A call of a method without arguments, with no result but its end. */
    default ActorCall<@Nullable Void> task(
            Proc1<A> method) {
        return ActorCall.of(this, method, Collections.emptyList());
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func2<A, T0, R> method, T0 a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc2<A, T0> method, T0 a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func2<A, T0, R> method, Arg<? extends T0> a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc2<A, T0> method, Arg<? extends T0> a0) {
        return ActorCall.of(this, method, Arrays.asList(a0));
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func3<A, T0, T1, R> method, T0 a0, T1 a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc3<A, T0, T1> method, T0 a0, T1 a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func3<A, T0, T1, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc3<A, T0, T1> method, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1));
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func4<A, T0, T1, T2, R> method, T0 a0, T1 a1, T2 a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc4<A, T0, T1, T2> method, T0 a0, T1 a1, T2 a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func4<A, T0, T1, T2, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc4<A, T0, T1, T2> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2));
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func5<A, T0, T1, T2, T3, R> method, T0 a0, T1 a1, T2 a2, T3 a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc5<A, T0, T1, T2, T3> method, T0 a0, T1 a1, T2 a2, T3 a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func5<A, T0, T1, T2, T3, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc5<A, T0, T1, T2, T3> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3));
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func6<A, T0, T1, T2, T3, T4, R> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc6<A, T0, T1, T2, T3, T4> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> ActorCall<R> task(
            Func6<A, T0, T1, T2, T3, T4, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc6<A, T0, T1, T2, T3, T4> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /** A call of a method of values; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func7<A, T0, T1, T2, T3, T4, T5, R> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /** A call of a method of values, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc7<A, T0, T1, T2, T3, T4, T5> method, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /** A call of a method of references, or of values in {@link Arg#of}; {@code remote()} makes it. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> ActorCall<R> task(
            Func7<A, T0, T1, T2, T3, T4, T5, R> method, Arg<? extends T0> a0, Arg<? extends T1> a1,
                Arg<? extends T2> a2, Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /** A call of a method of references, or of values in {@link Arg#of}, with no result but its end. */
    default <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> ActorCall<@Nullable Void> task(
            Proc7<A, T0, T1, T2, T3, T4, T5> method, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return ActorCall.of(this, method, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }
}
