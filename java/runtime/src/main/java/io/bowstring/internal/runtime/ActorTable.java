package io.bowstring.internal.runtime;

import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.WireHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The actors that this process has handles of, or has called: a handle that comes back goes on counting its calls where the
 * last one ended, as long as the actor lives (spec section 5.2). Guarded by the session's lock.
 */
final class ActorTable {
    private final Session session;
    private final Map<Id, ActorLink> byObject = new HashMap<>();
    private final Map<Id, ActorLink> byActor = new HashMap<>();

    ActorTable(Session session) {
        this.session = session;
    }

    /** An actor that this process makes; the entry's handle is the first reference's. */
    ActorLink make(WireHandle handle, ObjectEntry entry) {
        return add(handle, entry, false);
    }

    /** The actor of a handle that was read; the entry has one handle more. */
    ActorLink know(WireHandle handle, boolean held) {
        ObjectEntry entry = held ? session.objects().borrowHeld(handle.ref) : session.objects().borrow(handle.ref);
        ActorLink link = byObject.get(entry.id);
        if (link != null) {
            return link;
        }
        ActorLink called = byActor.get(Id.of(entry.id.task()));
        return called != null ? note(called, entry) : add(handle, entry, true);
    }

    private ActorLink add(WireHandle handle, ObjectEntry entry, boolean created) {
        ActorLink link = new ActorLink(session, handle, entry, created);
        byActor.put(Id.of(link.id()), link);
        return note(link, entry);
    }

    private ActorLink note(ActorLink link, ObjectEntry entry) {
        entry.isActor = true;
        entry.known = true;
        entry.held = true;
        entry.ready = true;
        link.entry = entry;
        byObject.put(entry.id, link);
        return link;
    }

    void state(ActorState state) {
        ActorLink link = byActor.get(Id.of(state.actor));
        if (link != null) {
            link.state(state);
            if (link.isOver() && byObject.get(link.entry.id) != link) {
                drop(link);
            }
        }
    }

    void forget(Id object) {
        ActorLink link = byObject.remove(object);
        if (link != null && link.isOver()) {
            drop(link);
        }
    }

    private void drop(ActorLink link) {
        byActor.remove(Id.of(link.id()));
        link.detach();
    }

    void close() {
        List.copyOf(byActor.values()).forEach(ActorLink::detach);
        byObject.clear();
        byActor.clear();
    }

    /** Rows of the calls that wait for their actors or are on them. */
    void describe(List<Map<String, Object>> rows) {
        byActor.values().forEach(link -> link.describe(rows));
    }
}
