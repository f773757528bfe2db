package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.ObjectGetCancel;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.ValueState;
import java.lang.reflect.Type;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One reading of one object's value: from this process, or from its home, once it is ready. Decoding is left to who
 * waits, because it may run user code.
 */
final class Fetch {
    private final Session session;
    private final ObjectEntry entry;
    private final CompletableFuture<Object> done = new CompletableFuture<>();
    private volatile long request;

    Fetch(Session session, ObjectEntry entry) {
        this.session = session;
        this.entry = entry;
    }

    /** Ends with a Payload, or with the ObjectValue of one that is in the store. */
    CompletableFuture<Object> done() {
        return done;
    }

    /** Starts the reading; the session's lock is held. */
    void start() {
        if (entry.local != null) {
            done.complete(entry.local);
        } else if (entry.owned && !entry.ready) {
            entry.onReady(this::start);
        } else {
            request = session.objects().ask(entry, this::answered);
        }
    }

    private void answered(NodeLink.Answer answer) {
        BowstringException error = answer.error();
        if (error != null) {
            done.complete(ErrorRecords.payload(ErrorRecords.of(error)));
            return;
        }
        ObjectValue value = answer.as(ObjectValue.class);
        if (value.state == ValueState.INLINE) {
            done.complete(Payload.inBody(value.encoding, value.layout, answer.body(), 0, value.length));
        } else if (!done.complete(value)) {
            session.store().unpin(value);
        }
    }

    /** Nobody waits any more: the home is told, and a pin that still comes is released. */
    void abandon() {
        long asked = request;
        if (done.cancel(false) && asked != 0 && session.node().forget(asked)) {
            ObjectGetCancel cancel = new ObjectGetCancel();
            cancel.request = asked;
            session.queue(cancel);
        }
    }

    /** The value as a type that may be known. */
    static @Nullable Object decode(Session session, Object fetched, @Nullable Type type) {
        if (fetched instanceof Payload payload) {
            return session.reader().decode(payload, type);
        }
        return session.reader().decodeStored((ObjectValue) fetched, type);
    }
}
