package io.bowstring.internal.arrow;

import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueMemory;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.BufferLayout.BufferType;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.jspecify.annotations.Nullable;

/**
 * The validity bitmaps of columns without nulls.
 *
 * <p>Arrow's loader makes a bitmap of ones for each such column: for numbers of 8 bytes, 1.6 % of the table in new
 * memory. Here all of them share ones: short columns a buffer of this process, long ones the node's, which take no memory
 * of it ({@link Ones}). Only where writes are refused, though: without {@link WriteGuard} a null that somebody sets would
 * be in every other table too.
 */
final class Validity {
    private static final long OWN_BYTES_MIN = 1 << 12;
    /** Up to so many the node's ones are not worth a mapping; in the rows of a column, a million. */
    private static final long OWN_BYTES_MAX = 1 << 17;

    /** A count that is neither 0 nor the length: the loader then takes the bitmap that it is given. */
    private static final int UNKNOWN_NULLS = -1;

    private static @Nullable ArrowBuf own;

    private Validity() {}

    /** The same batch, whose columns without nulls have the shared bitmap. It holds its buffers; close it. */
    static ArrowRecordBatch share(ArrowRecordBatch batch, Schema schema, BufferAllocator allocator, Ones ones) {
        List<ArrowFieldNode> nodes = new ArrayList<>(batch.getNodes().size());
        List<ArrowBuf> buffers = new ArrayList<>(batch.getBuffers().size());
        boolean shared = WriteGuard.isActive();
        if (shared) {
            Iterator<ArrowFieldNode> givenNodes = batch.getNodes().iterator();
            Iterator<ArrowBuf> givenBuffers = batch.getBuffers().iterator();
            Iterator<Long> variadic = batch.getVariadicBufferCounts() == null
                    ? Collections.emptyIterator()
                    : batch.getVariadicBufferCounts().iterator();
            for (Field field : schema.getFields()) {
                visit(field, givenNodes, givenBuffers, variadic, nodes, buffers, allocator, ones);
            }
        }
        return new ArrowRecordBatch(
                batch.getLength(),
                shared ? nodes : batch.getNodes(),
                shared ? buffers : batch.getBuffers(),
                batch.getBodyCompression(),
                batch.getVariadicBufferCounts(),
                true,
                true);
    }

    private static void visit(
            Field field,
            Iterator<ArrowFieldNode> givenNodes,
            Iterator<ArrowBuf> givenBuffers,
            Iterator<Long> variadic,
            List<ArrowFieldNode> nodes,
            List<ArrowBuf> buffers,
            BufferAllocator allocator,
            Ones ones) {
        ArrowFieldNode node = givenNodes.next();
        TypeLayout layout = TypeLayout.getTypeLayout(field.getType());
        List<BufferType> types = layout.getBufferTypes();
        boolean shared = !types.isEmpty()
                && types.get(0) == BufferType.VALIDITY
                && node.getNullCount() == 0
                && node.getLength() > 0;
        nodes.add(shared ? new ArrowFieldNode(node.getLength(), UNKNOWN_NULLS) : node);
        for (int index = 0; index < types.size(); index++) {
            ArrowBuf given = givenBuffers.next();
            buffers.add(shared && index == 0 ? bitmap((node.getLength() + 7L) / 8, allocator, ones) : given);
        }
        for (long more = layout.isFixedBufferCount() ? 0 : variadic.next(); more > 0; more--) {
            buffers.add(givenBuffers.next()); // the bytes of a column of views
        }
        for (Field child : field.getChildren()) {
            visit(child, givenNodes, givenBuffers, variadic, nodes, buffers, allocator, ones);
        }
    }

    /** So many bytes of ones; the caller retains what it keeps. */
    private static ArrowBuf bitmap(long bytes, BufferAllocator allocator, Ones ones) {
        ValueMemory.Range range = bytes > OWN_BYTES_MAX ? ones.range(bytes) : null;
        // Whoever refers to the buffer refers to what it runs when it is released, and so to the mappings.
        return range == null
                ? own(bytes, allocator)
                : ReadOnlyMemory.buffer(
                        allocator, range.address(), bytes, () -> Reference.reachabilityFence(range.keeper()));
    }

    private static synchronized ArrowBuf own(long bytes, BufferAllocator allocator) {
        if (own == null || own.capacity() < bytes) {
            ArrowBuf memory = allocator.buffer(Math.max(bytes, OWN_BYTES_MIN));
            memory.setOne(0, memory.capacity());
            ArrowBuf longer =
                    ReadOnlyMemory.buffer(allocator, memory.memoryAddress(), memory.capacity(), memory::close);
            if (own != null) {
                own.close();
            }
            own = longer;
        }
        return own.slice(0, bytes);
    }
}
