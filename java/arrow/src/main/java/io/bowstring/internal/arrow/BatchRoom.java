package io.bowstring.internal.arrow;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.apache.arrow.vector.BufferLayout;
import org.apache.arrow.vector.BufferLayout.BufferType;
import org.apache.arrow.vector.TypeLayout;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.types.UnionMode;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * Whether the buffers of a batch are as long as its columns say that they are.
 *
 * <p>Arrow's loader believes it: for a column without a bitmap it makes one, as long as the column claims to be, and one
 * whose offsets end too early it finds out about half way, which leaves memory behind. So it is asked before.
 */
final class BatchRoom {
    /** A column of columns has no bytes of its own: rows that are believed without any. */
    private static final long ROWS_WITHOUT_BYTES_MAX = 1 << 24;

    private final Iterator<ArrowFieldNode> nodes;
    private final Iterator<Long> sizes;
    private final Iterator<Long> variadic;
    private final long bodySize;

    /**
     * The batch as its message tells it.
     *
     * @param sizes lengths of the buffers in bytes
     * @param variadic how many buffers of data each column of views has
     */
    BatchRoom(List<ArrowFieldNode> nodes, List<Long> sizes, List<Long> variadic, long bodySize) {
        this.nodes = nodes.iterator();
        this.sizes = sizes.iterator();
        this.variadic = variadic.iterator();
        this.bodySize = bodySize;
    }

    /** Refuses a batch whose columns are not these, are shorter than it, or have not as many bytes as they need. */
    void check(List<Field> fields, long rowsMin) throws IOException {
        for (Field field : fields) {
            if (!nodes.hasNext()) {
                throw new IOException("a batch of fewer columns than its schema");
            }
            long rows = nodes.next().getLength();
            if (rows < rowsMin || rows > Integer.MAX_VALUE) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows, of at least " + rowsMin);
            }
            check(field, rows);
            check(field.getChildren(), rowsOfChildren(field.getType(), rows));
        }
    }

    /** How long the columns inside a column must be at least; for what has offsets nobody knows without looking. */
    private static long rowsOfChildren(ArrowType type, long rows) throws IOException {
        if (type instanceof ArrowType.FixedSizeList list) {
            if (list.getListSize() < 0) {
                throw new IOException("lists of " + list.getListSize() + " elements");
            }
            return rows * list.getListSize();
        }
        boolean aligned = type instanceof ArrowType.Struct
                || type instanceof ArrowType.Union union && union.getMode() == UnionMode.Sparse;
        return aligned ? rows : 0;
    }

    private static long width(ArrowType type, BufferLayout buffer) throws IOException {
        // Arrow keeps it as an int of bits, which a width of 512 MiB overflows.
        long bits = type instanceof ArrowType.FixedSizeBinary fixed && buffer.getType() == BufferType.DATA
                ? 8L * fixed.getByteWidth() : buffer.getTypeBitWidth();
        if (bits < 0) {
            throw new IOException("elements of " + bits + " bits");
        }
        return bits;
    }

    private void check(Field field, long rows) throws IOException {
        boolean offsets = false;
        TypeLayout layout = TypeLayout.getTypeLayout(field.getType());
        for (BufferLayout buffer : layout.getBufferLayouts()) {
            if (!sizes.hasNext()) {
                throw new IOException("a batch of fewer buffers than its schema");
            }
            long size = sizes.next();
            long bits = switch (buffer.getType()) {
                case VALIDITY -> size == 0 ? 0 : rows;
                case OFFSET -> {
                    offsets = true;
                    long count = field.getType() instanceof ArrowType.Union || rows == 0 ? rows : rows + 1;
                    yield count * width(field.getType(), buffer);
                }
                case DATA -> offsets ? 0 : rows * width(field.getType(), buffer);
                default -> rows * width(field.getType(), buffer);
            };
            if (size < (bits + 7) / 8) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows has "
                        + buffer.getType() + " of " + size + " bytes");
            }
            if (buffer.getType() == BufferType.VALIDITY && rows > 8 * bodySize + ROWS_WITHOUT_BYTES_MAX) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows in a body of " + bodySize
                        + " bytes");
            }
        }
        if (!layout.isFixedBufferCount()) {
            for (long more = variadic.hasNext() ? variadic.next() : 0; more > 0 && sizes.hasNext(); more--) {
                sizes.next();
            }
        }
    }
}
