package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Cancel;
import io.bowstring.internal.wire.Deliver;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.LeaseGrant;
import io.bowstring.internal.wire.LeaseRequest;
import io.bowstring.internal.wire.LeaseReturn;
import io.bowstring.internal.wire.LeaseWithdraw;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Tasks on leased workers (spec sections 4.3 and 4.4). Guarded by the session's lock.
 *
 * <p>Tasks of one key (language, resources, JVM flags) wait in one queue. A lease takes from it up to its window, which
 * grows with every short task and shrinks to one when tasks are long: a window hides the round trip, and anything behind
 * a long task would only wait. When a lease runs dry while another has tasks queued behind a slow one, those are recalled.
 */
final class LeasePool {
    private static final int LEASES_ASKED_MAX = 64;
    private static final long IDLE_RETURN_MS = 500;
    /** A task that runs this long has no other wait behind it. */
    private static final long STALL_MS = 10;

    /**
     * What workers a task can run on.
     *
     * @param maxCalls tasks of one function that a worker runs; 0: any number
     */
    record Key(int language, Map<String, Long> resources, String jvmFlags, Place place, int maxCalls) {}

    private static final class Queue {
        final ArrayDeque<PendingTask> waiting = new ArrayDeque<>();
        final List<Lease> leases = new ArrayList<>();
        final Map<Long, Integer> requests = new LinkedHashMap<>();

        int asked() {
            return requests.values().stream().mapToInt(Integer::intValue).sum();
        }
    }

    private final Session session;
    private final Map<Key, Queue> queues = new HashMap<>();
    private final Map<Long, Key> requests = new HashMap<>();
    private final Map<Long, Lease> leases = new HashMap<>();
    private boolean sweeping;
    private boolean watching;

    LeasePool(Session session) {
        this.session = session;
    }

    private Queue queue(Key key) {
        return queues.computeIfAbsent(key, unused -> new Queue());
    }

    /** Rows of the tasks that wait for a worker or are on one. */
    void describe(List<Map<String, Object>> rows) {
        queues.forEach((key, queue) -> {
            Map<String, Object> resources = new LinkedHashMap<>();
            key.resources.forEach((name, units) -> resources.put(name, units / 10_000.0));
            for (PendingTask task : queue.waiting) {
                Map<String, Object> row = Inspection.call(task, "PENDING_LEASE", key.language);
                row.put("resources", resources);
                rows.add(row);
            }
            for (Lease lease : queue.leases) {
                for (PendingTask task : lease.inFlight.values()) {
                    Map<String, Object> row = Inspection.call(task, "SENT", key.language);
                    row.put("resources", resources);
                    row.put("worker", String.format("%016x", lease.grant.worker));
                    rows.add(row);
                }
            }
        });
    }

    /** A task whose arguments are there. */
    void enqueue(PendingTask task) {
        Key key = Objects.requireNonNull(task.leaseKey);
        queue(key).waiting.addLast(task);
        pump(key);
    }

    void pump(Key key) {
        Queue queue = queue(key);
        while (!queue.waiting.isEmpty()) {
            Lease best = null;
            for (Lease lease : queue.leases) {
                if (lease.hasRoom() && (best == null || lease.inFlight.size() < best.inFlight.size())) {
                    best = lease;
                }
            }
            if (best == null) {
                break;
            }
            send(best, queue.waiting.removeFirst());
        }
        int missing = Math.min(queue.waiting.size(), LEASES_ASKED_MAX) - queue.asked()
                - (int) queue.leases.stream().filter(Lease::isConnecting).count();
        if (missing > 0) {
            ask(key, queue, missing);
        } else if (queue.waiting.isEmpty() && !queue.requests.isEmpty()) {
            for (long request : queue.requests.keySet()) {
                LeaseWithdraw withdraw = new LeaseWithdraw();
                withdraw.request = request;
                session.node().queue(withdraw);
                requests.remove(request); // a grant that is under way goes back at once
            }
            queue.requests.clear();
        }
    }

    private void ask(Key key, Queue queue, int count) {
        LeaseRequest request = new LeaseRequest();
        request.request = session.node().number();
        request.language = key.language;
        request.count = count;
        request.backlog = queue.waiting.size();
        request.resources = Placing.resources(key.resources);
        request.jvmFlags = key.jvmFlags;
        request.environment = key.place.environmentKey();
        request.placementGroup = key.place.groupId();
        request.bundle = key.place.bundle();
        request.captureChildren = key.place.capturesChildren();
        requests.put(request.request, key);
        queue.requests.put(request.request, count);
        session.node().queue(request);
    }

    private void send(Lease lease, PendingTask task) {
        if (!lease.inFlight.isEmpty() && !watching) {
            watching = true;
            session.schedule(STALL_MS, this::watch);
        }
        lease.send(task);
    }

    /** A task that came back, or is to run again, waits once more. */
    void again(PendingTask task, boolean first) {
        ArrayDeque<PendingTask> waiting = queue(Objects.requireNonNull(task.leaseKey)).waiting;
        if (first) {
            waiting.addFirst(task);
        } else {
            waiting.addLast(task);
        }
    }

    /** Takes every task that waits for a worker of a key. */
    List<PendingTask> drain(Key key) {
        ArrayDeque<PendingTask> waiting = queue(key).waiting;
        List<PendingTask> drained = new ArrayList<>(waiting);
        waiting.clear();
        return drained;
    }

    /** Takes back what waits behind a task that turns out long, so that it runs elsewhere. */
    private void watch() {
        watching = false;
        long now = System.nanoTime();
        for (Lease lease : leases.values()) {
            if (lease.inFlight.size() > 1) {
                watching = true;
                if (!lease.recalling && now - lease.progressNs >= STALL_MS * 1_000_000) {
                    lease.window = 1;
                    lease.recallQueued(Integer.MAX_VALUE);
                }
            }
        }
        if (watching) {
            session.schedule(STALL_MS, this::watch);
        }
    }

    // What the node says ---------------------------------------------------------------------------------------------

    void granted(LeaseGrant grant) {
        Key key = requests.get(grant.request);
        Lease lease = new Lease(
                session, this, key == null ? new Key(0, Map.of(), "", Place.ANYWHERE, 0) : key, grant);
        leases.put(grant.lease, lease);
        if (key == null) {
            giveBack(lease);
            return;
        }
        Queue queue = queue(key);
        Integer open = queue.requests.get(grant.request);
        if (open != null) {
            if (open == 1) {
                queue.requests.remove(grant.request);
                requests.remove(grant.request);
            } else {
                queue.requests.put(grant.request, open - 1);
            }
        }
        queue.leases.add(lease);
        lease.link = session.peers().connect(grant.address, lease);
        if (lease.link == null) {
            giveBack(lease);
        }
        settle(lease);
    }

    void refused(long request, BowstringException error) {
        Key key = requests.remove(request);
        if (key == null) {
            return;
        }
        queue(key).requests.remove(request);
        for (PendingTask task : drain(key)) {
            session.taskEnds().fail(task, ErrorRecords.again(error));
        }
    }

    void recall(long number) {
        Lease lease = leases.get(number);
        if (lease != null && !lease.gone) {
            lease.recalled = true;
            lease.recallQueued(Integer.MAX_VALUE);
            settle(lease);
        }
    }

    void ended(long number, ErrorRecord error) {
        Lease lease = leases.get(number);
        if (lease == null) {
            return;
        }
        lease.ending = error;
        lease.gone = true;
        if (lease.link == null) {
            bury(lease);
        }
    }

    /** The worker has ended and its socket was read to the end (spec section 4.4, rule 4). */
    void bury(Lease lease) {
        leases.remove(lease.grant.lease);
        Queue queue = queue(lease.key);
        queue.leases.remove(lease);
        List<PendingTask> left = new ArrayList<>(lease.inFlight.values());
        lease.inFlight.clear();
        boolean mayHaveRun = true;
        List<PendingTask> again = new ArrayList<>();
        for (int i = 0; i < left.size(); i++) {
            PendingTask task = left.get(i);
            if (i > 0 && (task.flags & TaskFlag.EXACT) != 0) {
                mayHaveRun = false;
            }
            task.lease = null;
            task.flags &= ~(long) TaskFlag.RETIRE;
            if (task.cancelled) {
                session.taskEnds().fail(task, new TaskCancelledException(task.displayName() + " was cancelled"));
            } else if (!mayHaveRun) {
                again.add(task);
            } else if (i > 0 || task.mayRetry()) {
                if (i == 0) {
                    task.retry();
                } else {
                    task.attempt++;
                    task.flags |= TaskFlag.EXACT;
                }
                again.add(task);
            } else {
                ErrorDetails details = ErrorRecords.exception(Objects.requireNonNull(lease.ending)).details();
                // It crashed, or was ended for the memory that it used.
                session.taskEnds().fail(task, details.code().exception(
                        new ErrorDetails(details.code(),
                                "the worker that ran " + task.displayName() + " (process " + lease.grant.pid
                                        + ") ended: " + details.message(),
                                details.language(), "", "", "", true, true, lease.grant.pid, List.of()),
                        null));
            }
        }
        Collections.reverse(again);
        again.forEach(queue.waiting::addFirst);
        pump(lease.key);
    }

    // Giving back ----------------------------------------------------------------------------------------------------

    /** After every change of a lease: give it work, return it, or let it wait a little for more. */
    void settle(Lease lease) {
        pump(lease.key);
        if (lease.gone || !lease.inFlight.isEmpty()) {
            return;
        }
        if (lease.recalled) {
            giveBack(lease);
            return;
        }
        Queue queue = queue(lease.key);
        for (Lease other : queue.leases) {
            if (other != lease && other.inFlight.size() > 1 && !other.recalling && !other.gone) {
                other.recallQueued(other.inFlight.size() / 2);
                break;
            }
        }
        lease.idleSince = System.nanoTime();
        if (!sweeping) {
            sweeping = true;
            session.schedule(IDLE_RETURN_MS, this::sweep);
        }
    }

    private void sweep() {
        sweeping = false;
        long now = System.nanoTime();
        boolean more = false;
        for (Lease lease : List.copyOf(leases.values())) {
            if (!lease.gone && lease.inFlight.isEmpty()) {
                if (now - lease.idleSince >= IDLE_RETURN_MS * 900_000) {
                    giveBack(lease);
                } else {
                    more = true;
                }
            }
        }
        if (more) {
            sweeping = true;
            session.schedule(IDLE_RETURN_MS / 2, this::sweep);
        }
    }

    void giveBack(Lease lease) {
        lease.gone = true;
        leases.remove(lease.grant.lease);
        queue(lease.key).leases.remove(lease);
        if (lease.link != null) {
            lease.link.detach();
            lease.link = null;
        }
        LeaseReturn back = new LeaseReturn();
        back.lease = lease.grant.lease;
        session.node().queue(back);
        pump(lease.key); // tasks may have counted on it
    }

    // What the user says ---------------------------------------------------------------------------------------------

    void cancel(PendingTask task, boolean force, boolean recursive) {
        task.cancelled = true;
        Lease lease = task.lease;
        if (lease != null && lease.reaches(task)) {
            Cancel cancel = new Cancel();
            cancel.id = task.id.bytes();
            cancel.force = force;
            cancel.recursive = recursive;
            lease.tell(cancel);
        } else if (lease == null || !lease.inFlight.containsKey(task.id)) {
            queue(Objects.requireNonNull(task.leaseKey)).waiting.remove(task);
            session.taskEnds().fail(
                    task, new TaskCancelledException(task.displayName() + " was cancelled before it started"));
        }
    }

    /** Sends what belongs to a task, if a worker has it. */
    void send(PendingTask task, Table table) {
        Lease lease = task.lease;
        if (lease != null && lease.reaches(task)) {
            lease.tell(table);
        }
    }

    void deliver(PendingTask task) {
        task.flags |= TaskFlag.DELIVER_HOME;
        Lease lease = task.lease;
        if (lease != null && lease.reaches(task)) {
            Deliver deliver = new Deliver();
            deliver.id = task.id.bytes();
            task.deliverSent = true;
            lease.tell(deliver);
        }
    }

    void close() {
        for (Lease lease : List.copyOf(leases.values())) {
            lease.gone = true;
            if (lease.link != null) {
                lease.link.detach();
            }
        }
        leases.clear();
    }
}
