package io.bowstring.internal.wire;

import io.bowstring.errors.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into frames. Bytes are read into {@link #space}; {@link #next} gives what is complete. A prefix
 * is checked before anything behind it is waited for. Not thread-safe.
 */
public final class FrameParser {
    private static final int BUFFER_BYTES = 256 << 10;

    private ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private int start;
    private boolean handshakeDone;
    private int missing;

    /** From here on the limits of an authenticated peer apply. */
    public void handshakeDone() {
        handshakeDone = true;
    }

    /**
     * The one frame that a part of some bytes is.
     *
     * @throws ProtocolException if it is none, or not one alone
     */
    public static Frame only(byte[] data, int from, int to) {
        FrameParser parser = new FrameParser();
        parser.handshakeDone();
        Frame frame = null;
        int at = from;
        while (frame == null && at < to) {
            ByteBuffer space = parser.space();
            int count = Math.min(space.remaining(), to - at);
            space.put(data, at, count);
            at += count;
            frame = parser.next();
        }
        if (frame == null || at < to || parser.buffer.position() != parser.start) {
            throw new ProtocolException("a body of " + (to - from) + " bytes is not one frame");
        }
        return frame;
    }

    /** Where the next bytes are to be read to: never without room. */
    public ByteBuffer space() {
        int pending = buffer.position() - start;
        if (pending == 0) {
            start = 0;
            if (buffer.capacity() > BUFFER_BYTES) {
                buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            }
            buffer.clear();
        } else if (buffer.capacity() - buffer.position() < Math.max(missing, 4096)) {
            ByteBuffer target = pending + missing > buffer.capacity()
                    ? ByteBuffer.allocate(pending + missing + 4096).order(ByteOrder.LITTLE_ENDIAN)
                    : buffer;
            System.arraycopy(buffer.array(), start, target.array(), 0, pending);
            buffer = target;
            buffer.clear().position(pending);
            start = 0;
        }
        return buffer;
    }

    /** The next complete frame; null: more bytes must come first. */
    public @Nullable Frame next() {
        int available = buffer.position() - start;
        if (available < Frame.PREFIX_SIZE) {
            missing = Frame.PREFIX_SIZE - available;
            return null;
        }
        long metadata = buffer.getInt(start) & 0xffffffffL;
        int type = buffer.getShort(start + 4) & 0xffff;
        int flags = buffer.get(start + 6) & 0xff;
        int mark = buffer.get(start + 7) & 0xff;
        long body = buffer.getLong(start + 8);
        if (mark != Frame.MARK || flags != 0) {
            throw new ProtocolException("a frame's prefix has the mark " + mark + " and flags " + flags
                    + " instead of " + Frame.MARK + " and 0");
        }
        if (((metadata | body) & 7) != 0) {
            throw new ProtocolException(sizes(type, metadata, body) + " are no multiples of 8");
        }
        if (metadata < Frame.METADATA_BYTES_MIN || metadata > Frame.METADATA_BYTES_MAX
                || body < 0 || body > Frame.BODY_BYTES_MAX) {
            throw new ProtocolException(sizes(type, metadata, body) + " are out of range");
        }
        if (!handshakeDone && (metadata > Frame.HANDSHAKE_METADATA_BYTES_MAX || body != 0)) {
            throw new ProtocolException(sizes(type, metadata, body) + " before the handshake is done");
        }
        int total = Frame.PREFIX_SIZE + (int) metadata + (int) body;
        if (available < total) {
            missing = total - available;
            return null;
        }
        byte[] metadataBytes = new byte[(int) metadata];
        buffer.get(start + Frame.PREFIX_SIZE, metadataBytes);
        byte[] bodyBytes = body == 0 ? FlatReader.NO_BYTES : new byte[(int) body];
        buffer.get(start + Frame.PREFIX_SIZE + (int) metadata, bodyBytes);
        start += total;
        missing = 0;
        return new Frame(type, metadataBytes, bodyBytes);
    }

    private static String sizes(int type, long metadata, long body) {
        return "frame type " + type + ": " + metadata + " + " + body + " bytes";
    }
}
