package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.ValueState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** How tasks that this process submitted end: by their Results, by failures, or by being cancelled (spec section 4.4). */
public final class TaskEnds {
    private final Session session;

    TaskEnds(Session session) {
        this.session = session;
    }

    /** Refuses a result that is none of this task (spec section 4.4, rule 8), before anything is made of it. */
    static void check(PendingTask task, Result result, int bodyLength) {
        int count = result.returns.size();
        boolean failed = result.status != TaskStatus.OK;
        int expected = task.numReturns > 0 ? task.numReturns : failed ? 1 : 0; // a stream, and a task without results
        if (count != expected) {
            throw new ProtocolException("a Result of " + count + " values; " + expected + " were expected");
        }
        for (Return value : result.returns) {
            check(value, bodyLength);
            if (task.stream != null && value.encoding() != Encoding.ERROR) {
                throw new ProtocolException("a worker ended a stream with a value");
            }
        }
    }

    /** Refuses an item of what is no stream, or that is not where it says. */
    static void check(PendingTask task, StreamItem item, int bodyLength) {
        if (task.stream == null) {
            throw new ProtocolException("a StreamItem of a task that makes no stream");
        }
        check(item.value, bodyLength);
    }

    private static void check(Return value, int bodyLength) {
        boolean known = value.state() == ValueState.STORED || value.state() == ValueState.INLINE;
        if (!known || value.offset() + value.length() > bodyLength) {
            throw new ProtocolException("a value is not in its body of " + bodyLength + " bytes: " + value);
        }
    }

    /** The Result of a task came; the lock is held. */
    void finish(PendingTask task, Result result, byte[] body) {
        task.done = true;
        task.lease = null;
        if (task.stream == null) {
            boolean delivered = (task.flags & TaskFlag.DELIVER_HOME) != 0 && !task.deliverSent;
            for (int index = 0; index < task.numReturns; index++) {
                Return value = result.returns.get(index);
                complete(task.results.get(index), value, body, (value.flags() & 1) != 0 || delivered);
            }
        } else if (result.returns.isEmpty()) {
            task.stream.end(null);
        } else {
            Return error = result.returns.get(0);
            task.stream.end(Payload.inBody(error.encoding(), error.layout(), body, error.offset(), error.length()));
        }
        release(task);
    }

    /** The value of an object of ours came; the lock is held. */
    void complete(ObjectEntry entry, Return value, byte[] body, boolean delivered) {
        if (value.state() == ValueState.STORED) {
            session.objects().completeStored(entry);
        } else if (value.state() == ValueState.INLINE) {
            Payload payload = Payload.inBody(value.encoding(), value.layout(), body, value.offset(), value.length());
            if (delivered) {
                session.objects().completeDelivered(entry, payload);
            } else {
                session.objects().completeLocal(entry, payload, List.of());
            }
        } else {
            throw new ProtocolException("a value is neither inline nor stored");
        }
    }

    /** A task will have no Result; the lock is held. */
    void fail(PendingTask task, BowstringException error) {
        if (!task.done) {
            task.done = true;
            task.lease = null;
            if (task.stream != null) {
                task.stream.fail(error);
            } else {
                task.results.forEach(result -> session.objects().fail(result, error));
            }
            release(task);
        }
    }

    /** Sends what belongs to a task to the worker that has it, if any; the lock is held. */
    void send(PendingTask task, Table table) {
        if (task.actor != null) {
            task.actor.send(task, table);
        } else {
            session.leases().send(task, table);
        }
    }

    /** Lets go of what the task held; the lock is held. */
    void release(PendingTask task) {
        if (task.dependencies > 0) {
            session.arguments().forget(task);
        }
        task.holds.forEach(session.objects()::release);
        task.holds.clear();
    }

    /** A result's reference escaped: its home is to get the value too; the lock is held. */
    void deliver(PendingTask task) {
        if (task.retryRule != null || (task.flags & TaskFlag.DELIVER_HOME) != 0) {
            return; // an error that is tried again must not come home first (spec 4.9/2)
        }
        if (task.actor != null) {
            task.actor.deliver(task);
        } else if (task.leaseKey != null) {
            session.leases().deliver(task);
        }
        // The worker may now tell of every result, so its home must know whose they are, and which are wanted no more.
        task.results.forEach(session.objects()::expect);
    }

    /** Cancels a task by its result. */
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        ObjectEntry entry = session.reader().reference(ref).entry();
        session.locked(() -> {
            if (!entry.owned) {
                throw new InvalidArgumentException("only the process that submitted a task can cancel it");
            }
            PendingTask task = entry.producer;
            if (task == null || task.done) {
                return;
            }
            if (task.actor != null && force) {
                throw new InvalidArgumentException("a call on an actor can't be forced to end; kill the actor");
            }
            cancel(task, force, recursive);
        });
    }

    /** Cancels a task that is not done; the lock is held. */
    void cancel(PendingTask task, boolean force, boolean recursive) {
        if (task.actor != null) {
            task.actor.cancel(task, recursive);
        } else {
            session.leases().cancel(task, force, recursive);
        }
    }

    /** Returns once no result of what a task has submitted is awaited any more, or the time is over. */
    public void awaitChildren(TaskContext parent, long timeoutNs) {
        CompletableFuture<Boolean> over = new CompletableFuture<>();
        List<ObjectEntry> awaited = new ArrayList<>();
        int[] missing = {0};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                over.complete(true);
            }
        };
        session.locked(() -> {
            for (PendingTask child : session.objects().submittedBy(parent)) {
                for (ObjectEntry result : child.numReturns > 0 ? child.results : List.<ObjectEntry>of()) {
                    if (!result.isReady()) {
                        missing[0]++;
                        result.onReady(one);
                        awaited.add(result);
                    }
                }
            }
        });
        if (awaited.isEmpty()) {
            return;
        }
        try {
            session.reader().await(over, timeoutNs, true);
        } catch (GetTimeoutException late) {
            session.locked(() -> awaited.forEach(result -> result.forget(one)));
        }
    }

    /** Cancels what a task has submitted and is not done. */
    public void cancelChildren(TaskContext parent) {
        session.locked(() -> session.objects().submittedBy(parent).forEach(task -> cancel(task, false, true)));
    }
}
