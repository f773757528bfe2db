package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.WaitResult;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Waiting for values of the runtime, and reading them. */
final class LocalReads {
    private final LocalRuntime runtime;

    LocalReads(LocalRuntime runtime) {
        this.runtime = runtime;
    }

    /** Waits; a task's CPU is free meanwhile. */
    <T extends @Nullable Object> T await(CompletableFuture<T> future, long timeoutNs) {
        AttemptRunner.Running running = future.isDone() ? null : AttemptRunner.current();
        if (running != null) {
            runtime.board().blocked(running.task(), true);
        }
        try {
            return timeoutNs == Long.MAX_VALUE ? future.get() : future.get(timeoutNs, TimeUnit.NANOSECONDS);
        } catch (TimeoutException late) {
            throw new GetTimeoutException("the value was not there in time");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new TaskCancelledException("the wait was interrupted", error);
        } catch (ExecutionException error) {
            throw new IllegalStateException("nothing here fails by a future", error);
        } finally {
            if (running != null) {
                runtime.board().blocked(running.task(), false);
            }
        }
    }

    private void awaitReady(LocalObject object, long timeoutNs) {
        CompletableFuture<@Nullable Void> there = new CompletableFuture<>();
        Runnable tell = () -> there.complete(null);
        synchronized (runtime.lock()) {
            if (object.isReady()) {
                return;
            }
            object.onReady(tell);
        }
        try {
            await(there, timeoutNs);
        } finally {
            synchronized (runtime.lock()) {
                object.forget(tell);
            }
        }
    }

    @Nullable Object get(LocalRef<?> ref, long timeoutNs) {
        LocalObject object = runtime.own(ref.runtime(), ref).object();
        awaitReady(object, timeoutNs);
        return runtime.values().read(runtime.payload(object), ref.type());
    }

    CompletableFuture<@Nullable Object> future(LocalRef<?> ref) {
        LocalObject object = runtime.own(ref.runtime(), ref).object();
        CompletableFuture<@Nullable Void> there = new CompletableFuture<>();
        synchronized (runtime.lock()) {
            if (object.isReady()) {
                there.complete(null);
            } else {
                object.onReady(() -> there.complete(null));
            }
        }
        return there.thenApplyAsync(nothing -> runtime.values().read(runtime.payload(object), ref.type()));
    }

    List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        long deadline = System.nanoTime() + timeoutNs;
        List<@Nullable Object> read = new ArrayList<>(refs.size());
        for (ObjectRef<?> ref : refs) {
            long left = timeoutNs == Long.MAX_VALUE ? timeoutNs : Math.max(0, deadline - System.nanoTime());
            read.add(get(runtime.mine(ref), left));
        }
        return read;
    }

    <T extends @Nullable Object> WaitResult<T> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        CompletableFuture<@Nullable Void> enough = new CompletableFuture<>();
        int[] missing = {numReturns};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                enough.complete(null);
            }
        };
        List<LocalObject> objects = new ArrayList<>(refs.size());
        for (ObjectRef<T> ref : refs) {
            objects.add(runtime.mine(ref).object());
        }
        synchronized (runtime.lock()) {
            for (LocalObject object : objects) {
                if (object.isReady()) {
                    one.run();
                } else {
                    object.onReady(one);
                }
            }
        }
        boolean late = false;
        try {
            if (!refs.isEmpty()) {
                await(enough, timeoutNs);
            }
        } catch (GetTimeoutException over) {
            late = true;
        }
        List<ObjectRef<T>> ready = new ArrayList<>();
        List<ObjectRef<T>> unready = new ArrayList<>();
        synchronized (runtime.lock()) {
            for (int i = 0; i < objects.size(); i++) {
                LocalObject object = objects.get(i);
                object.forget(one);
                (object.isReady() && ready.size() < numReturns ? ready : unready).add(refs.get(i));
            }
        }
        assert late || ready.size() >= Math.min(numReturns, refs.size());
        return new WaitResult<>(ready, unready);
    }

    String readiness(ObjectRef<?> ref) {
        LocalObject object = runtime.mine(ref).object();
        synchronized (runtime.lock()) {
            Payload payload = object.payload();
            return payload == null ? "" : payload.encoding() == Encoding.ERROR ? "FAILED" : "READY";
        }
    }
}
