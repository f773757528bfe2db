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
 * in their final size. A buffer has less than 2 GiB, an arena may have more.
 *
 * <p>A table of several batches, or with dictionaries, is built in <em>parts</em>: first the dictionaries, each in a part
 * of its own, then the batches in order, with {@link #nextPart} between any two. Dictionaries that are small, some 60 KB in
 * all, may be built anywhere, also outside of the arena: they are copied.
 *
 * <p>After {@link #put} the vectors can be read until they are closed, but not written: a write fails with
 * {@link ReadOnlyTableException}, where views refuse writes ({@link ArrowValue}). Close the vectors, then the arena.
 */
public interface ArrowArena extends AutoCloseable {
    /**
     * Asks the store for memory.
     *
     * @param capacity bytes for the buffers of all vectors, each rounded up to 64; for each part but the first two, 64
     *     KiB more
     * @return the arena, to be closed whether its table was put or not
     * @throws io.bowstring.errors.ObjectStoreFullException if the store can't hold so much
     */
    static ArrowArena allocate(long capacity) {
        return (ArrowArena) TableFormat.FOUND.arena(capacity);
    }

    /**
     * Allocates in this memory, and fails with Arrow's OutOfMemoryException when it is used up.
     *
     * @return the same allocator each time, which the arena closes
     */
    BufferAllocator allocator();

    /**
     * Ends what was built so far, a dictionary or a batch: what is allocated from here on belongs to the next. Vectors of
     * the parts before must not grow any more.
     *
     * @throws org.apache.arrow.memory.OutOfMemoryException if there is no room for another part
     */
    void nextPart();

    /**
     * Puts a table of one batch whose vectors were built here, without a copy. Buffers that lie elsewhere are copied
     * in. Once only.
     *
     * @param root the table's only batch
     * @return the table's reference
     * @throws io.bowstring.errors.SerializationException if there is no room for what must be copied
     */
    default ObjectRef<ArrowValue> put(VectorSchemaRoot root) {
        return put(ArrowValue.of(root));
    }

    /**
     * Puts a table, or a record batch, whose batches and dictionaries were built here, without a copy. Once only.
     *
     * @param table its batches, and the dictionaries of its encoded columns
     * @return the table's reference
     * @throws io.bowstring.errors.InvalidArgumentException if a table was put already, or this one was closed, or a column
     *     has more or fewer values than its batch has rows
     * @throws io.bowstring.errors.SerializationException if parts are not as they must be, or there is no room for what
     *     must be copied; the message says which and what to do
     */
    ObjectRef<ArrowValue> put(ArrowValue table);

    /**
     * Tells how many bytes {@link #put} has copied.
     *
     * @return bytes; 0, if all was built here
     */
    long bytesCopied();

    /**
     * Gives the memory back if nothing was put. The vectors must be closed before.
     *
     * @throws IllegalStateException if a vector is not closed; the arena stays open
     */
    @Override
    void close();
}
