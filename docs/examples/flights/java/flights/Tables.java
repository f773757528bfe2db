package flights;

import io.bowstring.arrow.ArrowValue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Makes columns and tables, and knows which rows are held out. */
final class Tables {
    /** Of the flights that were flown, every fifth is held out to test the model on. */
    static final int HELD_OUT_EVERY = 5;

    private static final BufferAllocator ALLOCATOR = new RootAllocator();
    private static final int CODE_BYTES = 4;

    private Tables() {}

    static boolean isHeldOut(int row) {
        return row % HELD_OUT_EVERY == 0;
    }

    /** A column of airport codes. */
    static VarCharVector text(String name, int capacity) {
        VarCharVector vector = new VarCharVector(name, ALLOCATOR);
        vector.allocateNew((long) capacity * CODE_BYTES, capacity);
        return vector;
    }

    /** A float64 column. */
    static Float8Vector numbers(String name, int capacity) {
        Float8Vector vector = new Float8Vector(name, ALLOCATOR);
        vector.allocateNew(capacity);
        return vector;
    }

    /** A table of one batch, of the first rows of the columns. */
    static ArrowValue table(int rows, FieldVector first, FieldVector second, Collection<? extends FieldVector> rest) {
        List<FieldVector> columns = new ArrayList<>(List.of(first, second));
        columns.addAll(rest);
        return table(rows, columns);
    }

    /** A table of one batch, of the first rows of the columns. */
    static ArrowValue table(int rows, List<? extends FieldVector> columns) {
        columns.forEach(column -> column.setValueCount(rows));
        VectorSchemaRoot root = new VectorSchemaRoot(List.copyOf(columns));
        root.setRowCount(rows);
        return ArrowValue.of(root);
    }
}
