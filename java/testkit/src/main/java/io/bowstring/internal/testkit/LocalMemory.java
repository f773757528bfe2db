package io.bowstring.internal.testkit;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Memory in which a tensor or a table is built. */
final class LocalMemory<T> implements RuntimeLink.Memory<T> {
    private final LocalRuntime runtime;
    private final ByteBuffer image;
    private final ByteBuffer bytes;
    private final int encoding;
    private final Class<T> type;
    private final Runnable closed;

    /** The whole image, and the part of it that is filled in, which is its end. */
    LocalMemory(
            LocalRuntime runtime, ByteBuffer image, ByteBuffer bytes, int encoding, Class<T> type, Runnable closed) {
        this.runtime = runtime;
        this.image = image;
        this.bytes = bytes;
        this.encoding = encoding;
        this.type = type;
        this.closed = closed;
    }

    @Override
    public ByteBuffer bytes() {
        return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public ObjectRef<T> put(long length) {
        closed.run();
        int head = image.capacity() - bytes.capacity();
        ByteBuffer built = image.slice(0, head + (int) length).order(ByteOrder.LITTLE_ENDIAN);
        return runtime.putPayload(new Payload(encoding, Layout.IMAGE, built), type);
    }

    @Override
    public void giveBack() {
        closed.run();
    }
}
