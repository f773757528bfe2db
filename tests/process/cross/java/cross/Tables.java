package cross;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.Tensor;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Reads and makes large tables, and says what that cost. */
public final class Tables {
    private static final RootAllocator ALLOCATOR = new RootAllocator();

    /** An actor that reads: so that every reading is in one process. */
    public Tables() {}

    /**
     * Reads the first and the last element of a column, and the validity bitmaps of all.
     *
     * @return the elements, the number of nulls of the last batch, the time to the first element, and what memory has grown by: pages that no
     *     other process maps, and pages of no file
     */
    public Map<String, Object> read(List<ObjectRef<ArrowValue>> box) throws IOException {
        long before = privateBytes();
        long anonymousBefore = bytesOf("Anonymous:");
        long start = System.nanoTime();
        try (ArrowValue table = Bowstring.get(box.get(0))) {
            BigIntVector first = (BigIntVector) table.batches().get(0).getVector("x");
            long value = first.get(0);
            long took = System.nanoTime() - start;
            VectorSchemaRoot batch = table.batches().get(table.batches().size() - 1);
            long last = ((BigIntVector) batch.getVector("x")).get(batch.getRowCount() - 1);
            Map<String, Object> facts = new LinkedHashMap<>();
            facts.put("first", value);
            facts.put("last", last);
            facts.put("rows", table.rowCount());
            facts.put("nulls", batch.getFieldVectors().stream().mapToLong(FieldVector::getNullCount).sum());
            facts.put("first_ms", took / 1e6);
            facts.put("anonymous_bytes", bytesOf("Anonymous:") - anonymousBefore);
            facts.put("private_bytes", privateBytes() - before);
            return facts;
        }
    }

    /**
     * The table of {@link #make}, built in the store's memory.
     *
     * @return its reference as {@code table}, and what it cost: {@code copied}, and {@code own_bytes} of memory that is
     *     not the store's
     */
    public static Map<String, Object> build(long rows) throws IOException {
        int count = Math.toIntExact(rows);
        long before = bytesOf("Anonymous:");
        List<FieldVector> columns = new ArrayList<>();
        Map<String, Object> facts = new LinkedHashMap<>();
        try (ArrowArena arena = ArrowArena.allocate(4 * (8 * rows + rows / 8 + 128))) {
            for (String name : List.of("w", "x", "y", "z")) {
                BigIntVector column = new BigIntVector(name, arena.allocator());
                column.allocateNew(count);
                fill(column, count);
                columns.add(column);
            }
            try (VectorSchemaRoot root = new VectorSchemaRoot(columns)) {
                root.setRowCount(count);
                facts.put("table", arena.put(root));
            }
            facts.put("copied", arena.bytesCopied());
        }
        facts.put("own_bytes", bytesOf("Anonymous:") - before);
        return facts;
    }

    private static void fill(BigIntVector column, int count) {
        for (int row = 0; row < count; row++) {
            column.set(row, row);
        }
        column.setValueCount(count);
    }

    /** The last element of a table and of a tensor in a map, and a text. */
    public static List<Object> inside(Map<String, Object> value) {
        try (ArrowValue table = (ArrowValue) value.get("table");
                Tensor weights = (Tensor) value.get("weights")) {
            BigIntVector column = (BigIntVector) table.root().getVector("x");
            return List.of(column.get(column.getValueCount() - 1), weights.getDouble(weights.size() - 1), value.get("name"));
        }
    }

    /** Tries to write 7 over the first element. */
    public static long write(ArrowValue table) {
        BigIntVector column = (BigIntVector) table.batches().get(0).getVector("x");
        column.set(0, 7);
        return column.get(0);
    }

    /** A table of columns w, x, y, z, each 0, 1, 2, ... */
    public static ArrowValue make(long rows) {
        int count = Math.toIntExact(rows);
        List<FieldVector> columns = new ArrayList<>();
        for (String name : List.of("w", "x", "y", "z")) {
            BigIntVector column = new BigIntVector(name, ALLOCATOR);
            column.allocateNew(count);
            fill(column, count);
            columns.add(column);
        }
        VectorSchemaRoot root = new VectorSchemaRoot(columns);
        root.setRowCount(count);
        return ArrowValue.of(root);
    }

    private static long privateBytes() throws IOException {
        return bytesOf("Private_Clean:") + bytesOf("Private_Dirty:");
    }

    private static long bytesOf(String kind) throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps_rollup"))) {
            if (line.startsWith(kind)) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        throw new IOException("the kernel tells no " + kind);
    }
}
