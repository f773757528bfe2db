package io.bowstring.internal.value;

import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import io.bowstring.errors.SerializationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A value that is ready to be written as a payload, in whichever layout (spec section 3.1).
 *
 * <p>References that it contains are in {@code references}: objects that the writer of the value knows how to name and
 * that it must hold until the payload has arrived.
 */
public final class EncodedValue {
    static final int ALIGNMENT = 64;

    private final ObjectHeader header = new ObjectHeader();
    private final List<ValueBuffer> buffers;
    private final List<Object> references;
    private byte[] head = {};
    private long imageSize;

    public EncodedValue(int encoding, List<ValueBuffer> buffers, List<Object> references) {
        header.encoding = encoding;
        this.buffers = buffers;
        this.references = references;
    }

    static EncodedValue tensor(int element, long[] shape, ValueBuffer data) {
        EncodedValue value = new EncodedValue(Encoding.TENSOR, List.of(data), List.of());
        value.header.element = element;
        value.header.shape = shape;
        return value;
    }

    /** An array, which a reader with such arrays reads as one. */
    static EncodedValue array(int element, int length, ValueBuffer data) {
        EncodedValue value = tensor(element, new long[] {length}, data);
        value.header.plainArray = true;
        return value;
    }

    public static EncodedValue arrow(ValueBuffer stream, boolean singleBatch) {
        EncodedValue value = new EncodedValue(Encoding.ARROW, List.of(stream), List.of());
        value.header.singleBatch = singleBatch;
        return value;
    }

    public int encoding() {
        return header.encoding;
    }

    List<ValueBuffer> buffers() {
        return buffers;
    }

    public List<Object> references() {
        return references;
    }

    /** COMPACT where the spec allows it, else IMAGE. */
    public int inlineLayout() {
        boolean compact = buffers.size() == 1 && header.encoding != Encoding.ARROW && header.encoding != Encoding.TENSOR;
        return compact ? Layout.COMPACT : Layout.IMAGE;
    }

    /** Size of the payload in the layout that {@link #inlineLayout} names. */
    public long inlineSize() {
        return inlineLayout() == Layout.COMPACT ? buffers.get(0).length() : imageSize();
    }

    /** The payload for a frame. */
    public Payload inline() {
        long size = inlineSize();
        if (size > Frame.BODY_BYTES_MAX) {
            throw new SerializationException("a value of " + size + " bytes does not fit into a frame");
        }
        ByteBuffer target = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
        if (inlineLayout() == Layout.COMPACT) {
            buffers.get(0).copyTo(target);
        } else {
            writeImage(target);
        }
        return new Payload(header.encoding, inlineLayout(), target.flip());
    }

    /** Size of the image in bytes. */
    public long imageSize() {
        if (head.length == 0) {
            List<Span> spans = new ArrayList<>();
            for (ValueBuffer buffer : buffers) {
                spans.add(new Span(0, buffer.length()));
            }
            header.buffers = spans;
            long at = align(8 + header.encode().length);
            for (int i = 0; i < spans.size(); i++) {
                long length = spans.get(i).length();
                spans.set(i, new Span(at, length));
                at = align(at + length);
            }
            head = header.encode();
            Span last = spans.isEmpty() ? Span.ZERO : spans.get(spans.size() - 1);
            imageSize = spans.isEmpty() ? 8 + head.length : last.offset() + last.length();
        }
        return imageSize;
    }

    /** Writes the image to the start of a little-endian target. */
    public void writeImage(ByteBuffer target) {
        imageSize();
        int start = target.position();
        target.putInt(head.length).putInt(0).put(head);
        for (int i = 0; i < buffers.size(); i++) {
            Span span = header.buffers.get(i);
            while (target.position() < start + span.offset()) {
                target.put((byte) 0);
            }
            buffers.get(i).copyTo(target);
        }
    }

    /** Writes the image to memory of 2 GiB and more. */
    public void writeImage(ValueBuffer.Pieces target) {
        imageSize();
        ByteBuffer first = target.piece(0, 8 + head.length);
        first.putInt(head.length).putInt(0).put(head);
        long end = 8 + head.length;
        for (int i = 0; i < buffers.size(); i++) {
            Span span = header.buffers.get(i);
            ByteBuffer gap = target.piece(end, span.offset() - end);
            gap.put(new byte[gap.remaining()]);
            if (span.length() <= ValueBuffer.PIECE_BYTES_MAX) {
                buffers.get(i).copyTo(target.piece(span.offset(), span.length()));
            } else {
                buffers.get(i).copyTo(target, span.offset());
            }
            end = span.offset() + span.length();
        }
    }

    private static long align(long at) {
        return (at + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
