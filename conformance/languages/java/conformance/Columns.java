package conformance;

import io.bowstring.arrow.ArrowValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;

/** Arrow columns from the notation, and back to lists. */
final class Columns {
    private static final BufferAllocator ALLOCATOR =
            new RootAllocator();

    private Columns() {}

    static VectorSchemaRoot root(List<?> columns) {
        List<FieldVector> vectors = new ArrayList<>();
        int rows = 0;
        for (Object column : columns) {
            Map<?, ?> map = (Map<?, ?>) column;
            List<?> values = (List<?>) Notation.make(map.get("values"), Map.of());
            rows = values.size();
            vectors.add(vector((String) map.get("name"), (String) map.get("type"), values));
        }
        VectorSchemaRoot root = new VectorSchemaRoot(vectors);
        root.setRowCount(rows);
        return root;
    }

    private static FieldVector vector(String name, String type, List<?> values) {
        FieldVector vector;
        switch (type) {
            case "int64":
                vector = new BigIntVector(name, ALLOCATOR);
                break;
            case "int32":
                vector = new IntVector(name, ALLOCATOR);
                break;
            case "float64":
                vector = new Float8Vector(name, ALLOCATOR);
                break;
            case "bool":
                vector = new BitVector(name, ALLOCATOR);
                break;
            case "utf8":
                vector = new VarCharVector(name, ALLOCATOR);
                break;
            default:
                throw new IllegalArgumentException("unknown column type " + type);
        }
        vector.allocateNew();
        for (int row = 0; row < values.size(); row++) {
            Object value = values.get(row);
            if (value == null) {
                vector.setNull(row);
            } else if (vector instanceof BigIntVector longs) {
                longs.setSafe(row, (Long) value);
            } else if (vector instanceof IntVector ints) {
                ints.setSafe(row, ((Long) value).intValue());
            } else if (vector instanceof Float8Vector doubles) {
                doubles.setSafe(row, (Double) value);
            } else if (vector instanceof BitVector bits) {
                bits.setSafe(row, (Boolean) value ? 1 : 0);
            } else if (vector instanceof VarCharVector texts) {
                texts.setSafe(row, ((String) value).getBytes(StandardCharsets.UTF_8));
            }
        }
        vector.setValueCount(values.size());
        return vector;
    }

    static List<String> names(Schema schema) {
        return schema.getFields().stream().map(Field::getName).toList();
    }

    static List<ArrowType> types(
            Schema schema) {
        return schema.getFields().stream().map(Field::getType).toList();
    }

    static List<List<String>> rows(ArrowValue value) {
        List<List<String>> rows = new ArrayList<>();
        for (VectorSchemaRoot batch : value.batches()) {
            for (int row = 0; row < batch.getRowCount(); row++) {
                List<String> cells = new ArrayList<>();
                for (FieldVector vector : batch.getFieldVectors()) {
                    cells.add(String.valueOf(vector.getObject(row)));
                }
                rows.add(cells);
            }
        }
        return rows;
    }
}
