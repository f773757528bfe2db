package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.value.Conversions;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.WireRef;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads values and waits for them, on the thread that wants them, which leads the reactor meanwhile. In a worker a wait
 * that is not short is told to the node (spec section 4.5).
 */
public final class ObjectReader {
    private static final Logger LOGGER = System.getLogger(ObjectReader.class.getName());
    private static final long WAIT_UNBLOCKED_MS = 2;

    private final Session session;
    private volatile ClassLoader classLoader = ObjectReader.class.getClassLoader();
    private volatile @Nullable Blocking blocking;

    ObjectReader(Session session) {
        this.session = session;
    }

    /** What a worker does around a wait, so that its CPU is free meanwhile (spec section 4.5). */
    public interface Blocking {
        void blocked();

        void unblocked();
    }

    public void setClassLoader(ClassLoader loader) {
        classLoader = loader;
    }

    public void setBlocking(Blocking hooks) {
        blocking = hooks;
    }

    // Reading --------------------------------------------------------------------------------------------------------

    private Fetch fetch(ObjectEntry entry) {
        Fetch fetch = new Fetch(session, entry);
        session.locked(() -> {
            if (entry.isActor) {
                throw new InvalidArgumentException("an actor has no value; call its methods");
            }
            fetch.start();
        });
        return fetch;
    }

    /** "READY" or "FAILED" if the value is in this process; else empty. */
    String readiness(ObjectRef<?> ref) {
        ObjectEntry entry = reference(ref).entry();
        String[] here = {""};
        session.locked(() -> {
            Payload local = entry.local;
            if (local != null) {
                here[0] = local.encoding() == Encoding.ERROR ? "FAILED" : "READY";
            }
        });
        return here[0];
    }

    ObjectReference<?> reference(ObjectRef<?> ref) {
        if (!(ref instanceof ObjectReference<?> reference)) {
            throw new InvalidArgumentException("an ObjectRef of " + ref.getClass() + ", which is not the runtime's");
        }
        return session.references().own(reference.session(), reference);
    }

    @Nullable Object get(ObjectReference<?> reference, long timeoutNs) {
        session.references().own(reference.session(), reference);
        Fetch fetch = fetch(reference.entry());
        boolean mine = reference.entry().owned;
        try {
            Object fetched = fetch.done().isDone() ? await(fetch.done(), timeoutNs, mine)
                    : waiting(List.of(reference), () -> await(fetch.done(), timeoutNs, mine));
            return Fetch.decode(session, fetched, reference.type());
        } catch (GetTimeoutException | TaskCancelledException error) {
            fetch.abandon();
            throw error;
        }
    }

    /** The values of several references, in order; all are asked for before the first is waited for. */
    public List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        long deadline = deadline(timeoutNs);
        List<Fetch> fetches = new ArrayList<>(refs.size());
        for (ObjectRef<?> ref : refs) {
            fetches.add(fetch(reference(ref).entry()));
        }
        List<@Nullable Object> values = new ArrayList<>(refs.size());
        try {
            for (int i = 0; i < fetches.size(); i++) {
                ObjectReference<?> reference = reference(refs.get(i));
                long left = timeoutNs == Long.MAX_VALUE ? timeoutNs : Math.max(0, deadline - System.nanoTime());
                CompletableFuture<Object> done = fetches.get(i).done();
                Object fetched = done.isDone() ? await(done, left, reference.entry().owned)
                        : waiting(List.of(reference), () -> await(done, left, reference.entry().owned));
                values.add(Fetch.decode(session, fetched, reference.type()));
            }
        } finally {
            fetches.forEach(Fetch::abandon);
        }
        return values;
    }

    /** Waits for objects, which the task of this thread is then known to do. */
    private static <T> T waiting(List<ObjectReference<?>> refs, Supplier<T> wait) {
        TaskContext context = TaskContext.current();
        if (context == null) {
            return wait.get();
        }
        context.waits(refs.stream().map(each -> each.entry().id).toList());
        try {
            return wait.get();
        } finally {
            context.waits(List.of());
        }
    }

    private static long deadline(long timeoutNs) {
        return timeoutNs == Long.MAX_VALUE ? Long.MAX_VALUE : System.nanoTime() + timeoutNs;
    }

    /** Waits for a future; a worker says so meanwhile, at once if it waits for work of its own. */
    <T extends @Nullable Object> T await(CompletableFuture<T> future, long timeoutNs, boolean mine) {
        if (session.reactor().isCurrentThread()) {
            throw new InvalidArgumentException("the connection thread must not wait");
        }
        Blocking hooks = blocking;
        boolean told = false;
        try {
            if (!future.isDone()) {
                session.reactor().flush();
                if (hooks != null && TaskContext.current() != null) {
                    if (!mine && timeoutNs > TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS)) {
                        try {
                            return session.reactor().await(future, TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS));
                        } catch (TimeoutException stillOut) {
                            timeoutNs = timeoutNs == Long.MAX_VALUE ? timeoutNs
                                    : timeoutNs - TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS);
                        }
                    }
                    told = true;
                    hooks.blocked();
                }
            }
            return session.reactor().await(future, timeoutNs);
        } catch (TimeoutException error) {
            throw new GetTimeoutException("the value was not there in time");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new TaskCancelledException("the wait was interrupted", error);
        } catch (CancellationException error) {
            throw new TaskCancelledException("the wait was given up", error);
        } catch (ExecutionException error) {
            throw error.getCause() instanceof BowstringException known ? ErrorRecords.again(known)
                    : new CompletionException(error.getCause());
        } finally {
            if (told && hooks != null) {
                hooks.unblocked();
            }
        }
    }

    /** Waits for what a worker must have before it can go on. */
    public <T extends @Nullable Object> T await(CompletableFuture<T> future) {
        return await(future, Long.MAX_VALUE, false);
    }

    CompletableFuture<@Nullable Object> future(ObjectReference<?> reference) {
        session.references().own(reference.session(), reference);
        Fetch fetch = fetch(reference.entry());
        session.reactor().wake();
        return fetch.done().thenApplyAsync(fetched -> {
            Object value = Fetch.decode(session, fetched, reference.type());
            java.lang.ref.Reference.reachabilityFence(reference);
            return value;
        });
    }

    /** Reads a reference that is an argument: the value, as its encoding has it. The caller holds the reference. */
    public CompletableFuture<Object> fetchArgument(WireRef ref) {
        ObjectEntry entry = new ObjectEntry(Id.of(ref.id()), ref, false);
        Fetch fetch = new Fetch(session, entry);
        session.locked(fetch::start);
        return fetch.done();
    }

    /** Decodes what {@link #fetchArgument} gave, perhaps as a type. */
    public @Nullable Object decodeFetched(Object fetched, @Nullable Type type) {
        return Fetch.decode(session, fetched, type);
    }

    /** Decodes a payload as a type that may be known. */
    public @Nullable Object decode(Payload payload, @Nullable Type type) {
        Class<?> wanted = type == null ? null : Conversions.erase(type);
        ClassLoader loader = classLoader;
        ClassLoader threads = Thread.currentThread().getContextClassLoader();
        if (!session.isWorker() && threads != null) {
            loader = threads;
        }
        Object value;
        try {
            value = Values.decode(payload, session.references(), loader, wanted);
        } finally {
            TaskContext context = TaskContext.current();
            if (context != null && session.isWorker()) {
                session.locked(() -> session.objects().holdRead(context));
            }
        }
        return type == null || wanted == Object.class || wanted == void.class ? value : Conversions.convert(value, type);
    }

    @Nullable Object decodeStored(ObjectValue value, @Nullable Type type) {
        Class<?> wanted = type == null ? null : Conversions.erase(type);
        StoredValue.Use use = StoredValue.Use.PARTS;
        if (Conversions.holdsPrimitives(wanted)) {
            use = StoredValue.Use.COPY;
        } else if (value.encoding == Encoding.ARROW || value.encoding == Encoding.TENSOR) {
            use = StoredValue.Use.VIEW;
        }
        StoredValue stored = session.store().stored(value, use);
        boolean read = false;
        try {
            Object decoded = decode(Payload.stored(value.encoding, stored), type);
            read = true;
            return decoded;
        } finally {
            stored.end(read);
        }
    }

    // Waiting --------------------------------------------------------------------------------------------------------

    /** Splits references into those that are ready and the rest, once enough are or the time is over. */
    public <T extends @Nullable Object> List<List<ObjectRef<T>>> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        if (numReturns < 0 || numReturns > refs.size()) {
            throw new InvalidArgumentException(
                    "numReturns is " + numReturns + "; it is from 0 to the number of references, " + refs.size());
        }
        List<ObjectReference<?>> all = new ArrayList<>(refs.size());
        refs.forEach(ref -> all.add(reference(ref)));
        CompletableFuture<Boolean> enough = new CompletableFuture<>();
        int[] missing = {numReturns};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                enough.complete(true);
            }
        };
        session.locked(() -> {
            for (ObjectReference<?> reference : all) {
                ObjectEntry entry = reference.entry();
                if (entry.isReady()) {
                    one.run();
                } else {
                    entry.onReady(one);
                    session.objects().watch(entry);
                }
            }
        });
        if (numReturns > 0) {
            try {
                waiting(all, () -> await(enough, timeoutNs, true));
            } catch (GetTimeoutException late) {
                LOGGER.log(Level.TRACE, "wait ran out of time", late);
            }
        }
        List<ObjectRef<T>> ready = new ArrayList<>();
        List<ObjectRef<T>> unready = new ArrayList<>();
        session.locked(() -> {
            for (int i = 0; i < all.size(); i++) {
                ObjectEntry entry = all.get(i).entry();
                entry.forget(one);
                (entry.isReady() && ready.size() < numReturns ? ready : unready).add(refs.get(i));
            }
        });
        return List.of(ready, unready);
    }
}
