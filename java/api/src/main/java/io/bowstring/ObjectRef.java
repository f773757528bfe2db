package io.bowstring;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import java.io.Serializable;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A reference to a value that is there or is being made, here or in another process. It can be passed to tasks (where
 * it stands alone it is resolved first; inside other values it stays a reference), put, and returned. The value lives
 * while somebody holds a reference to it.
 *
 * @param <T> type of the value
 */
public interface ObjectRef<T extends @Nullable Object> extends Arg<T>, Serializable {
    /**
     * Waits for the value and reads it. Arrays, tensors and Arrow data in the store are views where they can be.
     *
     * @return the value; null only if that is the value
     * @throws BowstringException the error that the value is
     */
    T get();

    /**
     * Waits for the value at most so long.
     *
     * @param timeout zero or more; zero looks without waiting
     * @return the value; null only if that is the value
     * @throws GetTimeoutException if the value was not there in time
     * @throws InvalidArgumentException if the time is null or negative
     */
    T get(Duration timeout);

    /**
     * A future that ends with the value or its error. Cancelling it does not cancel the task.
     *
     * @return a new future, which a thread of the common pool ends
     */
    CompletableFuture<T> toCompletableFuture();

    /**
     * Lets go of the value now, instead of when this reference is garbage, which after a large value may be late. Other
     * references to it, and views that were read, keep the value; this one can't be used any more. Tasks that were given
     * it run on.
     */
    void release();

    /**
     * The same object, whose value is read as another type: an array or a list as a {@link Tensor}, bytes as a
     * {@link java.nio.ByteBuffer}, which are views where they can be; whole numbers as {@code Integer}. This reference
     * and the new one hold the object each by itself.
     *
     * @param <V> what the value is read as; {@code get} fails if it does not fit without loss
     * @param type the class of {@code V}; not null
     * @return a reference of its own to the same object
     * @throws InvalidArgumentException if the reference was released
     */
    <V> ObjectRef<V> as(Class<V> type);

    /** {@return the object's id: 40 hexadecimal digits} */
    String id();
}
