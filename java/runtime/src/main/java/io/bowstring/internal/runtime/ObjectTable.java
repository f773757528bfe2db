package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.GetMode;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectGet;
import io.bowstring.internal.wire.ObjectPublish;
import io.bowstring.internal.wire.ObjectSeal;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.RefHold;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * The objects that this process knows, its counts of them, and what it tells their homes (spec chapter 6).
 *
 * <p>A value stays here until its reference escapes. Then the home is told, first the objects inside it, so that nobody
 * meets a reference before its home has heard of it. All methods want the session's lock held.
 */
final class ObjectTable {
    private final Session session;
    private final Map<Id, ObjectEntry> entries = new HashMap<>();

    ObjectTable(Session session) {
        this.session = session;
    }

    /** A new object of this process, with one handle. */
    ObjectEntry own(Id id) {
        WireRef ref = new WireRef(id.bytes(), 0, session.process(), session.nodeId());
        ObjectEntry entry = new ObjectEntry(id, ref, true);
        entry.handles = 1;
        entries.put(id, entry);
        return entry;
    }

    /** The entry of a reference that was read out of a value, with one more handle. */
    ObjectEntry borrow(WireRef ref) {
        Id id = Id.of(ref.id());
        ObjectEntry entry = entries.get(id);
        if (entry == null) {
            entry = new ObjectEntry(id, ref, false);
            entry.known = true;
            entries.put(id, entry);
            hold(entry);
        }
        entry.handles++;
        return entry;
    }

    /** The entry of an actor's reference that the node has counted for this process already. */
    ObjectEntry borrowHeld(WireRef ref) {
        Id id = Id.of(ref.id());
        ObjectEntry entry = entries.get(id);
        if (entry == null) {
            entry = new ObjectEntry(id, ref, false);
            entry.known = true;
            entry.held = true;
            entries.put(id, entry);
        }
        entry.handles++;
        return entry;
    }

    private void hold(ObjectEntry entry) {
        entry.held = true;
        TaskContext context = TaskContext.current();
        if (context == null || !session.isWorker()) {
            session.node().change(entry.ref, 1);
            return;
        }
        context.read(entry.ref);
    }

    /** Holds what a task has just read out of a value, all at once; its Result waits for the answer. */
    void holdRead(TaskContext context) {
        List<WireRef> refs = context.takeRead();
        if (refs.isEmpty()) {
            return;
        }
        CompletableFuture<Void> acknowledged = new CompletableFuture<>();
        RefHold hold = new RefHold();
        hold.request = session.node().number(answer -> acknowledged.complete(null));
        hold.refs = refs;
        session.node().queue(hold);
        context.keeps(refs, acknowledged);
    }

    void acquire(ObjectEntry entry) {
        entry.handles++;
    }

    void release(ObjectEntry entry) {
        if (--entry.handles > 0) {
            return;
        }
        entries.remove(entry.id, entry);
        if (entry.held) {
            entry.held = false;
            session.node().change(entry.ref, -1);
        }
        entry.local = null;
        if (entry.stored != null) {
            session.store().memory().letGo(entry.stored);
            entry.stored = null;
        }
        List<ObjectEntry> nested = entry.nested;
        entry.nested = List.of();
        nested.forEach(this::release);
        if (entry.isActor) {
            session.actors().forget(entry.id);
        }
    }

    // Values ---------------------------------------------------------------------------------------------------------

    /** The value of an object of this process is here; the entry takes over the handles of what is nested in it. */
    void completeLocal(ObjectEntry entry, Payload payload, List<ObjectEntry> nested) {
        if (entry.handles <= 0) {
            nested.forEach(this::release);
            return;
        }
        entry.producer = null;
        entry.local = payload;
        entry.nested = nested;
        if (entry.known) {
            publishLocal(entry);
        }
        entry.fireReady();
    }

    /** The value of an object of this process is at its home, which counts this process as a holder. */
    void completeStored(ObjectEntry entry) {
        if (entry.handles <= 0) {
            dropRegistered(entry);
            return;
        }
        entry.producer = null;
        entry.ready = true;
        entry.known = true;
        entry.held = true;
        entry.fireReady();
    }

    /** The value is here, and the home has it too, because it contains references. */
    void completeDelivered(ObjectEntry entry, Payload payload) {
        if (entry.handles <= 0) {
            dropRegistered(entry);
            return;
        }
        entry.producer = null;
        entry.local = payload;
        entry.known = true;
        entry.held = true;
        entry.fireReady();
    }

    /** Who makes an object for us registers us as its holder, unless we were that already and said that we are no more. */
    private void dropRegistered(ObjectEntry entry) {
        if (!entry.known) {
            session.node().change(entry.ref, -1);
        }
    }

    void fail(ObjectEntry entry, BowstringException error) {
        completeLocal(entry, ErrorRecords.payload(ErrorRecords.of(error)), List.of());
    }

    /** Writes a value into the store and tells its home. The extent was written by the caller. */
    void seal(
            ObjectEntry entry, StoreClient.Extent extent, long length, int encoding, List<ObjectEntry> nested) {
        ObjectSeal seal = new ObjectSeal();
        seal.ref = entry.ref;
        seal.location = new Location(extent.grant().segment, 0, extent.grant().offset, length);
        seal.extent = extent.grant().extent;
        seal.encoding = encoding;
        seal.contains = publishAll(nested);
        session.node().queue(seal);
        entry.ready = true;
        entry.known = true;
        entry.held = true;
        keeps(entry, seal.location);
        nested.forEach(this::release);
        entry.fireReady();
    }

    /** The entry keeps what lies there. */
    void keeps(ObjectEntry entry, Location place) {
        if (entry.stored == null && entry.handles > 0) {
            entry.stored = place;
            session.store().memory().hold(place);
        }
    }

    // Escape ---------------------------------------------------------------------------------------------------------

    /** Makes sure that the home has heard of every one of these; returns them as they travel. */
    List<WireRef> publishAll(List<ObjectEntry> all) {
        List<WireRef> refs = new ArrayList<>(all.size());
        for (ObjectEntry entry : all) {
            publish(entry);
            refs.add(entry.ref);
        }
        return refs;
    }

    /** Tells the home of an object whose reference is about to leave this process. */
    void publish(ObjectEntry entry) {
        if (entry.known) {
            return;
        }
        if (entry.local != null) {
            entry.known = true;
            entry.held = true;
            publishLocal(entry);
            return;
        }
        expect(entry);
        if (entry.producer != null) {
            session.taskEnds().deliver(entry.producer);
        }
    }

    /** Tells the home of a value to come. One that nobody here wants any more is let go of at once. */
    void expect(ObjectEntry entry) {
        if (entry.known) {
            return;
        }
        entry.known = true;
        ObjectPublish pending = new ObjectPublish();
        pending.ref = entry.ref;
        pending.state = ValueState.PENDING;
        session.node().queue(pending);
        if (entry.handles > 0) {
            entry.held = true;
        } else {
            session.node().change(entry.ref, -1);
        }
    }

    private void publishLocal(ObjectEntry entry) {
        Payload payload = Objects.requireNonNull(entry.local);
        ObjectPublish publish = new ObjectPublish();
        publish.ref = entry.ref;
        publish.state = ValueState.INLINE;
        publish.encoding = payload.encoding();
        publish.layout = payload.layout();
        publish.length = payload.size();
        publish.contains = publishAll(entry.nested);
        session.node().queue(Frame.encode(publish, payload.data()));
    }

    // Asking ---------------------------------------------------------------------------------------------------------

    /** Makes sure that {@link ObjectEntry#fireReady} comes, if need be by asking the home. */
    void watch(ObjectEntry entry) {
        if (entry.isReady() || entry.asked || entry.owned) {
            return;
        }
        entry.asked = true;
        ObjectGet get = new ObjectGet();
        get.request = session.node().number(answer -> session.locked(() -> heardOf(entry, answer)));
        get.ref = entry.ref;
        get.mode = GetMode.READY;
        get.reader = Language.JAVA;
        session.node().queue(get);
    }

    private void heardOf(ObjectEntry entry, NodeLink.Answer answer) {
        if (answer.error() != null) {
            entry.local = ErrorRecords.payload(ErrorRecords.of(answer.error()));
            entry.fireReady();
            return;
        }
        ObjectValue value = answer.as(ObjectValue.class);
        if (value.encoding == Encoding.ERROR) {
            // A task is not sent with an argument that is an error: the error itself is wanted.
            ask(entry, fetched -> session.locked(() -> {
                entry.ready = true;
                entry.fireReady();
            }));
            return;
        }
        entry.ready = true;
        entry.fireReady();
    }

    /** Asks the home for a value; an inline one stays in the entry. Returns the request's number. */
    long ask(ObjectEntry entry, java.util.function.Consumer<NodeLink.Answer> consumer) {
        ObjectGet get = new ObjectGet();
        get.request = session.node().number(answer -> {
            BowstringException error = answer.error();
            if (answer.table() instanceof ObjectValue value && value.state == ValueState.INLINE) {
                session.locked(() -> entry.local =
                        Payload.inBody(value.encoding, value.layout, answer.body(), 0, value.length));
            } else if (answer.table() instanceof ObjectValue value) {
                session.locked(() -> keeps(entry, value.location));
            } else if (error != null) {
                session.locked(() -> entry.local = ErrorRecords.payload(ErrorRecords.of(error)));
            }
            consumer.accept(answer);
        });
        get.ref = entry.ref;
        get.mode = GetMode.VALUE;
        get.reader = Language.JAVA;
        session.node().queue(get);
        return get.request;
    }

    /** Rows of what this process holds (spec section 8.2, rule 4). */
    void describe(List<Map<String, Object>> rows) {
        for (ObjectEntry entry : entries.values()) {
            Payload local = entry.local;
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("object", entry.id.toString());
            row.put("kind", entry.isActor ? "actor" : !entry.owned ? "borrowed" : entry.id.isPut() ? "put" : "result");
            row.put("state", local != null ? "inline" : entry.ready ? "stored" : "pending");
            row.put("size", local != null ? (long) local.size() : entry.stored != null ? entry.stored.length() : 0L);
            row.put("count", (long) entry.handles);
            row.put("call_site", "");
            rows.add(row);
        }
    }

    /** The tasks under way that a task has submitted, by the first bytes of their ids. */
    List<PendingTask> submittedBy(TaskContext parent) {
        Set<PendingTask> children = new LinkedHashSet<>(); // a task may have several results
        for (ObjectEntry entry : entries.values()) {
            if (entry.producer != null && parent.isParentOf(entry.producer.id.bytes())) {
                children.add(entry.producer);
            }
        }
        return List.copyOf(children);
    }

    /** Every object that is waited for fails: the node is gone. */
    void failAll(BowstringException error) {
        Payload payload = ErrorRecords.payload(ErrorRecords.of(error));
        for (ObjectEntry entry : List.copyOf(entries.values())) {
            if (!entry.isReady()) {
                entry.local = payload;
                entry.producer = null;
                entry.fireReady();
            }
        }
    }
}
