package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

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
    private final RuntimeLink.Memory<Tensor> memory;
    private @Nullable ObjectRef<Tensor> sealed;
    private @Nullable Tensor view;
    private boolean closed;

    private TensorBuffer(RuntimeLink.Memory<Tensor> memory) {
        this.memory = memory;
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
        return new TensorBuffer(RuntimeLink.current().allocateTensor(element, shape.clone(), (int) size));
    }

    /**
     * The elements' memory, row-major, little endian. After {@link #put} it is a read-only view of the tensor in the store.
     * A buffer from before that must not be used any more, not even read, and can't be taken back: what is written through
     * it fails nowhere, and changes what all readers see, or another value if the store has moved the tensor or freed it.
     *
     * @return a view, its position 0
     * @throws InvalidArgumentException if this was closed, or it was put and the reference is released
     */
    public synchronized ByteBuffer buffer() {
        if (sealed != null && !closed) {
            if (view == null) {
                view = sealed.get();
            }
            return view.buffer();
        }
        checkOpen();
        return memory.bytes();
    }

    /**
     * Puts the tensor as it is now, without a copy. Once only. The buffer in which it was built must not be written any more
     * (see {@link #buffer}).
     *
     * @return its reference
     * @throws InvalidArgumentException if the tensor was put, or the memory given back
     */
    public synchronized ObjectRef<Tensor> put() {
        checkOpen();
        ObjectRef<Tensor> ref = memory.put(memory.bytes().capacity());
        sealed = ref;
        return ref;
    }

    private void checkOpen() {
        if (closed || sealed != null) {
            throw new InvalidArgumentException(closed ? "this tensor was closed" : "this tensor was put already");
        }
    }

    /** Gives the memory back if the tensor was not put; else lets go of the view that {@link #buffer} gave. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (sealed == null) {
            memory.giveBack();
        } else if (view != null) {
            view.close();
        }
        sealed = null;
    }
}
