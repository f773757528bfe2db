package cross;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.arrow.ReadOnlyTableException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Tables of any type, read and written again, copied by Arrow or built in an arena. */
public final class Types {
    private static final long ROOM_BYTES = 8 << 20;

    private static final DictionaryEncoding ENCODING = new DictionaryEncoding(1, false, null);

    private Types() {}

    /** The same table, read and written by this worker. */
    public static ArrowValue echo(ArrowValue table) {
        return table;
    }

    /**
     * The same table, its vectors built one by one in an arena.
     *
     * @param parts whether each dictionary and batch has a part of its own
     * @return its reference as {@code table}, and {@code copied}: bytes that putting it has copied
     */
    public static Map<String, Object> rebuild(ArrowValue table, boolean parts) {
        Map<String, Object> result = new LinkedHashMap<>();
        List<AutoCloseable> vectors = new ArrayList<>();
        try (ArrowArena arena = ArrowArena.allocate(ROOM_BYTES)) {
            MapDictionaryProvider dictionaries = new MapDictionaryProvider();
            Set<Long> used = new TreeSet<>();
            table.schema().getFields().forEach(field -> collect(table, field, used));
            for (long id : used) {
                Dictionary known = table.dictionaries().lookup(id);
                FieldVector values = known.getVector();
                VectorSchemaRoot copy = copy(new VectorSchemaRoot(
                        List.of(values.getField()), List.of(values), values.getValueCount()), arena);
                vectors.add(copy);
                dictionaries.put(new Dictionary(copy.getVector(0), known.getEncoding()));
                if (parts) {
                    arena.nextPart();
                }
            }
            List<VectorSchemaRoot> batches = new ArrayList<>();
            for (VectorSchemaRoot batch : table.batches()) {
                VectorSchemaRoot built = copy(batch, arena);
                vectors.add(built);
                batches.add(built);
                if (parts) {
                    arena.nextPart();
                }
            }
            ObjectRef<ArrowValue> ref = arena.put(ArrowValue.of(batches, dictionaries));
            result.put("table", ref);
            result.put("copied", arena.bytesCopied());
            result.put("readable", cells(ArrowValue.of(batches, dictionaries)).equals(cells(table)));
            result.put("refused", isRefused(batches.get(0)));
            for (AutoCloseable vector : vectors) {
                vector.close();
            }
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        return result;
    }

    private static boolean isRefused(VectorSchemaRoot batch) {
        boolean refused = true;
        for (FieldVector vector : batch.getFieldVectors()) {
            try {
                if (batch.getRowCount() > 0 && vector.getBufferSize() > 0 && vector.getFieldBuffers().size() > 1) {
                    vector.getFieldBuffers().get(1).setByte(0, 1);
                    refused = false;
                }
            } catch (ReadOnlyTableException | IndexOutOfBoundsException expected) {
                continue;
            }
        }
        return refused;
    }

    private static void collect(ArrowValue table, Field field, Set<Long> used) {
        if (field.getDictionary() != null) {
            used.add(field.getDictionary().getId());
            Field values = table.dictionaries().lookup(field.getDictionary().getId()).getVector().getField();
            values.getChildren().forEach(child -> collect(table, child, used));
        } else {
            field.getChildren().forEach(child -> collect(table, child, used));
        }
    }

    /** A copy of a batch, buffer by buffer, in memory of the arena. */
    private static VectorSchemaRoot copy(VectorSchemaRoot batch, ArrowArena arena) {
        VectorSchemaRoot built = VectorSchemaRoot.create(batch.getSchema(), arena.allocator());
        List<ArrowBuf> buffers = new ArrayList<>();
        try (ArrowRecordBatch given = new VectorUnloader(batch).getRecordBatch()) {
            for (ArrowBuf buffer : given.getBuffers()) {
                ArrowBuf copy = arena.allocator().buffer(buffer.readableBytes());
                copy.setBytes(0, buffer, buffer.readerIndex(), buffer.readableBytes());
                copy.writerIndex(buffer.readableBytes());
                buffers.add(copy);
            }
            try (ArrowRecordBatch copied = new ArrowRecordBatch(given.getLength(), given.getNodes(), buffers,
                    given.getBodyCompression(), given.getVariadicBufferCounts(), true, false)) {
                new VectorLoader(built).load(copied);
            }
        }
        return built;
    }

    /** Every cell as Java's vectors show it, column by column. */
    public static List<List<String>> cells(ArrowValue table) {
        List<List<String>> columns = new ArrayList<>();
        table.schema().getFields().forEach(field -> columns.add(new ArrayList<>()));
        for (VectorSchemaRoot batch : table.batches()) {
            for (int column = 0; column < columns.size(); column++) {
                FieldVector vector = batch.getVector(column);
                for (int row = 0; row < batch.getRowCount(); row++) {
                    Object cell = vector.getObject(row);
                    columns.get(column).add(cell instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(cell));
                }
            }
        }
        return columns;
    }

    /** What an arena says to what it does not take. */
    public static Map<String, Object> misuse() {
        Map<String, Object> said = new LinkedHashMap<>();
        try (ArrowArena arena = ArrowArena.allocate(ROOM_BYTES);
                VarCharVector words = new VarCharVector("words", arena.allocator());
                IntVector indices = new IntVector(
                        "k", new FieldType(true, new ArrowType.Int(32, true), ENCODING, null), arena.allocator())) {
            words.setSafe(0, new byte[100_000]);
            words.setValueCount(1);
            indices.setSafe(0, 0);
            indices.setValueCount(1);
            ArrowValue table = ArrowValue.of(
                    List.of(VectorSchemaRoot.of(indices)), new MapDictionaryProvider(new Dictionary(words, ENCODING)));
            said.put("large dictionary in the batch's part", message(() -> arena.put(table)));
        }
        try (ArrowArena arena = ArrowArena.allocate(ROOM_BYTES);
                IntVector first = new IntVector("k", arena.allocator());
                IntVector second = new IntVector("k", arena.allocator())) {
            for (IntVector vector : List.of(first, second)) {
                vector.setSafe(0, 1);
                vector.setValueCount(1);
            }
            ArrowValue two = ArrowValue.of(
                    List.of(VectorSchemaRoot.of(first), VectorSchemaRoot.of(second)), new MapDictionaryProvider());
            said.put("two batches in one part", message(() -> arena.put(two)));
            said.put("too small", message(() -> arena.allocator().buffer(2 * ROOM_BYTES).close()));
            said.put("close before the vectors", message(arena::close));
            arena.put(VectorSchemaRoot.of(first));
            said.put("put twice", message(() -> arena.put(VectorSchemaRoot.of(first))));
            said.put("allocate after put", message(() -> arena.allocator().buffer(8).close()));
        }
        return said;
    }

    private static String message(Runnable misuse) {
        try {
            misuse.run();
            return "";
        } catch (RuntimeException error) {
            return error.getMessage();
        }
    }
}
