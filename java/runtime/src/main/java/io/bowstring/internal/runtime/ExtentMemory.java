package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** One extent of the store as memory that the user, or Arrow's vectors, fill. */
final class ExtentMemory<T> implements RuntimeLink.Memory<T> {
    private final Session session;
    private final StoreClient.Extent extent;
    private final ByteBuffer bytes;
    private final long head;
    private final int encoding;
    private final Class<T> type;

    /** Memory whose first {@code head} bytes are written already, and are not the user's. */
    ExtentMemory(Session session, StoreClient.Extent extent, ByteBuffer bytes, long head, int encoding, Class<T> type) {
        this.session = session;
        this.extent = extent;
        this.bytes = bytes;
        this.head = head;
        this.encoding = encoding;
        this.type = type;
    }

    @Override
    public ByteBuffer bytes() {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public ObjectRef<T> put(long length) {
        return session.writer().sealInPlace(extent, head + length, encoding, type);
    }

    @Override
    public ByteBuffer bytes(long at, long length) {
        return session.store().piece(extent.grant(), head + at, length);
    }

    @Override
    public long place(long at, long length) {
        return session.store().place(extent.grant(), head + at, length) - head;
    }

    @Override
    public ObjectRef<T> putPinned(long length, Consumer<Runnable> pinned) {
        return session.writer().sealPinned(extent, head + length, encoding, type, pinned);
    }

    @Override
    public void giveBack() {
        session.store().giveBack(extent.grant());
    }
}
