package io.bowstring.internal.arrow;

import io.bowstring.errors.InvalidArgumentException;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/**
 * Whether the columns of a batch have as many values as it has rows. Arrow does not say so when they do not, and who reads
 * such a batch finds rows that are missing, or whatever was in the memory behind the last one.
 */
public final class RowCounts {
    private RowCounts() {}

    /** Refuses a batch of which a column has more or fewer values than rows. */
    public static void check(VectorSchemaRoot batch) {
        int rows = batch.getRowCount();
        for (FieldVector column : batch.getFieldVectors()) {
            if (column.getValueCount() != rows) {
                throw new InvalidArgumentException("the column '" + column.getName() + "' has " + column.getValueCount()
                        + " values, and its batch " + rows + " rows; when all is written, call root.setRowCount(rows),"
                        + " which sets both");
            }
        }
    }
}
