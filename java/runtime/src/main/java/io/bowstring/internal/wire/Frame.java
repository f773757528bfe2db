package io.bowstring.internal.wire;

import io.bowstring.errors.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One frame of a connection (spec section 1.2).
 *
 * @param type the type, of {@link FrameType}
 * @param metadata the FlatBuffer
 * @param body the body with its padding; empty: none
 */
public record Frame(int type, byte[] metadata, byte[] body) {
    public static final int PREFIX_SIZE = 16;
    public static final int MARK = 0xB1;
    public static final int SKIPPABLE_TYPE_MIN = 0x8000;
    public static final int METADATA_BYTES_MIN = 16;
    public static final int METADATA_BYTES_MAX = 16 << 20;
    public static final int BODY_BYTES_MAX = 64 << 20;
    public static final int HANDSHAKE_METADATA_BYTES_MAX = 64 << 10;

    /** Where the next payload of a body begins: images are aligned to 64 bytes, and nothing minds. */
    public static int aligned(int at) {
        return (at + 63) & -64;
    }

    /** The bytes of a frame whose body is the given bytes, padded here. */
    public static ByteBuffer encode(Table table, byte[] body) {
        return encode(table, ByteBuffer.wrap(body));
    }

    /** The bytes of a frame without a body. */
    public static ByteBuffer encode(Table table) {
        return encode(table, ByteBuffer.allocate(0));
    }

    /** The bytes of a frame whose body is what remains in a buffer, padded here. */
    public static ByteBuffer encode(Table table, ByteBuffer body) {
        FlatWriter out = new FlatWriter(512 + body.remaining());
        out.reserve(PREFIX_SIZE);
        out.root(table);
        int metadata = out.size() - PREFIX_SIZE;
        int size = body.remaining();
        int padded = (size + 7) & ~7;
        if (metadata > METADATA_BYTES_MAX || padded > BODY_BYTES_MAX) {
            throw new ProtocolException("frame type " + table.frameType() + ": " + metadata + " + " + size
                    + " bytes are more than a frame may carry; put large values and pass the references");
        }
        if (size > 0) {
            int at = out.reserve(padded);
            body.duplicate().get(out.array(), at, size);
        }
        out.i32(0, metadata);
        out.u16(4, table.frameType());
        out.u8(7, MARK);
        out.i64(8, padded);
        return ByteBuffer.wrap(out.array(), 0, out.size()).order(ByteOrder.LITTLE_ENDIAN);
    }
}
