package io.bowstring.internal.value;

import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a value as they came: encoding, layout, and the payload from position to limit.
 *
 * @param data the bytes, good while the value is read
 * @param lasting gives the same bytes for those parts of the value that are views and outlive the reading; null: data does
 */
public record Payload(int encoding, int layout, ByteBuffer data, @Nullable Supplier<ByteBuffer> lasting) {

    /** A payload whose bytes last. */
    public Payload(int encoding, int layout, ByteBuffer data) {
        this(encoding, layout, data, null);
    }

    /** A payload inside a frame's body. */
    public static Payload inBody(int encoding, int layout, byte[] body, long offset, long length) {
        if (offset < 0 || length < 0 || offset + length > body.length) {
            throw new ProtocolException("a payload of " + length + " bytes at " + offset + " lies outside of a body of "
                    + body.length + " bytes");
        }
        return new Payload(encoding, layout, ByteBuffer.wrap(body, (int) offset, (int) length).slice());
    }

    public int size() {
        return data.remaining();
    }

    /** The header and buffers, each range checked. */
    Parts parts() {
        if (layout == Layout.COMPACT) {
            if (encoding == Encoding.ARROW || encoding == Encoding.TENSOR) {
                throw new ProtocolException(Encoding.name(encoding) + " has no compact layout");
            }
            ObjectHeader header = new ObjectHeader();
            header.encoding = encoding;
            return new Parts(header, List.of(view(0, data.remaining())), null);
        }
        if (layout != Layout.IMAGE) {
            throw new ProtocolException("a payload has the layout " + layout);
        }
        int size = data.remaining();
        ByteBuffer image = view(0, size);
        if (size < 8) {
            throw new ProtocolException("an image of " + size + " bytes");
        }
        long headerSize = image.getInt(0) & 0xffffffffL;
        if (headerSize > size - 8 || (headerSize & 7) != 0 || image.getInt(4) != 0) {
            throw new ProtocolException("an image's header of " + headerSize + " bytes, in " + size);
        }
        byte[] bytes = new byte[(int) headerSize];
        image.get(8, bytes);
        ObjectHeader header = ObjectHeader.decode(bytes);
        if (header.encoding != encoding) {
            throw new ProtocolException("an image is " + Encoding.name(header.encoding) + " inside and "
                    + Encoding.name(encoding) + " outside");
        }
        List<ByteBuffer> buffers = new ArrayList<>();
        long end = 8 + headerSize;
        for (Span span : header.buffers) {
            if (span.offset() < 0 || span.length() < 0 || span.offset() > size || span.length() > size - span.offset()) {
                throw new ProtocolException("a buffer of " + span.length() + " bytes at " + span.offset()
                        + " lies outside of an image of " + size + " bytes");
            }
            if (span.offset() % EncodedValue.ALIGNMENT != 0 || span.offset() < end) {
                throw new ProtocolException("a buffer of an image starts at " + span.offset()
                        + "; a multiple of " + EncodedValue.ALIGNMENT + " from " + end + " on is expected");
            }
            end = span.offset() + span.length();
            buffers.add(view((int) span.offset(), (int) span.length()));
        }
        if (buffers.isEmpty()) {
            throw new ProtocolException("an image without a buffer");
        }
        return new Parts(header, buffers, lasting);
    }

    private ByteBuffer view(int offset, int length) {
        return data.slice(data.position() + offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** What is inside. {@code buffers} are for copying from; what is kept comes from {@link #view}. */
    record Parts(ObjectHeader header, List<ByteBuffer> buffers, @Nullable Supplier<ByteBuffer> lasting) {
        /** A buffer that stays good, and its memory with it, while somebody refers to it. */
        ByteBuffer view(int number) {
            if (lasting == null) {
                return buffers.get(number);
            }
            Span span = header.buffers.get(number);
            return lasting.get().slice((int) span.offset(), (int) span.length()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }
}
