package io.bowstring.internal.runtime;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The connections to workers, one for each address, which outlive the leases. Guarded by the session's lock. */
final class Peers {
    private static final Logger LOGGER = System.getLogger(Peers.class.getName());

    private final Session session;
    private final Map<String, PeerLink> byAddress = new HashMap<>();

    Peers(Session session) {
        this.session = session;
    }

    /** The connection to a worker, with a new listener; null if it can't be made. The lock is held. */
    @Nullable PeerLink connect(String address, PeerLink.Listener listener) {
        PeerLink known = byAddress.get(address);
        if (known != null) {
            known.attach(listener);
            return known;
        }
        PeerLink link = new PeerLink(session, address, listener);
        try {
            link.connected(session.reactor().connect(Path.of(address), link));
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "a worker at " + address + " can't be reached", error);
            return null;
        }
        byAddress.put(address, link);
        return link;
    }

    void closed(String address, PeerLink link) {
        byAddress.remove(address, link);
    }
}
