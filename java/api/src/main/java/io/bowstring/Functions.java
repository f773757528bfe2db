package io.bowstring;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The kinds of functions that can run as tasks, by their number of parameters. Only references to methods and
 * constructors are accepted ({@code Foo::bar}); lambdas and references that capture an object are refused when they are
 * used, because nothing stable names them in another process.
 */
public final class Functions {
    /**
     * A function with no parameters and a result.
     *
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func0<R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @return the result
         * @throws Exception what the method throws
         */
        R call() throws Exception;
    }

    /** A function with no parameters and no result. */
    @FunctionalInterface
    public interface Proc0 extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @throws Exception what the method throws
         */
        void call() throws Exception;
    }

    /**
     * A function with one parameter and a result.
     *
     * @param <T0> type of the first parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func1<T0 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0) throws Exception;
    }

    /**
     * A function with one parameter and no result.
     *
     * @param <T0> type of the first parameter
     */
    @FunctionalInterface
    public interface Proc1<T0 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @throws Exception what the method throws
         */
        void call(T0 a0) throws Exception;
    }

    /**
     * A function with 2 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func2<T0 extends @Nullable Object, T1 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1) throws Exception;
    }

    /**
     * A function with 2 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     */
    @FunctionalInterface
    public interface Proc2<T0 extends @Nullable Object, T1 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1) throws Exception;
    }

    /**
     * A function with 3 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func3<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1, T2 a2) throws Exception;
    }

    /**
     * A function with 3 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     */
    @FunctionalInterface
    public interface Proc3<T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1, T2 a2) throws Exception;
    }

    /**
     * A function with 4 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func4<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1, T2 a2, T3 a3) throws Exception;
    }

    /**
     * A function with 4 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     */
    @FunctionalInterface
    public interface Proc4<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1, T2 a2, T3 a3) throws Exception;
    }

    /**
     * A function with 5 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func5<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) throws Exception;
    }

    /**
     * A function with 5 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     */
    @FunctionalInterface
    public interface Proc5<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) throws Exception;
    }

    /**
     * A function with 6 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func6<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @param a5 the sixth argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) throws Exception;
    }

    /**
     * A function with 6 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     */
    @FunctionalInterface
    public interface Proc6<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @param a5 the sixth argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) throws Exception;
    }

    /**
     * A function with 7 parameters and a result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <T6> type of the seventh parameter
     * @param <R> type of the result
     */
    @FunctionalInterface
    public interface Func7<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            T6 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @param a5 the sixth argument
         * @param a6 the seventh argument
         * @return the result
         * @throws Exception what the method throws
         */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) throws Exception;
    }

    /**
     * A function with 7 parameters and no result.
     *
     * @param <T0> type of the first parameter
     * @param <T1> type of the second parameter
     * @param <T2> type of the third parameter
     * @param <T3> type of the fourth parameter
     * @param <T4> type of the fifth parameter
     * @param <T5> type of the sixth parameter
     * @param <T6> type of the seventh parameter
     */
    @FunctionalInterface
    public interface Proc7<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            T6 extends @Nullable Object> extends Serializable {
        /**
         * Never called by the runtime, which only asks what this refers to.
         *
         * @param a0 the first argument
         * @param a1 the second argument
         * @param a2 the third argument
         * @param a3 the fourth argument
         * @param a4 the fifth argument
         * @param a5 the sixth argument
         * @param a6 the seventh argument
         * @throws Exception what the method throws
         */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) throws Exception;
    }

    private Functions() {}
}
