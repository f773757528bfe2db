package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.LeaseGrant;
import io.bowstring.internal.wire.Recall;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Returned;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One worker, ours until it is returned or ends: what is in flight on it, and how much may be. The pool decides what it gets.
 * Guarded by the session's lock.
 */
final class Lease implements PeerLink.Listener {
    private static final int WINDOW_MAX = 128;
    private static final long WINDOW_NS = 2_000_000;

    private final Session session;
    private final LeasePool pool;
    final LeasePool.Key key;
    final LeaseGrant grant;
    final LinkedHashMap<Id, PendingTask> inFlight = new LinkedHashMap<>();
    @Nullable PeerLink link;
    int window = 2;
    double meanNs = -1;
    boolean recalled;
    boolean recalling;
    /** Its task waits for an object; until it ends, what comes is returned. */
    boolean blocked;
    boolean gone;
    /** Its worker ends after what is in flight: a function has run there as often as it may. */
    boolean retiring;
    @Nullable ErrorRecord ending;
    long idleSince;
    long progressNs = System.nanoTime();

    Lease(Session session, LeasePool pool, LeasePool.Key key, LeaseGrant grant) {
        this.session = session;
        this.pool = pool;
        this.key = key;
        this.grant = grant;
    }

    /** Whether one task more may be sent to it. */
    boolean hasRoom() {
        return link != null && link.isReady() && !gone && !recalled && !blocked && !retiring && inFlight.size() < window;
    }

    /** Whether its worker is being connected to. */
    boolean isConnecting() {
        return link != null && !link.isReady();
    }

    /** Whether it can send something that belongs to a task, because the worker has that. */
    boolean reaches(PendingTask task) {
        return link != null && inFlight.containsKey(task.id);
    }

    void tell(Table table) {
        Objects.requireNonNull(link).send(table);
    }

    /** Sends a task with the next round. */
    void send(PendingTask task) {
        task.lease = this;
        if (inFlight.isEmpty()) {
            progressNs = System.nanoTime();
        }
        inFlight.put(task.id, task);
        if (key.maxCalls() > 0) {
            retire(task);
        }
        if (task.retriesLeft == 0) {
            task.flags |= TaskFlag.EXACT;
        }
        ByteBuffer frame = task.frame(session.process(), session.nodeId(), Id.none(), grant.epoch);
        Objects.requireNonNull(link).queue(task, frame);
    }

    /** Counts a call that is about to be sent, and marks it if the worker shall run no more of them. */
    private void retire(PendingTask task) {
        int number = Objects.requireNonNull(link).calls.merge(Id.of(task.function.key()), 1, Integer::sum);
        if (number >= key.maxCalls()) {
            task.flags |= TaskFlag.RETIRE;
            retiring = true;
        }
    }

    /** A call that was to be the worker's last has come back: it will be another worker's. */
    private void unretire(PendingTask task) {
        if (key.maxCalls() > 0) {
            if ((task.flags & TaskFlag.RETIRE) != 0) {
                task.flags &= ~(long) TaskFlag.RETIRE;
                retiring = false;
            }
            if (link != null) {
                link.calls.merge(Id.of(task.function.key()), -1, Integer::sum);
            }
        }
    }

    /** Takes back up to so many tasks, the last first, but never the one that runs. */
    void recallQueued(int count) {
        if (link != null && inFlight.size() > 1) {
            recalling = true;
            Recall recall = new Recall();
            recall.count = Math.min(count, inFlight.size() - 1);
            link.send(recall);
        }
    }

    @Override
    public void ready(PeerLink from) {
        pool.pump(key);
    }

    @Override
    public void result(Result result, byte[] body) {
        PendingTask task = inFlight.get(Id.of(result.id));
        if (task == null || task.attempt != result.attempt) {
            return; // what comes twice, or late, is dropped (spec section 4.4, rule 1)
        }
        TaskEnds.check(task, result, body.length);
        inFlight.remove(task.id);
        recalling = false;
        blocked = false;
        progressNs = System.nanoTime();
        measure(result.durationNs);
        if (task.retries(result, body)) {
            task.retry();
            pool.again(task, false);
        } else {
            session.taskEnds().finish(task, result, body);
        }
        pool.settle(this);
    }

    private void measure(long durationNs) {
        meanNs = meanNs < 0 ? durationNs : meanNs * 0.8 + durationNs * 0.2;
        int wanted = (int) Math.max(1, Math.min(WINDOW_MAX, WINDOW_NS / Math.max(meanNs, 1000)));
        window = Math.min(wanted, window * 2);
    }

    @Override
    public void returned(Returned returned) {
        PendingTask task = inFlight.get(Id.of(returned.id));
        if (task == null || task.attempt != returned.attempt) {
            return;
        }
        inFlight.remove(task.id);
        recalling = false;
        blocked = !inFlight.isEmpty();
        unretire(task);
        if (task.cancelled) {
            session.taskEnds().fail(task, new TaskCancelledException(task.displayName() + " was cancelled"));
        } else {
            pool.again(task, true);
        }
        pool.settle(this);
    }

    @Override
    public void item(StreamItem item, byte[] body) {
        PendingTask task = inFlight.get(Id.of(item.id));
        if (task != null && task.attempt == item.attempt) {
            TaskEnds.check(task, item, body.length);
            progressNs = System.nanoTime();
            Objects.requireNonNull(task.stream).item(item, body);
        }
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        boolean greeted = link != null && link.isReady();
        link = null;
        if (ending != null) {
            pool.bury(this);
        } else if (cause instanceof BowstringException error && !gone) {
            // One side broke the protocol, and the worker lives: nothing more will be heard of these.
            List<PendingTask> left = new ArrayList<>(inFlight.values());
            inFlight.clear();
            if (!greeted) {
                left.addAll(pool.drain(key)); // the next connection to it would end so too
            }
            BowstringException broken = error.code().exception(error.details().withMayHaveExecuted(), error);
            left.forEach(task -> session.taskEnds().fail(task, ErrorRecords.again(broken)));
            pool.giveBack(this);
        } else if (!gone && inFlight.isEmpty()) {
            pool.giveBack(this);
        } else {
            gone = true; // the node tells how it ended
        }
    }
}
