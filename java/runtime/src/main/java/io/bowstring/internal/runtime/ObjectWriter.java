package io.bowstring.internal.runtime;

import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.ValueState;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Makes objects of values: kept in this process while they are small, else written into the store and sealed. */
public final class ObjectWriter {
    private final Session session;

    ObjectWriter(Session session) {
        this.session = session;
    }

    /** Puts a value; the caller gets the only handle. */
    public <T extends @Nullable Object> ObjectReference<T> put(T value) {
        session.checkRunning();
        EncodedValue encoded = Values.encode(value, session.references());
        return new ObjectReference<>(session, putEncoded(encoded), value == null ? null : value.getClass());
    }

    /** Puts a value whose reference is about to leave this process. */
    public <T> ObjectReference<T> putPublished(T value) {
        ObjectReference<T> reference = put(value);
        session.locked(() -> session.objects().publish(reference.entry()));
        return reference;
    }

    ObjectEntry putEncoded(EncodedValue encoded) {
        Id id = session.context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        if (encoded.inlineSize() <= session.inlineBytesMax()) {
            Payload payload = encoded.inline();
            session.locked(() -> {
                entry[0] = session.objects().own(id);
                session.objects().completeLocal(entry[0], payload, session.references().nested(encoded));
            });
        } else {
            StoreClient.Extent extent = session.store().write(encoded);
            session.locked(() -> {
                entry[0] = session.objects().own(id);
                session.objects().seal(entry[0], extent, encoded.imageSize(), encoded.encoding(),
                        session.references().nested(encoded));
            });
        }
        return entry[0];
    }

    /** Puts an image that was built where it lies. */
    public <T> ObjectReference<T> sealInPlace(
            StoreClient.Extent extent, long length, int encoding, Class<T> type) {
        session.checkRunning();
        Id id = session.context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        session.locked(() -> {
            entry[0] = session.objects().own(id);
            session.objects().seal(entry[0], extent, length, encoding, List.of());
        });
        return new ObjectReference<>(session, entry[0], type);
    }

    /**
     * The same, and the image is pinned where it is before anything can move it.
     *
     * @param pinned gets what ends the pin, once the node has answered
     */
    public <T> ObjectReference<T> sealPinned(
            StoreClient.Extent extent, long length, int encoding, Class<T> type, Consumer<Runnable> pinned) {
        session.checkRunning();
        Id id = session.context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        session.locked(() -> {
            entry[0] = session.objects().own(id);
            // Asked before it is sealed, so that the seal itself pins it.
            session.objects().ask(entry[0], answer -> {
                if (answer.table() instanceof ObjectValue value && value.state == ValueState.STORED) {
                    pinned.accept(() -> session.store().unpin(value));
                }
            });
            session.objects().seal(entry[0], extent, length, encoding, List.of());
        });
        return new ObjectReference<>(session, entry[0], type);
    }
}
