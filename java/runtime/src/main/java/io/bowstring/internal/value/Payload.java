package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.RuntimeLink;
import io.bowstring.Tensor;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a value as they came: encoding, layout, and the payload from position to limit.
 *
 * @param data the bytes, of a value that is not in the store
 * @param memory what has the bytes of a value in the store
 */
public record Payload(int encoding, int layout, ByteBuffer data, @Nullable ValueMemory memory) {
    private static final long BUFFER_BYTES_MAX = Integer.MAX_VALUE & ~4095L;
    private static final long HEADER_BYTES_MAX = 1 << 28;
    private static final ByteBuffer NONE = ByteBuffer.allocate(0);

    /** A payload whose bytes are there, and last. */
    public Payload(int encoding, int layout, ByteBuffer data) {
        this(encoding, layout, data, null);
    }

    /** A payload in the store. */
    public static Payload stored(int encoding, ValueMemory memory) {
        return new Payload(encoding, Layout.IMAGE, NONE, memory);
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
            header.buffers = List.of(new Span(0, data.remaining()));
            return new Parts(header);
        }
        if (layout != Layout.IMAGE) {
            throw new ProtocolException("a payload has the layout " + layout);
        }
        long size = memory == null ? data.remaining() : memory.length();
        if (size < 8) {
            throw new ProtocolException("an image of " + size + " bytes");
        }
        ByteBuffer start = bytes(0, 8);
        long headerSize = start.getInt(0) & 0xffffffffL;
        if (headerSize > Math.min(size - 8, HEADER_BYTES_MAX) || (headerSize & 7) != 0 || start.getInt(4) != 0) {
            throw new ProtocolException("an image's header of " + headerSize + " bytes, in " + size);
        }
        byte[] bytes = new byte[(int) headerSize];
        bytes(8, headerSize).get(bytes);
        ObjectHeader header = ObjectHeader.decode(bytes);
        if (header.encoding != encoding) {
            throw new ProtocolException("an image is " + Encoding.name(header.encoding) + " inside and "
                    + Encoding.name(encoding) + " outside");
        }
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
        }
        if (header.buffers.isEmpty()) {
            throw new ProtocolException("an image without a buffer");
        }
        return new Parts(header);
    }

    private ByteBuffer bytes(long offset, long length) {
        return memory == null ? slice(offset, length) : memory.bytes(offset, length);
    }

    private ByteBuffer slice(long offset, long length) {
        return data.slice(data.position() + (int) offset, (int) length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** What is inside. */
    final class Parts {
        private final ObjectHeader header;

        private Parts(ObjectHeader header) {
            this.header = header;
        }

        ObjectHeader header() {
            return header;
        }

        /** Number of the buffers. */
        int count() {
            return header.buffers.size();
        }

        /** A buffer to be copied from while the value is read. */
        ByteBuffer bytes(int number) {
            Span span = small(number);
            return Payload.this.bytes(span.offset(), span.length());
        }

        /** A buffer that stays good, and its memory with it, while somebody refers to it. */
        ByteBuffer view(int number) {
            share();
            return viewed(number);
        }

        private ByteBuffer viewed(int number) {
            Span span = small(number);
            return memory == null
                    ? slice(span.offset(), span.length())
                    : memory.view(span.offset(), span.length());
        }

        private Span small(int number) {
            Span span = header.buffers.get(number);
            if (span.length() > BUFFER_BYTES_MAX) {
                throw new SerializationException("a part of " + span.length() + " bytes: but for tables, Java reads parts"
                        + " below 2 GiB; split it");
            }
            return span;
        }

        private Runnable share() {
            return memory == null ? () -> {} : memory.share();
        }

        /** A tensor over a buffer, which lets go of the memory when it is closed. */
        Tensor tensor(int number, int element, long[] shape) {
            Runnable release = ViewWatch.opened("a Tensor that was read", share());
            return RuntimeLink.tensor(ElementType.of(element), shape, viewed(number), release);
        }

        /** A table over a buffer, likewise. */
        Object table(int number, boolean singleBatch) {
            Span span = header.buffers.get(number);
            if (memory == null || span.length() <= BUFFER_BYTES_MAX) {
                Ones ones = memory == null ? Ones.NONE : memory.ones();
                return TableFormat.FOUND.read(viewed(number), singleBatch, ones, share());
            }
            ValueMemory.Range range = memory.range(span.offset(), span.length());
            return TableFormat.FOUND.readLarge(range, singleBatch, memory.ones(), share());
        }
    }
}
