package bench;

import io.bowstring.arrow.ArrowValue;

/** A task on a table. */
public final class BenchTables {
    private BenchTables() {}

    public static long rows(ArrowValue table) {
        return table.rowCount();
    }
}
