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
    /** The runtime that this process is part of. */
    static RuntimeLink current() {
        return Bowstring.link();
    }

    /** Tells the API that this process works for a runtime, until {@link #withdraw}: {@code init} has no place in it. */
    static void join(RuntimeLink link) {
        Bowstring.joined(link);
    }

    /** The end of {@link #join}. */
    static void withdraw(RuntimeLink link) {
        Bowstring.withdrawn(link);
    }

    /**
     * A tensor that is a view.
     *
     * @param data the elements, row-major, little endian
     * @param release lets go of their memory; run once, when the tensor is closed
     */
    static Tensor tensor(ElementType element, long[] shape, ByteBuffer data, Runnable release) {
        return Tensor.view(element, shape, data, release);
    }

    /** Submits a task. */
    ObjectRef<?> submit(FunctionDescriptor function, List<?> arguments, CallOptions options, @Nullable Type type);

    /** Submits a task with a result for each of the types. */
    List<ObjectRef<?>> submitAll(
            FunctionDescriptor function, List<?> arguments, CallOptions options, List<Class<?>> types);

    /** Submits a task that makes a stream. */
    Items stream(FunctionDescriptor function, List<?> arguments, CallOptions options);

    /** Makes an actor: an {@link ActorHandle} or a {@link PyActorHandle}, as its class is. */
    Object create(FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options);

    /** Options of a call of a method, as the actor and the method declare them. */
    CallOptions callOptions(Object actor, String method);

    /** Calls a method of an actor, by its name or its name and descriptor. */
    ObjectRef<?> call(
            Object actor, String method, List<?> arguments, CallOptions options, @Nullable Type type);

    /** Calls a method of an actor with a result for each of the types. */
    List<ObjectRef<?>> callAll(
            Object actor, String method, List<?> arguments, CallOptions options, List<Class<?>> types);

    /** Calls a method of an actor that makes a stream. */
    Items callStream(Object actor, String method, List<?> arguments, CallOptions options);

    /** Puts a value. */
    <T extends @Nullable Object> ObjectRef<T> put(T value);

    /** Waits for all values and reads them; {@code Long.MAX_VALUE}: for as long as it takes. */
    List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs);

    /** Waits until so many references are ready, or the time is over. */
    <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs);

    /** References as they become ready, to go through once; a GetTimeoutException if that takes longer in all. */
    default <T extends @Nullable Object> Iterator<ObjectRef<T>> completions(
            List<? extends ObjectRef<T>> refs, long timeoutNs) {
        return new Completions<>(this, refs, timeoutNs);
    }

    /** The handle of the actor that this code runs in. */
    Object currentActor();

    /** Cancels the task that makes a value. */
    void cancel(ObjectRef<?> ref, boolean force, boolean recursive);

    /** The handle of a named actor; empty namespace: this job's. */
    Object lookup(String name, String namespace);

    /** Ends an actor's process. */
    void kill(Object actor, boolean noRestart);

    /** Ends the actor that this code runs in; does not return. */
    void exitActor();

    /** Rows of a StateKind (spec section 8.1) that pass all filters; at most so many, or all if {@code limit} is 0. */
    List<Map<String, @Nullable Object>> state(int kind, List<StateFilter> filters, long limit);

    /** The same page by page, for what would not fit into memory. */
    default Iterator<List<Map<String, @Nullable Object>>> statePages(int kind, List<StateFilter> filters, long limit) {
        return List.of(state(kind, filters, limit)).iterator();
    }

    /** "READY" or "FAILED" if this process knows that a value has come to that; else empty. */
    String readiness(ObjectRef<?> ref);

    /** Tells the driver how far something has come, if this process has not left the runtime. */
    void progress(ProgressNote note);

    /**
     * Reserves a placement group; returns its id in hexadecimal.
     *
     * @param name empty: none
     * @param strategy number of the PlacementStrategy (spec chapter 11)
     * @param detached whether it lives until it is removed
     * @param bundles amounts in 1/10000, by resource
     */
    String createGroup(String name, int strategy, boolean detached, List<Map<String, Long>> bundles);

    /** Gives a placement group's bundles back. */
    void removeGroup(String id);

    /** Placement groups: the one of an id, or else of a name, or else all. */
    List<GroupRecord> groups(String id, String name);

    /** Id of the placement group whose resources this code uses; empty: none. */
    String currentGroup();

    /** Where this code runs. */
    RuntimeContext context();

    /**
     * Memory of the store for the image of a value (spec section 3.1) that is built in place.
     *
     * @param size bytes
     * @param encoding number of the image's encoding
     * @param type what the value is read as
     */
    <T> Memory<T> allocate(long size, int encoding, Class<T> type);

    /** Memory of the store for a tensor's elements. */
    Memory<Tensor> allocateTensor(ElementType element, long[] shape, int size);

    /** Leaves the runtime, and ends it if this process started it. */
    void close();

    /** Memory of the store that is filled and then put, once, or given back. */
    interface Memory<T> {
        /** The bytes, little endian, of memory below 2 GiB. */
        ByteBuffer bytes();

        /** Some of the bytes, which one buffer can hold if they start where {@link #place} says. */
        default ByteBuffer bytes(long at, long length) {
            return bytes().slice(Math.toIntExact(at), Math.toIntExact(length)).order(ByteOrder.LITTLE_ENDIAN);
        }

        /** The first place, from one on, where one buffer can hold so many bytes; it may be behind the end. */
        default long place(long at, long length) {
            return at;
        }

        /** Puts what was built, which takes so many of the bytes. */
        ObjectRef<T> put(long length);

        /**
         * The same, and the bytes stay where they are, for this process to read.
         *
         * @param pinned gets what ends that, to be run once
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
        /** Waits until an item is there; false: the stream is over. */
        boolean await();

        /** Ends when an item is there or the stream is over. */
        CompletableFuture<Void> ready();

        /** The next item, if one is there; its taking lets the worker make more. */
        @Nullable ObjectRef<?> poll(@Nullable Class<?> type);

        /** Whether nothing is there and nothing comes. */
        boolean isOver();

        /** Nobody reads on: what came is released, and what runs is cancelled. */
        void close();

        /** The same once an object is garbage, which these items must not refer to. */
        void closeWhenUnreachable(Object reader);
    }
}
