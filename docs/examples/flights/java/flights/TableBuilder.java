package flights;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Builds a table where it will stay: in memory of the store, so that putting it copies nothing. */
final class TableBuilder implements AutoCloseable {
    private static final int CODE_BYTES = 4;
    private static final int ROW_BYTES = 9; // eight of data, or four and an offset; one for the bitmap is plenty
    private static final int COLUMN_BYTES = 4096;

    private final int rows;
    private final ArrowArena arena;
    private final List<FieldVector> columns = new ArrayList<>();

    /** Asks the store for the memory of so many columns, of at most so many rows. */
    TableBuilder(int columns, int rows) {
        this.rows = rows;
        arena = ArrowArena.allocate((long) columns * (COLUMN_BYTES + (long) ROW_BYTES * rows));
    }

    /** The next column, of airport codes. */
    VarCharVector text(String name) {
        VarCharVector vector = new VarCharVector(name, arena.allocator());
        columns.add(vector);
        vector.allocateNew((long) rows * CODE_BYTES, rows);
        return vector;
    }

    /** The next column, of float64. */
    Float8Vector numbers(String name) {
        Float8Vector vector = new Float8Vector(name, arena.allocator());
        columns.add(vector);
        vector.allocateNew(rows);
        return vector;
    }

    /** Puts the table of the first rows of the columns. */
    ObjectRef<ArrowValue> put(int rows) {
        columns.forEach(column -> column.setValueCount(rows));
        VectorSchemaRoot root = new VectorSchemaRoot(columns);
        root.setRowCount(rows);
        return arena.put(root);
    }

    @Override
    public void close() {
        columns.forEach(FieldVector::close);
        arena.close();
    }
}
