package io.bowstring.internal.runtime;

import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.WireHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The actors that this process has handles of. Guarded by the session's lock. */
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
        return link != null ? link : add(handle, entry, true);
    }

    private ActorLink add(WireHandle handle, ObjectEntry entry, boolean created) {
        entry.isActor = true;
        entry.known = true;
        entry.held = true;
        entry.ready = true;
        ActorLink link = new ActorLink(session, handle, entry, created);
        byObject.put(entry.id, link);
        byActor.put(Id.of(link.id()), link);
        return link;
    }

    void state(ActorState state) {
        ActorLink link = byActor.get(Id.of(state.actor));
        if (link != null) {
            link.state(state);
        }
    }

    void forget(Id object) {
        ActorLink link = byObject.remove(object);
        if (link != null) {
            byActor.remove(Id.of(link.id()));
            link.detach();
        }
    }

    void close() {
        List.copyOf(byObject.values()).forEach(ActorLink::detach);
        byObject.clear();
        byActor.clear();
    }

    /** Rows of the calls that wait for their actors or are on them. */
    void describe(List<Map<String, Object>> rows) {
        byObject.values().forEach(link -> link.describe(rows));
    }
}
