package io.bowstring;

import io.bowstring.Functions.Func0;
import io.bowstring.Functions.Func1;
import io.bowstring.Functions.Func2;
import io.bowstring.Functions.Func3;
import io.bowstring.Functions.Func4;
import io.bowstring.Functions.Func5;
import io.bowstring.Functions.Func6;
import io.bowstring.Functions.Proc0;
import io.bowstring.Functions.Proc1;
import io.bowstring.Functions.Proc2;
import io.bowstring.Functions.Proc3;
import io.bowstring.Functions.Proc4;
import io.bowstring.Functions.Proc5;
import io.bowstring.Functions.Proc6;
import java.util.Arrays;
import java.util.Collections;
import org.jspecify.annotations.Nullable;

/**
 * The typed calls of {@link Bowstring}: tasks and actors of 0 to 6 arguments, each either all values or all {@link Arg}s
 * (references, or values wrapped by {@link Arg#of}).
 */
abstract class TaskCalls {
    TaskCalls() {}

    /**
     * A task without arguments; {@code remote()} submits it.
     *
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @return the task, to which options are set
     */
    public static <R extends @Nullable Object> TaskCall<R> task(
            Func0<R> function) {
        return TaskCall.of(function, Collections.emptyList());
    }

    /**
     * A task without arguments, with no result but its end.
     *
     * @param procedure a static method, as {@code Prices::load}
     * @return the task, to which options are set
     */
    public static TaskCall<@Nullable Void> task(
            Proc0 procedure) {
        return TaskCall.of(procedure, Collections.emptyList());
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func1<T0, R> function, T0 a0) {
        return TaskCall.of(function, Arrays.asList(a0));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc1<T0> procedure, T0 a0) {
        return TaskCall.of(procedure, Arrays.asList(a0));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func1<T0, R> function, Arg<? extends T0> a0) {
        return TaskCall.of(function, Arrays.asList(a0));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc1<T0> procedure, Arg<? extends T0> a0) {
        return TaskCall.of(procedure, Arrays.asList(a0));
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func2<T0, T1, R> function, T0 a0, T1 a1) {
        return TaskCall.of(function, Arrays.asList(a0, a1));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc2<T0, T1> procedure, T0 a0, T1 a1) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func2<T0, T1, R> function, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return TaskCall.of(function, Arrays.asList(a0, a1));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc2<T0, T1> procedure, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1));
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func3<T0, T1, T2, R> function, T0 a0, T1 a1, T2 a2) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc3<T0, T1, T2> procedure, T0 a0, T1 a1, T2 a2) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func3<T0, T1, T2, R> function, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc3<T0, T1, T2> procedure, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2));
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func4<T0, T1, T2, T3, R> function, T0 a0, T1 a1, T2 a2, T3 a3) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc4<T0, T1, T2, T3> procedure, T0 a0, T1 a1, T2 a2, T3 a3) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func4<T0, T1, T2, T3, R> function, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc4<T0, T1, T2, T3> procedure, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func5<T0, T1, T2, T3, T4, R> function, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc5<T0, T1, T2, T3, T4> procedure, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, R extends @Nullable Object> TaskCall<R> task(
            Func5<T0, T1, T2, T3, T4, R> function, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc5<T0, T1, T2, T3, T4> procedure, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * A task of values; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @param a5 the sixth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func6<T0, T1, T2, T3, T4, T5, R> function, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A task of values, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @param a5 the sixth argument: a value, which is copied by {@code remote()}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc6<T0, T1, T2, T3, T4, T5> procedure, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A task of references, or of values in {@link Arg#of}; {@code remote()} submits it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <R> type of the result; of a primitive one, its wrapper
     * @param function a static method, as {@code Prices::of}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @param a5 the sixth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> TaskCall<R> task(
            Func6<T0, T1, T2, T3, T4, T5, R> function, Arg<? extends T0> a0, Arg<? extends T1> a1,
                Arg<? extends T2> a2, Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return TaskCall.of(function, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * A task of references, or of values in {@link Arg#of}, with no result but its end.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param procedure a static method, as {@code Prices::load}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @param a5 the sixth argument: a reference, or a value in {@code Arg.of}
     * @return the task, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> TaskCall<@Nullable Void> task(
            Proc6<T0, T1, T2, T3, T4, T5> procedure, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return TaskCall.of(procedure, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * An actor whose constructor is called without arguments; {@code remote()} makes it.
     *
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @return the actor to be, to which options are set
     */
    public static <A> ActorCreation<A> actor(
            Func0<A> constructor) {
        return ActorCreation.of(constructor, Collections.emptyList());
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, A> ActorCreation<A> actor(
            Func1<T0, A> constructor, T0 a0) {
        return ActorCreation.of(constructor, Arrays.asList(a0));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, A> ActorCreation<A> actor(
            Func1<T0, A> constructor, Arg<? extends T0> a0) {
        return ActorCreation.of(constructor, Arrays.asList(a0));
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, A> ActorCreation<A> actor(
            Func2<T0, T1, A> constructor, T0 a0, T1 a1) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, A> ActorCreation<A> actor(
            Func2<T0, T1, A> constructor, Arg<? extends T0> a0, Arg<? extends T1> a1) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1));
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            A> ActorCreation<A> actor(
            Func3<T0, T1, T2, A> constructor, T0 a0, T1 a1, T2 a2) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            A> ActorCreation<A> actor(
            Func3<T0, T1, T2, A> constructor, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2));
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, A> ActorCreation<A> actor(
            Func4<T0, T1, T2, T3, A> constructor, T0 a0, T1 a1, T2 a2, T3 a3) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, A> ActorCreation<A> actor(
            Func4<T0, T1, T2, T3, A> constructor, Arg<? extends T0> a0, Arg<? extends T1> a1, Arg<? extends T2> a2,
                Arg<? extends T3> a3) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3));
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, A> ActorCreation<A> actor(
            Func5<T0, T1, T2, T3, T4, A> constructor, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, A> ActorCreation<A> actor(
            Func5<T0, T1, T2, T3, T4, A> constructor, Arg<? extends T0> a0, Arg<? extends T1> a1,
                Arg<? extends T2> a2, Arg<? extends T3> a3, Arg<? extends T4> a4) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3, a4));
    }

    /**
     * An actor whose constructor is called of values; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a value, which is copied by {@code remote()}
     * @param a1 the second argument: a value, which is copied by {@code remote()}
     * @param a2 the third argument: a value, which is copied by {@code remote()}
     * @param a3 the fourth argument: a value, which is copied by {@code remote()}
     * @param a4 the fifth argument: a value, which is copied by {@code remote()}
     * @param a5 the sixth argument: a value, which is copied by {@code remote()}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            A> ActorCreation<A> actor(
            Func6<T0, T1, T2, T3, T4, T5, A> constructor, T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }

    /**
     * An actor whose constructor is called of references, or of values in {@link Arg#of}; {@code remote()} makes it.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <A> the actor's class
     * @param constructor a constructor, as {@code Shop::new}
     * @param a0 the first argument: a reference, or a value in {@code Arg.of}
     * @param a1 the second argument: a reference, or a value in {@code Arg.of}
     * @param a2 the third argument: a reference, or a value in {@code Arg.of}
     * @param a3 the fourth argument: a reference, or a value in {@code Arg.of}
     * @param a4 the fifth argument: a reference, or a value in {@code Arg.of}
     * @param a5 the sixth argument: a reference, or a value in {@code Arg.of}
     * @return the actor to be, to which options are set
     */
    public static <T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            A> ActorCreation<A> actor(
            Func6<T0, T1, T2, T3, T4, T5, A> constructor, Arg<? extends T0> a0, Arg<? extends T1> a1,
                Arg<? extends T2> a2, Arg<? extends T3> a3, Arg<? extends T4> a4, Arg<? extends T5> a5) {
        return ActorCreation.of(constructor, Arrays.asList(a0, a1, a2, a3, a4, a5));
    }
}
