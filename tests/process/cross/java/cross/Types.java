package cross;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.arrow.ReadOnlyTableException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.util.VectorAppender;

/** Tables of any type, read and written again, copied by Arrow or built in an arena. */
public final class Types {
    private static final long ROOM_BYTES = 8 << 20;

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
                FieldVector copy = copy(known.getVector(), known.getVector().getField(), arena);
                vectors.add(copy);
                dictionaries.put(new Dictionary(copy, known.getEncoding()));
                if (parts) {
                    arena.nextPart();
                }
            }
            List<VectorSchemaRoot> batches = new ArrayList<>();
            for (VectorSchemaRoot batch : table.batches()) {
                List<FieldVector> columns = new ArrayList<>();
                for (FieldVector column : batch.getFieldVectors()) {
                    columns.add(copy(column, column.getField(), arena));
                }
                VectorSchemaRoot built = new VectorSchemaRoot(batch.getSchema(), columns, batch.getRowCount());
                vectors.add(built);
                batches.add(built);
                if (parts) {
                    arena.nextPart();
                }
            }
            ObjectRef<ArrowValue> ref = arena.put(ArrowValue.of(batches, dictionaries));
            result.put("table", ref);
            result.put("copied", arena.bytesCopied());
            result.put("still", cells(ArrowValue.of(batches, dictionaries)).equals(cells(table)));
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

    private static FieldVector copy(FieldVector vector, Field field, ArrowArena arena) {
        FieldVector copy = field.createVector(arena.allocator());
        copy.setInitialCapacity(vector.getValueCount());
        copy.allocateNew();
        if (vector.getValueCount() > 0) {
            vector.accept(new VectorAppender(copy), null);
        }
        return copy;
    }

    /** Every cell as Java's vectors show it, column by column. */
    public static List<List<String>> cells(ArrowValue table) {
        List<List<String>> columns = new ArrayList<>();
        table.schema().getFields().forEach(field -> columns.add(new ArrayList<>()));
        for (VectorSchemaRoot batch : table.batches()) {
            for (int column = 0; column < columns.size(); column++) {
                FieldVector vector = batch.getVector(column);
                for (int row = 0; row < batch.getRowCount(); row++) {
                    columns.get(column).add(String.valueOf(vector.getObject(row)));
                }
            }
        }
        return columns;
    }
}
