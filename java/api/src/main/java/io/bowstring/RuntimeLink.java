package io.bowstring;

import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.GroupRecord;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.function.FunctionDescriptor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This process's part in a runtime: all that the API's classes ask for, once they have checked what users gave them. For
 * runtimes, not for programs.
 *
 * <p>Arguments are values and references, in which {@link Arg}s of values are unwrapped. A result's type is what its value
 * is converted to; null: it is left as it comes.
 */
public interface RuntimeLink {
    /**
     * The runtime that this process is part of.
     *
     * @return the runtime that this process works for, or else the one that it drives
     * @throws io.bowstring.errors.RuntimeStoppedException if there is none
     */
    static RuntimeLink current() {
        return Bowstring.link();
    }

    /**
     * Tells the API that this process works for a runtime, until {@link #withdraw}: {@code init} has no place in it.
     *
     * @param link what the API's classes are to ask
     * @throws io.bowstring.errors.InvalidArgumentException if this process has a runtime already
     */
    static void join(RuntimeLink link) {
        Bowstring.joined(link);
    }

    /**
     * The end of {@link #join}.
     *
     * @param link what was joined; another one is left alone
     */
    static void withdraw(RuntimeLink link) {
        Bowstring.withdrawn(link);
    }

    /**
     * A tensor that is a view.
     *
     * @param element type of the elements
     * @param shape length of each dimension; copied
     * @param data the elements, row-major, little endian
     * @param release lets go of their memory; run once, when the tensor is closed
     * @return a read-only view of the data
     */
    static Tensor tensor(ElementType element, long[] shape, ByteBuffer data, Runnable release) {
        return Tensor.view(element, shape, data, release);
    }

    /**
     * Submits a task.
     *
     * @param function what runs
     * @param arguments values and references
     * @param options as they are now; copied
     * @param type what the result is converted to; null: left as it comes
     * @return the result's reference
     */
    ObjectRef<?> submit(FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type);

    /**
     * Submits a task with a result for each of the types.
     *
     * @param function what runs
     * @param arguments values and references
     * @param options as they are now; copied
     * @param types what each result is converted to; its size says how many there are
     * @return a reference for each type
     */
    List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types);

    /**
     * Submits a task that makes a stream.
     *
     * @param function what runs
     * @param arguments values and references
     * @param options as they are now; copied
     * @return the caller's end of the stream
     */
    Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options);

    /**
     * Makes an actor: an {@link ActorHandle} or a {@link PyActorHandle}, as its class is.
     *
     * @param type the actor's class
     * @param constructor name and descriptor of the constructor; empty in Python
     * @param arguments values and references
     * @param options as they are now; copied
     * @return the handle
     */
    Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options);

    /**
     * Options of a call of a method, as the actor and the method declare them.
     *
     * @param actor an {@link ActorHandle} or a {@link PyActorHandle}
     * @param method the method's name alone
     * @return options that the call may change
     */
    CallOptions callOptions(Object actor, String method);

    /**
     * Calls a method of an actor, by its name or its name and descriptor.
     *
     * @param actor an {@link ActorHandle} or a {@link PyActorHandle}
     * @param method the method's name; in Java with its descriptor
     * @param arguments values and references
     * @param options those of {@link #callOptions}, as the call has changed them
     * @param type what the result is converted to; null: left as it comes
     * @return the result's reference
     */
    ObjectRef<?> call(
            Object actor, String method, List<?> arguments, CallOptions options, @Nullable Type type);

    /**
     * Calls a method of an actor with a result for each of the types.
     *
     * @param actor an {@link ActorHandle} or a {@link PyActorHandle}
     * @param method the method's name; in Java with its descriptor
     * @param arguments values and references
     * @param options those of {@link #callOptions}, as the call has changed them
     * @param types what each result is converted to; its size says how many there are
     * @return a reference for each type
     */
    List<ObjectRef<?>> callAll(
            Object actor, String method, List<?> arguments, CallOptions options, List<Class<?>> types);

    /**
     * Calls a method of an actor that makes a stream.
     *
     * @param actor an {@link ActorHandle} or a {@link PyActorHandle}
     * @param method the method's name; in Java with its descriptor
     * @param arguments values and references
     * @param options those of {@link #callOptions}, as the call has changed them
     * @return the caller's end of the stream
     */
    Items callStream(Object actor, String method, List<?> arguments, CallOptions options);

    /**
     * Puts a value.
     *
     * @param <T> type of the value
     * @param value the value, which is encoded before this returns
     * @return its reference, which is ready
     */
    <T extends @Nullable Object> ObjectRef<T> put(T value);

    /**
     * Waits for all values and reads them.
     *
     * @param refs whose values are read
     * @param timeoutNs nanoseconds for all of them; {@code Long.MAX_VALUE}: as long as it takes
     * @return the values, in order; the first error is thrown
     */
    List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs);

    /**
     * Waits until so many references are ready, or the time is over.
     *
     * @param <T> type of the values
     * @param refs different references
     * @param numReturns from 1 to their number
     * @param timeoutNs nanoseconds; {@code Long.MAX_VALUE}: as long as it takes
     * @return at most {@code numReturns} that are ready, and the rest
     */
    <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs);

    /**
     * References as they become ready, to go through once; a GetTimeoutException if that takes longer in all.
     *
     * @param <T> type of the values
     * @param refs different references
     * @param timeoutNs nanoseconds for all of them; {@code Long.MAX_VALUE}: as long as it takes
     * @return the references, those that are ready first
     */
    default <T extends @Nullable Object> Iterator<ObjectRef<T>> completions(
            List<? extends ObjectRef<T>> refs, long timeoutNs) {
        return new Completions<>(this, refs, timeoutNs);
    }

    /**
     * The handle of the actor that this code runs in.
     *
     * @return a new handle
     */
    Object currentActor();

    /**
     * Cancels the task that makes a value.
     *
     * @param ref one of the task's results
     * @param force whether the worker's process is ended if the task runs
     * @param recursive whether what it has submitted is cancelled too
     */
    void cancel(ObjectRef<?> ref, boolean force, boolean recursive);

    /**
     * Finds a named actor.
     *
     * @param name the actor's name
     * @param namespace empty: this job's
     * @return a new handle
     */
    Object lookup(String name, String namespace);

    /**
     * Ends an actor's process.
     *
     * @param actor an {@link ActorHandle} or a {@link PyActorHandle}
     * @param noRestart whether it stays dead, although it has restarts left
     */
    void kill(Object actor, boolean noRestart);

    /** Ends the actor that this code runs in; does not return. */
    void exitActor();

    /**
     * Asks the node for rows of its state (spec section 8.1).
     *
     * @param kind number of the StateKind
     * @param filters which all of the rows pass
     * @param limit how many rows at most; 0: all
     * @return the rows, by names of fields
     */
    List<Map<String, @Nullable Object>> state(int kind, List<StateFilter> filters, long limit);

    /**
     * The same page by page, for what would not fit into memory.
     *
     * @param kind number of the StateKind
     * @param filters which all of the rows pass
     * @param limit how many rows at most; 0: all
     * @return pages of rows, each asked for as it is wanted
     */
    default Iterator<List<Map<String, @Nullable Object>>> statePages(int kind, List<StateFilter> filters, long limit) {
        return List.of(state(kind, filters, limit)).iterator();
    }

    /**
     * Looks at what this process knows of a value, without asking others.
     *
     * @param ref the value's reference
     * @return "READY" or "FAILED"; empty: not known to be either
     */
    String readiness(ObjectRef<?> ref);

    /**
     * Tells the driver how far something has come, if this process has not left the runtime.
     *
     * @param note the bar and where it stands
     */
    void progress(ProgressNote note);

    /**
     * Reserves a placement group.
     *
     * @param name empty: none
     * @param strategy number of the PlacementStrategy (spec chapter 11)
     * @param detached whether it lives until it is removed
     * @param bundles amounts in 1/10000, by resource
     * @return its id, 32 hexadecimal digits
     */
    String createGroup(String name, int strategy, boolean detached, List<Map<String, Long>> bundles);

    /**
     * Gives a placement group's bundles back.
     *
     * @param id 32 hexadecimal digits; a group that is gone is no error
     */
    void removeGroup(String id);

    /**
     * Asks the node for placement groups: the one of an id, or else of a name, or else all.
     *
     * @param id 32 hexadecimal digits; empty: any
     * @param name a name in this job's namespace; empty: any
     * @return the groups that there are
     */
    List<GroupRecord> groups(String id, String name);

    /**
     * Tells the placement group whose resources this code uses.
     *
     * @return its id, 32 hexadecimal digits; empty: none
     */
    String currentGroup();

    /**
     * Where this code runs.
     *
     * @return ids and settings of the task, actor or driver that calls
     */
    RuntimeContext context();

    /**
     * Memory of the store for the image of a value (spec section 3.1) that is built in place.
     *
     * @param <T> what the value is read as
     * @param size bytes
     * @param encoding number of the image's encoding
     * @param type the class of {@code T}
     * @return memory that nobody else sees until it is put
     */
    <T> Memory<T> allocate(long size, int encoding, Class<T> type);

    /**
     * Memory of the store for a tensor's elements.
     *
     * @param element type of the elements
     * @param shape length of each dimension
     * @param size bytes of all elements
     * @return memory that nobody else sees until it is put
     */
    Memory<Tensor> allocateTensor(ElementType element, long[] shape, int size);

    /** Leaves the runtime, and ends it if this process started it. */
    void close();

    /**
     * Memory of the store that is filled and then put, once, or given back.
     *
     * @param <T> what the value is read as
     */
    interface Memory<T> {
        /**
         * The bytes, little endian, of memory below 2 GiB.
         *
         * @return all of them, writable
         */
        ByteBuffer bytes();

        /**
         * Some of the bytes, which one buffer can hold if they start where {@link #place} says.
         *
         * @param at where they start
         * @param length how many; below 2 GiB
         * @return a buffer over them, little endian
         */
        default ByteBuffer bytes(long at, long length) {
            return bytes().slice(Math.toIntExact(at), Math.toIntExact(length)).order(ByteOrder.LITTLE_ENDIAN);
        }

        /**
         * The first place, from one on, where one buffer can hold so many bytes; it may be behind the end.
         *
         * @param at from where on, in bytes
         * @param length how many bytes one buffer is to hold
         * @return the place, {@code at} or behind it
         */
        default long place(long at, long length) {
            return at;
        }

        /**
         * Puts what was built, which takes so many of the bytes.
         *
         * @param length bytes that were filled, from the start; what is behind them is given back
         * @return the value's reference
         */
        ObjectRef<T> put(long length);

        /**
         * The same, and the bytes stay where they are, for this process to read.
         *
         * @param length bytes that were filled, from the start
         * @param pinned gets what ends that, to be run once
         * @return the value's reference
         */
        default ObjectRef<T> putPinned(long length, Consumer<Runnable> pinned) {
            pinned.accept(() -> {});
            return put(length);
        }

        /** Gives it back. */
        void giveBack();
    }

    /** The caller's end of a stream. */
    interface Items {
        /**
         * Waits until an item is there, or the stream is over.
         *
         * @return whether an item is there
         */
        boolean await();

        /**
         * Ends when an item is there or the stream is over.
         *
         * @return a new future, which ends on a thread of the runtime
         */
        CompletableFuture<Void> ready();

        /**
         * The next item, if one is there; its taking lets the worker make more.
         *
         * @param type what the item is converted to; null: left as it comes
         * @return the item's reference; null: none is there now
         */
        @Nullable ObjectRef<?> poll(@Nullable Class<?> type);

        /** {@return whether nothing is there and nothing comes} */
        boolean isOver();

        /** Nobody reads on: what came is released, and what runs is cancelled. */
        void close();

        /**
         * The same once an object is garbage, which these items must not refer to.
         *
         * @param reader what users hold
         */
        void closeWhenUnreachable(Object reader);
    }
}
