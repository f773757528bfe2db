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
 * <p>Arrow's loader believes it: a column without a bitmap gets one that is as long as the column claims to be, the
 * elements of lists are made as many as the last offset says, and that offsets end too early is found out half way, which
 * leaves memory behind. So it is asked before. Of what lies in the buffers only the last offset of lists is looked at.
 */
final class BatchRoom {
    /** A column of columns has no bytes of its own: rows that are believed without any. */
    private static final long ROWS_WITHOUT_BYTES_MAX = 1 << 24;

    /** Buffers of the batch, by number. */
    interface Buffers {
        int count();

        long size(int buffer);

        /** An integer of 32 or 64 bits that is there. */
        long integer(int buffer, long at, int bits);
    }

    private final Iterator<ArrowFieldNode> nodes;
    private final Iterator<Long> variadic;
    private final Buffers buffers;
    private final long bodySize;
    private int next;

    /**
     * The batch as its message tells it.
     *
     * @param variadic how many buffers of data each column of views has
     */
    BatchRoom(List<ArrowFieldNode> nodes, List<Long> variadic, Buffers buffers, long bodySize) {
        this.nodes = nodes.iterator();
        this.variadic = variadic.iterator();
        this.buffers = buffers;
        this.bodySize = bodySize;
    }

    /** Refuses a batch whose columns are not these, are shorter than it, or have not as many bytes as they need. */
    void check(List<Field> fields, long rowsMin) throws IOException {
        if (rowsMin < 0) {
            throw new IOException("columns of " + rowsMin + " rows");
        }
        for (Field field : fields) {
            if (!nodes.hasNext()) {
                throw new IOException("a batch of fewer columns than its schema");
            }
            long rows = nodes.next().getLength();
            if (rows < rowsMin || rows > Integer.MAX_VALUE) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows, of at least " + rowsMin);
            }
            check(field.getChildren(), check(field, rows));
        }
    }

    /** Checks the buffers of a column; returns how long the columns inside it must be at least. */
    private long check(Field field, long rows) throws IOException {
        ArrowType type = field.getType();
        long elements = rowsOfChildren(type, rows);
        boolean offsets = false;
        TypeLayout layout = TypeLayout.getTypeLayout(type);
        for (BufferLayout buffer : layout.getBufferLayouts()) {
            if (next >= buffers.count()) {
                throw new IOException("a batch of fewer buffers than its schema");
            }
            long size = buffers.size(next);
            long bits = switch (buffer.getType()) {
                case VALIDITY -> size == 0 ? 0 : rows;
                case OFFSET -> (endsWithAnOffset(type) && rows > 0 ? rows + 1 : rows) * width(type, buffer);
                case TYPE -> rows * Byte.SIZE; // Arrow's layout says four times as much
                case DATA -> offsets ? 0 : rows * width(type, buffer);
                default -> rows * width(type, buffer);
            };
            if (size < (bits + 7) / 8) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows has "
                        + buffer.getType() + " of " + size + " bytes");
            }
            if (buffer.getType() == BufferType.VALIDITY && rows > 8 * bodySize + ROWS_WITHOUT_BYTES_MAX) {
                throw new IOException("the column " + field.getName() + " of " + rows + " rows in a body of " + bodySize
                        + " bytes");
            }
            if (buffer.getType() == BufferType.OFFSET) {
                offsets = true;
                if (rows > 0 && isList(type)) {
                    elements = buffers.integer(next, rows * buffer.getTypeBitWidth() / 8, buffer.getTypeBitWidth());
                }
            }
            next++;
        }
        if (!layout.isFixedBufferCount() && variadic.hasNext()) {
            next = (int) Math.max(0, Math.min(buffers.count(), next + variadic.next()));
        }
        return elements;
    }

    /** For types whose elements are counted by nobody: 0. */
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

    /** Whether the offsets are one more than the rows. Unions and views of lists have one for each row. */
    private static boolean endsWithAnOffset(ArrowType type) {
        return !(type instanceof ArrowType.Union || type instanceof ArrowType.ListView
                || type instanceof ArrowType.LargeListView);
    }

    private static boolean isList(ArrowType type) {
        return type instanceof ArrowType.List || type instanceof ArrowType.LargeList || type instanceof ArrowType.Map;
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
}
