package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.runtime.Processes;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.StoreClient;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Memory of the store in which one tensor is built, so that putting it copies nothing.
 *
 * <pre>{@code
 * try (TensorBuffer image = TensorBuffer.allocate(ElementType.FLOAT32, 1080, 1920)) {
 *     image.buffer().asFloatBuffer().put(pixels);
 *     ObjectRef<Tensor> ref = image.put();
 * }
 * }</pre>
 */
public final class TensorBuffer implements AutoCloseable {
    private static final int ALIGNMENT = 64;

    private final Session session;
    private final StoreClient.Extent extent;
    private final int start;
    private final int length;
    private boolean done;

    private TensorBuffer(Session session, StoreClient.Extent extent, int start, int length) {
        this.session = session;
        this.extent = extent;
        this.start = start;
        this.length = length;
    }

    /**
     * Asks the store for memory. What it holds at first is not defined.
     *
     * @param element type of the elements
     * @param shape length of each dimension; none: a scalar
     * @return the memory, to be closed whether it was put or not
     * @throws InvalidArgumentException if a dimension is negative, or the elements take 2 GiB or more
     * @throws io.bowstring.errors.ObjectStoreFullException if the store can't hold so much
     */
    public static TensorBuffer allocate(ElementType element, long... shape) {
        long size = element.size();
        for (long dimension : shape) {
            if (dimension < 0 || dimension != 0 && size > Integer.MAX_VALUE / dimension) {
                throw new InvalidArgumentException("a tensor of the shape " + Arrays.toString(shape)
                        + "; dimensions are 0 or more, and the whole is below 2 GiB");
            }
            size *= dimension;
        }
        ObjectHeader header = new ObjectHeader();
        header.encoding = Encoding.TENSOR;
        header.element = element.number();
        header.shape = shape.clone();
        header.buffers = List.of(Span.ZERO);
        int start = (8 + header.encode().length + ALIGNMENT - 1) & -ALIGNMENT;
        header.buffers = List.of(new Span(start, size));
        byte[] head = header.encode();
        Session session = Processes.session();
        StoreClient.Extent extent = session.store().allocate(start + size);
        ByteBuffer memory = extent.memory().duplicate().order(ByteOrder.LITTLE_ENDIAN);
        memory.putInt(head.length).putInt(0).put(head).put(new byte[start - 8 - head.length]);
        return new TensorBuffer(session, extent, start, (int) size);
    }

    /**
     * The elements' memory, row-major, little endian. It must not be written after {@link #put}, nor read: the
     * store may move the tensor, and use its memory for something else.
     *
     * @return a view, its position 0
     * @throws InvalidArgumentException if the tensor was put, or the memory given back
     */
    public synchronized ByteBuffer buffer() {
        checkOpen();
        return extent.memory().slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Puts the tensor as it is now, without a copy. Once only.
     *
     * @return its reference
     * @throws InvalidArgumentException if the tensor was put, or the memory given back
     */
    public synchronized ObjectRef<Tensor> put() {
        checkOpen();
        done = true;
        return session.sealInPlace(extent, (long) start + length, Encoding.TENSOR, Tensor.class);
    }

    private void checkOpen() {
        if (done) {
            throw new InvalidArgumentException("this tensor was put already, or closed");
        }
    }

    /** Gives the memory back if the tensor was not put. */
    @Override
    public synchronized void close() {
        if (!done) {
            done = true;
            session.store().giveBack(extent.grant());
        }
    }
}
