package io.bowstring.internal.worker;

import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.ObjectReader;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.wire.Blocked;
import io.bowstring.internal.wire.Credits;
import io.bowstring.internal.wire.LeaseRevoked;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.Unblocked;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that came and are not done (spec sections 4.3 to 4.7 and 5.2, the worker's side).
 *
 * <p>Leased work runs one at a time in the order in which it came. While the running task waits for an object, everything
 * behind it is returned, and so is what comes meanwhile: one of those may be what it waits for. An actor's calls are not
 * returned; they wait until its constructor is done.
 */
final class TaskQueue implements ObjectReader.Blocking {
    /** Ends tasks that were cancelled before they started, and a process that is forced to end. */
    interface Ends {
        void cancelled(Incoming incoming);

        void forced();

        /** The tasks of a group need one more thread; {@code number}: how many it has. */
        void startThread(String group, int number);

        /** A lease is about to be told over: what must be known before that is sent now. */
        default void revoking() {}
    }

    /**
     * Tasks that may overlap, and the threads for them. A new thread is started only when a task could run and every thread
     * is busy: calls that wait for their stages have none.
     */
    static final class Group {
        final String name;
        private int callsMax = 1;
        /** Taken and not done, with or without a thread. */
        private int calls;
        private int threadsMax = 1;
        private int threads;
        /** Threads that have a call. */
        private int busy;

        Group(String name) {
            this.name = name;
        }

        boolean lacksThread() {
            return busy >= threads && threads < threadsMax;
        }
    }

    /** How long a thread without work leaves the reading to another before it asks again. */
    private static final long FOLLOW_MS = 1000;
    /** How often it asks again at once, because the reactor's own thread steps down when it is asked. */
    private static final int HAND_OVERS = 3;

    /** The queue of the actor whose call this thread runs, where actors share the process. */
    private static final ThreadLocal<@Nullable TaskQueue> CURRENT = new ThreadLocal<>();

    private final Ends ends;
    private boolean shared;
    private boolean closed;
    @SuppressWarnings("NullAway.Init") // connected() comes before the first task
    private Session session;
    private Runnable lookAgain = () -> {};
    private final ArrayDeque<Incoming> waiting = new ArrayDeque<>();
    /** Calls that run, and whose stage has ended or shall end: a thread is to go on with each. */
    private final ArrayDeque<Incoming> due = new ArrayDeque<>();
    private final Map<String, Group> groups = new HashMap<>();
    private final Map<Id, Incoming> running = new HashMap<>();
    private final List<LeaseRevoked> revocations = new ArrayList<>();
    private long revokedEpoch;
    private int blockedThreads;
    private byte @Nullable [] actor;
    private boolean actorReady;
    private @Nullable Function<Incoming, String> groupOf;
    private long incarnation;
    private boolean draining;
    private int idleWaiters;

    TaskQueue(Ends ends) {
        this.ends = ends;
    }

    synchronized void connected(Session made) {
        session = made;
        lookAgain = made.reactor()::lookAgain;
    }

    /** It is that of one of several actors of the process. */
    synchronized void isShared() {
        shared = true;
    }

    /** This thread runs calls of this queue. */
    void enter() {
        if (shared) {
            CURRENT.set(this);
        }
    }

    /** The queue of the actor, of several in this process, whose call this thread runs; null: none. */
    static @Nullable TaskQueue current() {
        return CURRENT.get();
    }

    /** The actor whose calls these are. */
    synchronized byte @Nullable [] actor() {
        return actor;
    }

    /** Nothing comes any more, and the threads that wait for it end. */
    synchronized void close() {
        closed = true;
        notifyAll();
        lookAgain.run();
    }

    /** Interrupts what runs. */
    synchronized void interruptAll() {
        for (Incoming each : running.values()) {
            each.cancelled = true;
            interrupt(each);
        }
    }

    /** Ends what user code does for a task: on its thread, or by taking up again what waits for its stage. */
    private void interrupt(Incoming incoming) {
        if (incoming.interruptible != null) {
            incoming.interruptible.interrupt();
        } else if (incoming.suspended) {
            takeUp(incoming);
        }
    }

    // From callers ---------------------------------------------------------------------------------------------------

    synchronized void add(Incoming incoming) {
        boolean forActor = incoming.is(TaskFlag.METHOD);
        boolean stale = forActor
                ? actor == null || incoming.task.epoch != incarnation
                        || !Id.of(incoming.task.actor).equals(Id.of(actor))
                : incoming.task.epoch <= revokedEpoch || blockedThreads > 0 || actor != null;
        if (stale || draining) {
            incoming.caller.returned(incoming);
            return;
        }
        waiting.addLast(incoming);
        notifyAll();
        startThread(group(groupOf == null ? "" : groupOf.apply(incoming)));
    }

    /** Cancels a task; returns it if it runs. */
    synchronized @Nullable Incoming cancel(CallerLink caller, Id id, boolean force, boolean recursive) {
        Incoming active = running.get(id);
        if (active != null && active.caller == caller) {
            if (force && actor == null) {
                ends.forced();
            }
            active.recursive |= recursive;
            active.cancelled = true;
            interrupt(active);
            return active;
        }
        Incoming found = take(caller, id);
        if (found != null) {
            ends.cancelled(found);
        }
        return null;
    }

    private @Nullable Incoming take(CallerLink caller, Id id) {
        for (Iterator<Incoming> each = waiting.iterator(); each.hasNext(); ) {
            Incoming incoming = each.next();
            if (incoming.caller == caller && incoming.id.equals(id)) {
                each.remove();
                tellIfIdle();
                return incoming;
            }
        }
        return null;
    }

    /** Returns up to so many of a caller's waiting tasks, the last first. */
    synchronized void recall(CallerLink caller, long count) {
        long left = count;
        for (Iterator<Incoming> each = waiting.descendingIterator(); each.hasNext() && left > 0; ) {
            Incoming incoming = each.next();
            if (incoming.caller == caller && !incoming.is(TaskFlag.METHOD)) {
                each.remove();
                caller.returned(incoming);
                left--;
            }
        }
        tellIfIdle();
    }

    synchronized void deliver(CallerLink caller, Id id) {
        Incoming active = running.get(id);
        if (active != null && active.caller == caller) {
            active.deliverHome = true;
            return;
        }
        for (Incoming incoming : waiting) {
            if (incoming.caller == caller && incoming.id.equals(id)) {
                incoming.deliverHome = true;
            }
        }
    }

    /** How far the caller of a stream wants it made; unknown ones are over. */
    synchronized void credits(CallerLink caller, Id id, Credits credits) {
        Incoming stream = running.get(id);
        for (Incoming each : waiting) {
            stream = stream == null && each.id.equals(id) ? each : stream;
        }
        if (stream != null && stream.caller == caller && stream.items != null
                && stream.task.attempt == credits.attempt) {
            stream.items.credits(credits.first, credits.limit);
        }
    }

    /** Nobody takes the results: what is waiting is dropped. What runs goes on, for its effects. */
    synchronized void callerGone(CallerLink caller) {
        waiting.removeIf(incoming -> incoming.caller == caller);
        running.values().stream()
                .filter(incoming -> incoming.caller == caller
                        && (incoming.interruptible != null || incoming.suspended)
                        && (!incoming.is(TaskFlag.METHOD) || incoming.items != null))
                .forEach(incoming -> {
                    incoming.cancelled = true;
                    interrupt(incoming);
                });
        tellIfIdle();
    }

    // From the node --------------------------------------------------------------------------------------------------

    synchronized void revoke(long lease, long epoch) {
        revokedEpoch = Math.max(revokedEpoch, epoch);
        for (Iterator<Incoming> each = waiting.iterator(); each.hasNext(); ) {
            Incoming incoming = each.next();
            if (!incoming.is(TaskFlag.METHOD) && incoming.task.epoch <= revokedEpoch) {
                each.remove();
                incoming.caller.returned(incoming);
            }
        }
        LeaseRevoked done = new LeaseRevoked();
        done.lease = lease;
        done.epoch = epoch;
        revocations.add(done);
        acknowledge();
        tellIfIdle();
    }

    private void acknowledge() {
        for (Iterator<LeaseRevoked> each = revocations.iterator(); each.hasNext(); ) {
            LeaseRevoked done = each.next();
            boolean runs = running.values().stream()
                    .anyMatch(incoming -> !incoming.is(TaskFlag.METHOD) && incoming.task.epoch <= done.epoch);
            if (!runs) {
                each.remove();
                ends.revoking();
                session.send(done);
            }
        }
    }

    /** This worker becomes an actor; its calls wait until {@link #actorIsReady}. */
    synchronized void becomeActor(byte[] id, long startedBefore) {
        actor = id;
        incarnation = startedBefore;
        List<Incoming> early = new ArrayList<>(waiting);
        waiting.clear();
        early.forEach(this::add);
    }

    synchronized void actorIsReady() {
        actorReady = true;
        notifyAll();
    }

    /** Nothing more is taken; what waits is returned unless it is to be finished. */
    synchronized void drain(boolean graceful) {
        draining = true;
        if (!graceful) {
            waiting.forEach(incoming -> incoming.caller.returned(incoming));
            waiting.clear();
            tellIfIdle();
        }
    }

    /** What is here, for people: what runs first. */
    synchronized List<Incoming> present() {
        List<Incoming> present = new ArrayList<>(running.values());
        present.addAll(waiting);
        return present;
    }

    /** True while a task waits for an object. */
    synchronized boolean isBlocked() {
        return blockedThreads > 0;
    }

    /** Returns once nothing waits or runs; false: the time was over before. Not for virtual threads, which it would pin. */
    synchronized boolean awaitIdle(long timeoutMs) throws InterruptedException {
        long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        idleWaiters++;
        try {
            while (!isIdle()) {
                long leftNs = deadlineNs - System.nanoTime();
                if (leftNs <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(this, leftNs);
            }
            return true;
        } finally {
            idleWaiters--;
        }
    }

    private boolean isIdle() {
        return waiting.isEmpty() && running.isEmpty();
    }

    /** A task has gone; the lock is held. */
    private void tellIfIdle() {
        if (idleWaiters > 0 && isIdle()) {
            notifyAll();
        }
    }

    // From task threads ----------------------------------------------------------------------------------------------

    /** The next task to run, or null once it is closed; waits for it, and reads the connections meanwhile if nobody does. */
    @Nullable Incoming next(String name) throws InterruptedException {
        Group group = group(name);
        BooleanSupplier hasRunnable = () -> closed || runnable(group) != null;
        for (int refused = 0; ; ) {
            synchronized (this) {
                if (closed) {
                    return null;
                }
                Incoming first = runnable(group);
                if (first != null) {
                    take(first, group);
                    return first;
                }
            }
            if (!session.reactor().leadUntil(hasRunnable)) {
                synchronized (this) {
                    if (!closed && runnable(group) == null) {
                        wait(refused++ < HAND_OVERS ? 1 : FOLLOW_MS);
                    }
                }
            }
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
        }
    }

    /** A thread of the group runs a task from here on, or goes on with one; the lock is held. */
    private void take(Incoming first, Group group) {
        if (first.group == null) {
            waiting.remove(first);
            running.put(first.id, first);
            first.group = group;
            group.calls++;
        } else {
            due.remove(first);
        }
        group.busy++;
        startThread(group);
    }

    /** The first task that a thread of a group may run. */
    private synchronized @Nullable Incoming runnable(Group group) {
        for (Incoming each : due) {
            if (each.group == group) {
                return each;
            }
        }
        if (group.calls >= group.callsMax) {
            return null;
        }
        if (groupOf == null) {
            Incoming first = waiting.peekFirst();
            return first != null && (!first.is(TaskFlag.METHOD) || actorReady) ? first : null;
        }
        for (Incoming each : waiting) {
            if (actorReady && groupOf.apply(each).equals(group.name)) {
                return each;
            }
        }
        return null;
    }

    /** Whether a thread of a group has something to do; "" is the default one's. */
    boolean hasRunnable(String group) {
        return runnable(group(group)) != null;
    }

    private synchronized Group group(String name) {
        return groups.computeIfAbsent(name, Group::new);
    }

    /** So many tasks of a group may overlap, and have so many threads at most; the first one is started if it is missing. */
    synchronized void allow(String name, long callsMax, long threadsMax) {
        Group group = group(name);
        group.callsMax = (int) Math.min(Integer.MAX_VALUE, callsMax);
        group.threadsMax = (int) Math.min(Integer.MAX_VALUE, threadsMax);
        if (group.threads == 0) {
            ends.startThread(name, group.threads++);
        }
    }

    private void startThread(Group group) {
        if (group.lacksThread() && runnable(group) != null) {
            ends.startThread(group.name, group.threads++);
        }
    }

    // Stages ---------------------------------------------------------------------------------------------------------

    /** The thread leaves a call that goes on by itself; the call still counts as one that runs. */
    synchronized void suspend(Incoming incoming, AwaitedStage stage) {
        incoming.awaited = stage;
        incoming.interruptible = null;
        incoming.runner = null;
        incoming.suspended = true;
        Objects.requireNonNull(incoming.group).busy--;
        if (incoming.stageDone || incoming.cancelled || incoming.timedOut) {
            takeUp(incoming);
        }
    }

    /** The stage of a call has ended, perhaps before the call was left. */
    synchronized void stageEnded(Incoming incoming) {
        incoming.stageDone = true;
        if (incoming.suspended) {
            takeUp(incoming);
        }
    }

    /** A thread of the call's group goes on with it; the lock is held. */
    private void takeUp(Incoming incoming) {
        incoming.suspended = false;
        due.addLast(incoming);
        notifyAll();
        lookAgain.run(); // the leader's next round may be a millisecond away
        startThread(Objects.requireNonNull(incoming.group));
    }

    /** The actor has concurrency groups: says which one a call is in. */
    synchronized void setGroups(Function<Incoming, String> look) {
        groupOf = look;
    }

    synchronized boolean hasWaiting() {
        return !waiting.isEmpty();
    }

    synchronized void done(Incoming incoming) {
        running.remove(incoming.id, incoming);
        Group group = Objects.requireNonNull(incoming.group);
        group.calls--;
        group.busy--;
        acknowledge();
        tellIfIdle();
    }

    /** From here on an interrupt of this thread reaches user code; false: the task is cancelled already. */
    synchronized boolean enterUserCode(Incoming incoming) {
        if (incoming.cancelled) {
            return false;
        }
        incoming.interruptible = Thread.currentThread();
        return true;
    }

    /** From here on the thread is not interrupted any more, and shows no interrupt that came. */
    synchronized void leaveUserCode(Incoming incoming) {
        if (incoming.interruptible == Thread.currentThread()) { // else the call was left, and another may have it
            incoming.interruptible = null;
        }
        Thread.interrupted();
    }

    /** Interrupts user code whose time is over; false: it has come to its end. */
    synchronized boolean timeOut(Incoming incoming) {
        if (incoming.interruptible == null && !incoming.suspended) {
            return false;
        }
        incoming.timedOut = true;
        interrupt(incoming);
        return true;
    }

    /** Whether the task's thread is in user code. */
    synchronized boolean isInUserCode(Incoming incoming) {
        return incoming.interruptible != null;
    }

    @Override
    public void blocked() {
        synchronized (this) {
            blockedThreads++;
            if (actor == null) {
                for (Incoming incoming : waiting) {
                    incoming.caller.returned(incoming);
                }
                waiting.clear();
            }
        }
        Blocked blocked = new Blocked();
        blocked.epoch = epoch();
        blocked.actor = shared && actor != null ? actor : blocked.actor;
        session.send(blocked);
        session.reactor().flush();
    }

    @Override
    public void unblocked() {
        synchronized (this) {
            blockedThreads--;
        }
        Unblocked unblocked = new Unblocked();
        unblocked.epoch = epoch();
        unblocked.actor = shared && actor != null ? actor : unblocked.actor;
        session.send(unblocked);
    }

    private synchronized long epoch() {
        if (actor != null) {
            return 0;
        }
        return running.values().stream().mapToLong(incoming -> incoming.task.epoch).max().orElse(0);
    }
}
