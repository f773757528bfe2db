package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * The image of a tensor whose elements are filled in where they lie (spec sections 3.1, 3.3).
 *
 * @param head what goes in front of the elements, padded so that they are aligned
 * @param size bytes of the elements
 */
public record TensorImage(byte[] head, int size) {

    public static TensorImage of(ElementType element, long[] shape, int size) {
        ObjectHeader header = new ObjectHeader();
        header.encoding = Encoding.TENSOR;
        header.element = element.number();
        header.shape = shape;
        header.buffers = List.of(Span.ZERO);
        int start = (8 + header.encode().length + EncodedValue.ALIGNMENT - 1) & -EncodedValue.ALIGNMENT;
        header.buffers = List.of(new Span(start, size));
        byte[] encoded = header.encode();
        ByteBuffer head = ByteBuffer.allocate(start).order(ByteOrder.LITTLE_ENDIAN);
        head.putInt(encoded.length).putInt(0).put(encoded);
        return new TensorImage(head.array(), size);
    }

    /** Size of the whole image. */
    public long length() {
        return (long) head.length + size;
    }

    /** Writes the head into memory of that size, and gives the part that is the elements'. */
    public ByteBuffer begin(ByteBuffer memory) {
        memory.duplicate().put(head);
        return memory.slice(head.length, size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
