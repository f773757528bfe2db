package io.bowstring;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * The kinds of functions that can run as tasks, by their number of parameters. Only references to methods and
 * constructors are accepted ({@code Foo::bar}); lambdas and references that capture an object are refused when they are
 * used, because nothing stable names them in another process.
 */
public final class Functions {
    /** A function with no parameters and a result. */
    @FunctionalInterface
    public interface Func0<R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call() throws Exception;
    }

    /** A function with no parameters and no result. */
    @FunctionalInterface
    public interface Proc0 extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call() throws Exception;
    }

    /** A function with one parameter and a result. */
    @FunctionalInterface
    public interface Func1<T0 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0) throws Exception;
    }

    /** A function with one parameter and no result. */
    @FunctionalInterface
    public interface Proc1<T0 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0) throws Exception;
    }

    /** A function with 2 parameters and a result. */
    @FunctionalInterface
    public interface Func2<T0 extends @Nullable Object, T1 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1) throws Exception;
    }

    /** A function with 2 parameters and no result. */
    @FunctionalInterface
    public interface Proc2<T0 extends @Nullable Object, T1 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1) throws Exception;
    }

    /** A function with 3 parameters and a result. */
    @FunctionalInterface
    public interface Func3<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1, T2 a2) throws Exception;
    }

    /** A function with 3 parameters and no result. */
    @FunctionalInterface
    public interface Proc3<T0 extends @Nullable Object, T1 extends @Nullable Object,
            T2 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1, T2 a2) throws Exception;
    }

    /** A function with 4 parameters and a result. */
    @FunctionalInterface
    public interface Func4<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1, T2 a2, T3 a3) throws Exception;
    }

    /** A function with 4 parameters and no result. */
    @FunctionalInterface
    public interface Proc4<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1, T2 a2, T3 a3) throws Exception;
    }

    /** A function with 5 parameters and a result. */
    @FunctionalInterface
    public interface Func5<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) throws Exception;
    }

    /** A function with 5 parameters and no result. */
    @FunctionalInterface
    public interface Proc5<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4) throws Exception;
    }

    /** A function with 6 parameters and a result. */
    @FunctionalInterface
    public interface Func6<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) throws Exception;
    }

    /** A function with 6 parameters and no result. */
    @FunctionalInterface
    public interface Proc6<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object,
            T5 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5) throws Exception;
    }

    /** A function with 7 parameters and a result. */
    @FunctionalInterface
    public interface Func7<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            T6 extends @Nullable Object, R extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        R call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) throws Exception;
    }

    /** A function with 7 parameters and no result. */
    @FunctionalInterface
    public interface Proc7<T0 extends @Nullable Object, T1 extends @Nullable Object, T2 extends @Nullable Object,
            T3 extends @Nullable Object, T4 extends @Nullable Object, T5 extends @Nullable Object,
            T6 extends @Nullable Object> extends Serializable {
        /** Never called by the runtime, which only asks what this refers to. */
        void call(T0 a0, T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6) throws Exception;
    }

    private Functions() {}
}
