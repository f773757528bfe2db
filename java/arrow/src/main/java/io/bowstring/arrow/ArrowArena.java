package io.bowstring.arrow;

import io.bowstring.ObjectRef;
import io.bowstring.internal.value.TableFormat;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * Memory of the store in which the vectors of one table are built, so that putting the table copies nothing.
 *
 * <pre>{@code
 * try (ArrowArena arena = ArrowArena.allocate(64L << 20);
 *         BigIntVector ids = new BigIntVector("id", arena.allocator())) {
 *     ids.allocateNew(rows);
 *     ...
 *     ObjectRef<ArrowValue> table = arena.put(VectorSchemaRoot.of(ids));
 * }
 * }</pre>
 *
 * <p>Buffers are taken one behind the other, and what a growing vector leaves behind is not used again: allocate vectors
 * in their final size. After {@link #put} the vectors must not be used any more, only closed: the store may move
 * the table.
 */
public interface ArrowArena extends AutoCloseable {
    /**
     * Asks the store for memory.
     *
     * @param capacity bytes for the buffers of all vectors, each rounded up to 64; below 2 GiB
     * @throws io.bowstring.errors.ObjectStoreFullException if the store can't hold so much
     */
    static ArrowArena allocate(long capacity) {
        return (ArrowArena) TableFormat.FOUND.arena(capacity);
    }

    /** Allocates in this memory, and fails with Arrow's OutOfMemoryException when it is used up. */
    BufferAllocator allocator();

    /**
     * Puts a table of one batch whose vectors were built here, without a copy. Buffers that lie elsewhere, as those of
     * dictionaries, are copied in. Once only.
     *
     * @throws io.bowstring.errors.SerializationException if there is no room for what must be copied
     */
    ObjectRef<ArrowValue> put(VectorSchemaRoot root);

    /** Gives the memory back if nothing was put. The vectors must be closed before. */
    @Override
    void close();
}
