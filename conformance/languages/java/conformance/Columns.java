package conformance;

import io.bowstring.arrow.ArrowValue;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BaseIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.DateMilliVector;
import org.apache.arrow.vector.Decimal256Vector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.DurationVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float2Vector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntervalMonthDayNanoVector;
import org.apache.arrow.vector.TimeMicroVector;
import org.apache.arrow.vector.TimeMilliVector;
import org.apache.arrow.vector.TimeNanoVector;
import org.apache.arrow.vector.TimeSecVector;
import org.apache.arrow.vector.TimeStampVector;
import org.apache.arrow.vector.ValueVector;
import org.apache.arrow.vector.VariableWidthFieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.MapVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.types.DateUnit;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.IntervalUnit;
import org.apache.arrow.vector.types.TimeUnit;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.DictionaryEncoding;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;

/** Arrow tables from the notation, with columns of every type, and back to text. */
final class Columns {
    private static final BufferAllocator ALLOCATOR = new RootAllocator();
    private static final Map<String, ArrowType> PLAIN = new HashMap<>();

    static {
        for (int bits = 8; bits <= 64; bits *= 2) {
            PLAIN.put("int" + bits, new ArrowType.Int(bits, true));
            PLAIN.put("uint" + bits, new ArrowType.Int(bits, false));
        }
        PLAIN.put("null", new ArrowType.Null());
        PLAIN.put("bool", new ArrowType.Bool());
        PLAIN.put("float16", new ArrowType.FloatingPoint(FloatingPointPrecision.HALF));
        PLAIN.put("float32", new ArrowType.FloatingPoint(FloatingPointPrecision.SINGLE));
        PLAIN.put("float64", new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE));
        PLAIN.put("utf8", new ArrowType.Utf8());
        PLAIN.put("large_utf8", new ArrowType.LargeUtf8());
        PLAIN.put("utf8_view", new ArrowType.Utf8View());
        PLAIN.put("binary", new ArrowType.Binary());
        PLAIN.put("large_binary", new ArrowType.LargeBinary());
        PLAIN.put("binary_view", new ArrowType.BinaryView());
        PLAIN.put("date32", new ArrowType.Date(DateUnit.DAY));
        PLAIN.put("date64", new ArrowType.Date(DateUnit.MILLISECOND));
    }

    private final MapDictionaryProvider dictionaries = new MapDictionaryProvider();
    private long nextDictionary;

    private Columns() {}

    /** The table, or the record batch, of the columns. */
    static ArrowValue value(List<?> written, boolean singleBatch) {
        Columns columns = new Columns();
        List<FieldVector> vectors = new ArrayList<>();
        int rows = 0;
        for (Object column : written) {
            Map<?, ?> map = (Map<?, ?>) column;
            List<?> values = (List<?>) Notation.make(map.get("values"), Map.of());
            rows = values.size();
            vectors.add(columns.vector(map, values));
        }
        VectorSchemaRoot root = new VectorSchemaRoot(vectors);
        root.setRowCount(rows);
        return singleBatch ? ArrowValue.ofBatch(root) : ArrowValue.of(List.of(root), columns.dictionaries);
    }

    private FieldVector vector(Map<?, ?> column, List<?> values) {
        String name = (String) column.get("name");
        Object type = column.get("type");
        Map<String, String> metadata = new LinkedHashMap<>();
        if (column.get("metadata") instanceof Map<?, ?> given) {
            given.forEach((key, value) -> metadata.put((String) key, (String) value));
        }
        if (type instanceof Map<?, ?> map && map.containsKey("extension")) {
            metadata.put("ARROW:extension:name", (String) map.get("extension"));
            String parameters = (String) map.get("parameters");
            metadata.put("ARROW:extension:metadata", parameters == null ? "" : parameters);
            type = map.get("storage");
        }
        Field field = field(name, type, metadata);
        if (field.getDictionary() == null) {
            return filled(field, values);
        }
        // The values in the order in which they first come.
        List<Object> distinct = new ArrayList<>();
        List<Object> indices = new ArrayList<>();
        for (Object value : values) {
            if (value != null && !distinct.contains(value)) {
                distinct.add(value);
            }
            indices.add(value == null ? null : (Object) (long) distinct.indexOf(value));
        }
        FieldVector dictionary = filled(field("values", ((Map<?, ?>) type).get("dictionary"), Map.of()), distinct);
        dictionaries.put(new Dictionary(dictionary, field.getDictionary()));
        return filled(field, indices);
    }

    private static FieldVector filled(Field field, List<?> values) {
        FieldVector vector = field.createVector(ALLOCATOR);
        vector.allocateNew();
        for (int row = 0; row < values.size(); row++) {
            set(vector, row, values.get(row));
        }
        vector.setValueCount(values.size());
        return vector;
    }

    // Types ----------------------------------------------------------------------------------------------------------

    private Field field(String name, Object written, Map<String, String> metadata) {
        if (written instanceof Map<?, ?> map && map.containsKey("dictionary")) {
            ArrowType.Int index = (ArrowType.Int) PLAIN.get(map.get("index"));
            DictionaryEncoding encoding = new DictionaryEncoding(nextDictionary++, false, index);
            return new Field(name, new FieldType(true, index, encoding, metadata), List.of());
        }
        return new Field(name, new FieldType(true, type(written), null, metadata), children(written));
    }

    private static ArrowType type(Object written) {
        if (written instanceof String name) {
            return PLAIN.get(name);
        }
        Map<?, ?> map = (Map<?, ?>) written;
        String kind = (String) map.keySet().iterator().next();
        Object content = map.get(kind);
        switch (kind) {
            case "timestamp":
                return new ArrowType.Timestamp(unit(content), (String) map.get("zone"));
            case "time":
                TimeUnit unit = unit(content);
                boolean narrow = unit == TimeUnit.SECOND || unit == TimeUnit.MILLISECOND;
                return new ArrowType.Time(unit, narrow ? 32 : 64);
            case "duration":
                return new ArrowType.Duration(unit(content));
            case "interval":
                return new ArrowType.Interval(IntervalUnit.MONTH_DAY_NANO);
            case "decimal":
                List<?> digits = (List<?>) content;
                return new ArrowType.Decimal(number(digits.get(0)), number(digits.get(1)), number(map.get("bits")));
            case "fixed_binary":
                return new ArrowType.FixedSizeBinary(number(content));
            case "list":
                return new ArrowType.List();
            case "large_list":
                return new ArrowType.LargeList();
            case "fixed_list":
                return new ArrowType.FixedSizeList(number(map.get("size")));
            case "struct":
                return new ArrowType.Struct();
            case "map":
                return new ArrowType.Map(false);
            default:
                throw new IllegalArgumentException("unknown column type " + written);
        }
    }

    private List<Field> children(Object written) {
        if (!(written instanceof Map<?, ?> map)) {
            return List.of();
        }
        String kind = (String) map.keySet().iterator().next();
        Object content = map.get(kind);
        switch (kind) {
            case "list", "large_list", "fixed_list":
                return List.of(field("item", content, Map.of()));
            case "struct":
                List<Field> fields = new ArrayList<>();
                ((Map<?, ?>) content).forEach((name, type) -> fields.add(field((String) name, type, Map.of())));
                return fields;
            case "map":
                List<?> types = (List<?>) content;
                Field key = new Field("key", FieldType.notNullable(type(types.get(0))), children(types.get(0)));
                Field value = field("value", types.get(1), Map.of());
                return List.of(new Field("entries", FieldType.notNullable(new ArrowType.Struct()), List.of(key, value)));
            default:
                return List.of();
        }
    }

    private static TimeUnit unit(Object name) {
        switch ((String) name) {
            case "s":
                return TimeUnit.SECOND;
            case "ms":
                return TimeUnit.MILLISECOND;
            case "us":
                return TimeUnit.MICROSECOND;
            default:
                return TimeUnit.NANOSECOND;
        }
    }

    private static int number(Object value) {
        return ((Long) value).intValue();
    }

    // Cells ----------------------------------------------------------------------------------------------------------

    private static void set(FieldVector vector, int row, Object value) {
        if (value == null) {
            if (vector instanceof StructVector struct) {
                struct.setNull(row);
            } else if (vector instanceof FixedSizeListVector list) {
                list.setNull(row);
            } else {
                vector.setNull(row);
            }
        } else if (vector instanceof BaseIntVector integers) {
            integers.setWithPossibleTruncate(row, (Long) value);
        } else if (vector instanceof Float2Vector halves) {
            halves.setSafeWithPossibleTruncate(row, ((Number) value).floatValue());
        } else if (vector instanceof Float4Vector floats) {
            floats.setSafe(row, ((Number) value).floatValue());
        } else if (vector instanceof Float8Vector doubles) {
            doubles.setSafe(row, (Double) value);
        } else if (vector instanceof BitVector bits) {
            bits.setSafe(row, (Boolean) value ? 1 : 0);
        } else if (vector instanceof FixedSizeBinaryVector bytes) {
            bytes.setSafe(row, (byte[]) value);
        } else if (vector instanceof VariableWidthFieldVector texts) {
            byte[] bytes = value instanceof String text ? text.getBytes(StandardCharsets.UTF_8) : (byte[]) value;
            texts.setSafe(row, bytes);
        } else if (vector instanceof DecimalVector decimals) {
            decimals.setSafe(row, new BigDecimal((String) value).setScale(decimals.getScale()));
        } else if (vector instanceof Decimal256Vector decimals) {
            decimals.setSafe(row, new BigDecimal((String) value).setScale(decimals.getScale()));
        } else if (vector instanceof IntervalMonthDayNanoVector intervals) {
            List<?> parts = (List<?>) value;
            intervals.setSafe(row, number(parts.get(0)), number(parts.get(1)), (Long) parts.get(2));
        } else if (!setTime(vector, row, value) && !setNested(vector, row, value)) {
            throw new IllegalArgumentException("a column of " + vector.getField());
        }
    }

    private static boolean setTime(FieldVector vector, int row, Object value) {
        if (vector instanceof TimeStampVector instants) {
            instants.setSafe(row, (Long) value);
        } else if (vector instanceof DurationVector durations) {
            durations.setSafe(row, (Long) value);
        } else if (vector instanceof DateDayVector days) {
            days.setSafe(row, number(value));
        } else if (vector instanceof DateMilliVector days) {
            days.setSafe(row, (Long) value);
        } else if (vector instanceof TimeSecVector times) {
            times.setSafe(row, number(value));
        } else if (vector instanceof TimeMilliVector times) {
            times.setSafe(row, number(value));
        } else if (vector instanceof TimeMicroVector times) {
            times.setSafe(row, (Long) value);
        } else if (vector instanceof TimeNanoVector times) {
            times.setSafe(row, (Long) value);
        } else {
            return false;
        }
        return true;
    }

    private static boolean setNested(FieldVector vector, int row, Object value) {
        if (vector instanceof MapVector maps) {
            int start = maps.startNewValue(row);
            List<?> entries = (List<?>) value;
            StructVector struct = (StructVector) maps.getDataVector();
            for (int index = 0; index < entries.size(); index++) {
                List<?> entry = (List<?>) entries.get(index);
                struct.setIndexDefined(start + index);
                set((FieldVector) struct.getChildByOrdinal(0), start + index, entry.get(0));
                set((FieldVector) struct.getChildByOrdinal(1), start + index, entry.get(1));
            }
            maps.endValue(row, entries.size());
        } else if (vector instanceof ListVector lists) {
            setItems(lists.getDataVector(), lists.startNewValue(row), (List<?>) value);
            lists.endValue(row, ((List<?>) value).size());
        } else if (vector instanceof LargeListVector lists) {
            setItems(lists.getDataVector(), (int) lists.startNewValue(row), (List<?>) value);
            lists.endValue(row, ((List<?>) value).size());
        } else if (vector instanceof FixedSizeListVector lists) {
            setItems(lists.getDataVector(), lists.startNewValue(row), (List<?>) value);
        } else if (vector instanceof StructVector structs) {
            structs.setIndexDefined(row);
            ((Map<?, ?>) value).forEach((name, part) -> set((FieldVector) structs.getChild((String) name), row, part));
        } else {
            return false;
        }
        return true;
    }

    private static void setItems(FieldVector items, int start, List<?> values) {
        for (int index = 0; index < values.size(); index++) {
            set(items, start + index, values.get(index));
        }
    }

    // Comparison -----------------------------------------------------------------------------------------------------

    /** The fields, with what dictionaries hold beside the type of their indices. */
    static List<String> fields(ArrowValue value) {
        List<String> fields = new ArrayList<>();
        for (Field field : value.schema().getFields()) {
            DictionaryEncoding encoding = field.getDictionary();
            fields.add(field.getName() + ": " + type(field) + new TreeMap<>(field.getMetadata()) + (encoding == null
                    ? "" : " into " + value.dictionaries().lookup(encoding.getId()).getVectorType()));
        }
        return fields;
    }

    /** A type with those of its parts. What the items of lists and maps are called has no meaning. */
    private static String type(Field field) {
        List<String> parts = new ArrayList<>();
        for (Field part : field.getChildren()) {
            parts.add((field.getType() instanceof ArrowType.Struct ? part.getName() + ": " : "") + type(part));
        }
        return field.getType() + (parts.isEmpty() ? "" : parts.toString());
    }

    static List<List<String>> rows(ArrowValue value) {
        List<List<String>> rows = new ArrayList<>();
        for (VectorSchemaRoot batch : value.batches()) {
            for (int row = 0; row < batch.getRowCount(); row++) {
                List<String> cells = new ArrayList<>();
                for (FieldVector vector : batch.getFieldVectors()) {
                    cells.add(cell(value, vector, row));
                }
                rows.add(cells);
            }
        }
        return rows;
    }

    private static String cell(ArrowValue value, FieldVector vector, int row) {
        Object shown = vector.getObject(row);
        DictionaryEncoding encoding = vector.getField().getDictionary();
        if (shown != null && encoding != null) {
            ValueVector values = value.dictionaries().lookup(encoding.getId()).getVector();
            shown = values.getObject(((Number) shown).intValue());
        }
        return shown instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(shown);
    }
}
