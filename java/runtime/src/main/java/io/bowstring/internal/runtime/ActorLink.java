package io.bowstring.internal.runtime;

import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.ActorUnavailableException;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.errors.PendingCallsLimitException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ActorLife;
import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.ActorSubscribe;
import io.bowstring.internal.wire.Cancel;
import io.bowstring.internal.wire.Deliver;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Returned;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.WireHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One actor as this process calls it (spec section 5.2). Guarded by the session's lock.
 *
 * <p>Calls wait in the order of their making until the actor is alive and their arguments are there; a call whose
 * arguments are not ready holds up those behind it. Calls that were sent and not answered when the worker ended are made
 * again if they may be, else they fail as "may have run".
 */
final class ActorLink implements PeerLink.Listener {
    final WireHandle handle;
    /** Of the handles that there are now, or were last. */
    ObjectEntry entry;
    private final Session session;
    private final byte[] id;
    private final boolean logged; // its calls keep their sequence in all its lives (spec 5.4/1)
    private final ArrayDeque<PendingTask> waiting = new ArrayDeque<>();
    private final ArrayDeque<PendingTask> givenBack = new ArrayDeque<>(); // to go before those that wait, in this order
    private final LinkedHashMap<Id, PendingTask> inFlight = new LinkedHashMap<>();
    private @Nullable PeerLink link;
    private String linkAddress = "";
    private int life = ActorLife.PENDING;
    private long incarnation;
    private long linkIncarnation = -1;
    private String address = "";
    private long nextSequence;
    private boolean subscribed;
    private boolean created;
    private @Nullable ErrorRecord why;

    /** Rows of the calls that are not over. */
    void describe(List<Map<String, Object>> rows) {
        String actor = Id.of(id).toString();
        for (PendingTask task : waiting) {
            Map<String, Object> row = Inspection.call(task, stateOfWaiting(task), handle.language);
            row.put("actor", actor);
            rows.add(row);
        }
        for (PendingTask task : inFlight.values()) {
            Map<String, Object> row = Inspection.call(task, "SENT", handle.language);
            row.put("actor", actor);
            rows.add(row);
        }
    }

    private String stateOfWaiting(PendingTask task) {
        return !task.resolved ? "PENDING_ARGUMENTS" : link == null ? "PENDING_ACTOR" : "SENT";
    }

    ActorLink(Session session, WireHandle handle, ObjectEntry entry, boolean created) {
        this.session = session;
        this.handle = handle;
        this.entry = entry;
        this.created = created;
        this.id = entry.id.task();
        this.logged = handle.checkpointInterval != 0;
    }

    byte[] id() {
        return id;
    }

    /** Whether nothing of it need be remembered: it is dead, or was never called. */
    boolean isOver() {
        return life == ActorLife.DEAD || !subscribed;
    }

    /** The node has been asked to make the actor; from here on it can be asked about it. */
    void created() {
        created = true;
        if (!waiting.isEmpty()) {
            subscribe();
        }
    }

    /** It will never be made. */
    void failed(BowstringException error) {
        life = ActorLife.DEAD;
        why = ErrorRecords.of(error);
        failWaiting();
    }

    private void subscribe() {
        if (!subscribed && created) {
            subscribed = true;
            ActorSubscribe subscribe = new ActorSubscribe();
            subscribe.actor = id;
            session.node().queue(subscribe);
        }
    }

    void call(PendingTask task) {
        int limit = handle.maxPendingCalls;
        if (limit > 0 && givenBack.size() + waiting.size() + inFlight.size() >= limit) {
            throw new PendingCallsLimitException("this process has " + limit + " calls pending on the actor "
                    + handle.module + ", which is its limit; wait for some of them first");
        }
        waiting.addLast(task);
        subscribe();
    }

    /** Sends what can be sent, in order. */
    void pump() {
        takeBack();
        if (life == ActorLife.DEAD) {
            failWaiting();
            return;
        }
        if (life == ActorLife.ALIVE && link == null && linkIncarnation != incarnation) {
            connect();
            return;
        }
        if (life != ActorLife.ALIVE || link == null || !link.isReady() || linkIncarnation != incarnation) {
            return;
        }
        for (PendingTask task; (task = waiting.peekFirst()) != null && task.resolved; ) {
            waiting.removeFirst();
            if (task.done) {
                continue;
            }
            if (logged ? task.sequenceIncarnation < 0 : task.sequenceIncarnation != incarnation) {
                task.sequence = nextSequence++;
                task.sequenceIncarnation = incarnation;
            }
            inFlight.put(task.id, task);
            link.queue(task, task.frame(session.process(), session.nodeId(), id, incarnation));
        }
    }

    void state(ActorState state) {
        life = state.life;
        why = state.error;
        incarnation = state.incarnation;
        address = state.address;
        if (life == ActorLife.ALIVE && linkIncarnation != incarnation) {
            if (link == null) {
                connect();
            }
            return;
        }
        resolveInFlight();
        pump();
    }

    private void connect() {
        linkIncarnation = incarnation;
        linkAddress = address;
        nextSequence = logged ? nextSequence : 0;
        link = session.peers().connect(linkAddress, this);
        pump();
    }

    @Override
    public void ready(PeerLink from) {
        pump();
    }

    @Override
    public void result(Result result, byte[] body) {
        PendingTask task = inFlight.get(Id.of(result.id));
        if (task == null || task.attempt != result.attempt) {
            return;
        }
        TaskEnds.check(task, result, body.length);
        inFlight.remove(task.id);
        if (task.retries(result, body)) {
            task.retry();
            task.sequenceIncarnation = -1;
            waiting.addFirst(task);
            pump();
            return;
        }
        session.taskEnds().finish(task, result, body);
    }

    @Override
    public void returned(Returned returned) {
        PendingTask task = inFlight.get(Id.of(returned.id));
        if (task == null || task.attempt != returned.attempt) {
            return;
        }
        inFlight.remove(task.id);
        if (task.cancelled) {
            session.taskEnds().fail(task, new TaskCancelledException(task.displayName() + " was cancelled"));
        } else {
            givenBack.addLast(task); // another incarnation's worker answered: the next one gets it
        }
    }

    @Override
    public void item(StreamItem item, byte[] body) {
        PendingTask task = inFlight.get(Id.of(item.id));
        if (task != null && task.attempt == item.attempt) {
            TaskEnds.check(task, item, body.length);
            Objects.requireNonNull(task.stream).item(item, body);
        }
    }

    @Override
    public void closed(@Nullable Throwable cause) {
        boolean greeted = link != null && link.isReady();
        link = null;
        if (cause instanceof BowstringException error) {
            // One side broke the protocol, and the worker may live: nothing more will be heard of these calls.
            List<PendingTask> left = new ArrayList<>(inFlight.values());
            inFlight.clear();
            linkIncarnation = -1;
            if (!greeted) {
                left.addAll(waiting); // the next connection to it would end so too
                waiting.clear();
            }
            left.forEach(task -> session.taskEnds().fail(task, new ActorUnavailableException(
                    ErrorDetails.of(ErrorCode.ACTOR_UNAVAILABLE, error.details().message()).withMayHaveExecuted(),
                    error)));
            if (!waiting.isEmpty()) {
                pump();
            }
            return; // else the next call connects again
        }
        if (life == ActorLife.ALIVE && linkIncarnation != incarnation) {
            resolveInFlight();
            connect();
            return;
        }
        resolveInFlight();
        pump();
    }

    /** Once the worker's socket is read to its end and the node has said that its life is over. */
    private void resolveInFlight() {
        boolean over = life != ActorLife.ALIVE || linkIncarnation != incarnation;
        if (link != null || !over || inFlight.isEmpty()) {
            return;
        }
        List<PendingTask> left = new ArrayList<>(inFlight.values());
        inFlight.clear();
        takeBack(); // they were sent behind those that are left
        List<PendingTask> again = new ArrayList<>();
        for (PendingTask task : left) {
            if (task.cancelled) {
                session.taskEnds().fail(task, new TaskCancelledException(task.displayName() + " was cancelled"));
            } else if (logged && life != ActorLife.DEAD) {
                task.attempt += again.isEmpty() ? 1 : 0;
                again.add(task);
            } else if (life != ActorLife.DEAD && task.mayRetry()) {
                task.retry();
                again.add(task);
            } else {
                session.taskEnds().fail(task, ended(task, true));
            }
        }
        again(again);
    }

    private void again(List<PendingTask> tasks) {
        List<PendingTask> reversed = new ArrayList<>(tasks);
        Collections.reverse(reversed);
        reversed.forEach(waiting::addFirst);
    }

    private void takeBack() {
        if (givenBack.isEmpty()) {
            return;
        }
        while (!givenBack.isEmpty()) {
            waiting.addFirst(givenBack.removeLast());
        }
        if (logged) {
            // They may have been sent more than once since: none may overtake one with a smaller sequence.
            List<PendingTask> sorted = new ArrayList<>(waiting);
            sorted.sort(Comparator.comparingLong(task -> task.sequenceIncarnation < 0 ? Long.MAX_VALUE : task.sequence));
            waiting.clear();
            waiting.addAll(sorted);
        }
    }

    private void failWaiting() {
        takeBack();
        while (!waiting.isEmpty()) {
            PendingTask task = waiting.removeFirst();
            if (!task.done) {
                session.taskEnds().fail(task, ended(task, false));
            }
        }
    }

    private BowstringException ended(PendingTask task, boolean mayHaveRun) {
        boolean dead = life == ActorLife.DEAD;
        String reason = why == null || why.code == 0 ? "" : ": " + reason(why);
        if (dead && why != null && !mayHaveRun && why.code != 0 && why.code != ErrorCode.ACTOR_DIED.number()) {
            return ErrorRecords.exception(why); // it never ran, or its placement group is gone
        }
        String message = "the actor " + handle.module + (handle.className.isEmpty() ? "" : "." + handle.className)
                + (dead ? " is dead" : " restarts") + reason;
        ErrorDetails details = ErrorDetails.of(dead ? ErrorCode.ACTOR_DIED : ErrorCode.ACTOR_UNAVAILABLE, message);
        if (mayHaveRun) {
            details = details.withMayHaveExecuted();
        }
        return dead ? new ActorDiedException(details, null) : new ActorUnavailableException(details, null);
    }

    /** What the node says, but for what it can't know: whether this call may have run. */
    private static String reason(ErrorRecord why) {
        ErrorRecord said = ErrorRecord.decode(why.encode());
        said.mayHaveExecuted = false;
        return String.valueOf(ErrorRecords.exception(said).getMessage());
    }

    void cancel(PendingTask task, boolean recursive) {
        task.cancelled = true;
        takeBack();
        if (inFlight.containsKey(task.id) && link != null) {
            Cancel cancel = new Cancel();
            cancel.id = task.id.bytes();
            cancel.recursive = recursive;
            link.send(cancel);
        } else if (waiting.remove(task)) {
            session.taskEnds().fail(task, new TaskCancelledException(task.displayName() + " was cancelled before it started"));
            pump();
        }
    }

    /** Sends what belongs to a call, if the worker has it. */
    void send(PendingTask task, Table table) {
        if (inFlight.containsKey(task.id) && link != null) {
            link.send(table);
        }
    }

    void deliver(PendingTask task) {
        task.flags |= TaskFlag.DELIVER_HOME;
        if (inFlight.containsKey(task.id) && link != null) {
            Deliver deliver = new Deliver();
            deliver.id = task.id.bytes();
            task.deliverSent = true;
            link.send(deliver);
        }
    }

    void detach() {
        if (link != null) {
            link.detach();
            link = null;
        }
    }
}
