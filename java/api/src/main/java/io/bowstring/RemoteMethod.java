package io.bowstring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * What a method of an actor's class says of its calls. Retries are read where the actor is made, and travel with its
 * handle; the concurrency group is read by the actor's process.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
public @interface RemoteMethod {
    /** Stands for the actor's own number of retries. */
    int AS_THE_ACTOR = Integer.MIN_VALUE;

    /** Stands for a method that streams: it returns an {@code Iterator}, an {@code Iterable} or a {@code Stream}. */
    int STREAMING = -1;

    /**
     * How many results callers in other languages get if they say nothing: the method returns a list, an array or a
     * record of so many values, or is {@link #STREAMING}. In Java a call says itself what it wants.
     *
     * @return 1 or more, or {@link #STREAMING}
     */
    int numReturns() default 1;

    /**
     * How often a call may be made again after the actor's process ended, or after an error; -1: any number.
     *
     * @return 0 or more, or -1, or {@link #AS_THE_ACTOR}
     */
    int maxTaskRetries() default AS_THE_ACTOR;

    /**
     * Whether a call that threw is a reason to try again: any exception, or those of {@link #retryOn}.
     *
     * @return false: only those of {@link #retryOn} are
     */
    boolean retryExceptions() default false;

    /**
     * Exceptions, with their subclasses, after which a call is tried again; none: see {@link #retryExceptions}.
     *
     * @return the classes; none by default
     */
    Class<? extends Throwable>[] retryOn() default {};

    /**
     * The concurrency group that runs the calls; empty: the default one.
     *
     * @return a group that the actor's creator declares, or ""
     */
    String concurrencyGroup() default "";
}
