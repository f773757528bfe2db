package conformance;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.arrow.ArrowValue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.apache.arrow.memory.util.Float16;

/** Values as the cases write them, in Java: made from the notation, and held against it. */
final class Notation {
    private static final long NANOS = 1_000_000_000L;

    private Notation() {}

    /** The value that the notation stands for. {@code names}: the references, handles and paths that it may use. */
    static Object make(Object written, Map<String, Object> names) {
        if (written instanceof List<?> list) {
            List<Object> made = new ArrayList<>(list.size());
            list.forEach(element -> made.add(make(element, names)));
            return made;
        }
        if (!(written instanceof Map<?, ?> map)) {
            return written;
        }
        String mark = mark(map);
        if (mark == null) {
            Map<Object, Object> made = new LinkedHashMap<>();
            map.forEach((key, value) -> made.put(key, make(value, names)));
            return made;
        }
        Object content = map.get(mark);
        switch (mark) {
            case "$float":
                return number((String) content);
            case "$bytes":
                return HexFormat.of().parseHex((String) content);
            case "$pattern":
                return pattern(((Long) content).intValue());
            case "$time":
                return Instant.ofEpochSecond(Math.floorDiv((Long) content, NANOS), Math.floorMod((Long) content, NANOS));
            case "$map":
                Map<Object, Object> pairs = new LinkedHashMap<>();
                for (Object pair : (List<?>) content) {
                    pairs.put(make(((List<?>) pair).get(0), names), make(((List<?>) pair).get(1), names));
                }
                return pairs;
            case "$range":
                return range((Long) content);
            case "$repeat":
                List<Object> repeated = new ArrayList<>();
                for (long i = 0; i < (Long) map.get("count"); i++) {
                    repeated.add(make(content, names));
                }
                return repeated;
            case "$nest":
                List<Object> nested = List.of();
                for (long depth = 1; depth < (Long) content; depth++) {
                    nested = List.of(nested);
                }
                return nested;
            case "$tensor":
                return tensor((String) content, (List<?>) map.get("shape"), (List<?>) make(map.get("data"), names));
            case "$table":
                return Columns.value((List<?>) content, false);
            case "$batch":
                return Columns.value((List<?>) content, true);
            case "$text":
                return Json.write(content);
            case "$unportable":
                return new Unportable();
            case "$ref", "$actor", "$path":
                if (!names.containsKey((String) content)) {
                    throw new IllegalArgumentException(
                            "the case uses " + mark + " " + content + ", which no step before has made");
                }
                return names.get((String) content);
            default:
                throw new IllegalArgumentException("unknown mark " + mark);
        }
    }

    /** What distinguishes the value from what is written; empty if nothing does. Types count: 1 is not 1.0 nor true. */
    static String difference(Object value, Object written) {
        return differs(value, written, "$");
    }

    private static String differs(Object value, Object written, String path) {
        if (written instanceof Map<?, ?> map && mark(map) != null) {
            return differs(value, make(written, Map.of()), path);
        }
        if (written instanceof Tensor expected) {
            return tell(path, value, written, value instanceof Tensor tensor && sameTensor(tensor, expected));
        }
        if (written instanceof ArrowValue expected) {
            return tell(path, value, written, value instanceof ArrowValue arrow && sameArrow(arrow, expected));
        }
        if (written instanceof byte[] expected) {
            return tell(path, value, written, value instanceof byte[] bytes && Arrays.equals(bytes, expected));
        }
        if (written instanceof List<?> expected && value instanceof List<?> list) {
            if (list.size() != expected.size()) {
                return path + ": " + list.size() + " elements, expected " + expected.size();
            }
            for (int i = 0; i < list.size(); i++) {
                String found = differs(list.get(i), expected.get(i), path + "[" + i + "]");
                if (!found.isEmpty()) {
                    return found;
                }
            }
            return "";
        }
        if (written instanceof Map<?, ?> expected && value instanceof Map<?, ?> map) {
            if (!new ArrayList<>(map.keySet()).equals(new ArrayList<>(expected.keySet()))) {
                return path + ": keys " + map.keySet() + ", expected " + expected.keySet();
            }
            for (Object key : expected.keySet()) {
                String found = differs(map.get(key), expected.get(key), path + "." + key);
                if (!found.isEmpty()) {
                    return found;
                }
            }
            return "";
        }
        return tell(path, value, written, Objects.equals(widened(value), written));
    }

    /** A result of a typed Java method may be an Integer, and what came in the form of a Float is one (3.6/10). */
    private static Object widened(Object value) {
        if (value instanceof Integer integer) {
            return integer.longValue();
        }
        return value instanceof Float number ? (Object) number.doubleValue() : value;
    }

    private static String tell(String path, Object value, Object expected, boolean same) {
        return same ? "" : path + ": " + shown(value) + ", expected " + shown(expected);
    }

    private static String shown(Object value) {
        String text = value instanceof byte[] bytes ? bytes.length + " bytes" : String.valueOf(value);
        return (value == null ? "" : value.getClass().getSimpleName() + " ")
                + text.substring(0, Math.min(200, text.length()));
    }

    private static boolean sameTensor(Tensor value, Tensor expected) {
        return value.element() == expected.element()
                && Arrays.equals(value.shape(), expected.shape())
                && value.buffer().equals(expected.buffer());
    }

    private static boolean sameArrow(ArrowValue value, ArrowValue expected) {
        if (value.isSingleBatch() != expected.isSingleBatch() || value.rowCount() != expected.rowCount()) {
            return false;
        }
        return Columns.fields(value).equals(Columns.fields(expected)) && Columns.rows(value).equals(Columns.rows(expected));
    }

    private static String mark(Map<?, ?> map) {
        for (Object key : map.keySet()) {
            if (key instanceof String text && text.startsWith("$")) {
                return text;
            }
        }
        return null;
    }

    private static double number(String text) {
        switch (text) {
            case "nan":
                return Double.NaN;
            case "inf":
                return Double.POSITIVE_INFINITY;
            case "-inf":
                return Double.NEGATIVE_INFINITY;
            default:
                return Double.parseDouble(text);
        }
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }

    private static List<Object> range(long length) {
        List<Object> list = new ArrayList<>();
        for (long i = 0; i < length; i++) {
            list.add(i);
        }
        return list;
    }

    private static Tensor tensor(String element, List<?> shape, List<?> data) {
        ElementType type = ElementType.valueOf(element.toUpperCase(Locale.ROOT));
        ByteBuffer bytes = ByteBuffer.allocate(data.size() * type.size()).order(ByteOrder.LITTLE_ENDIAN);
        for (Object value : data) {
            switch (type) {
                case BOOL -> bytes.put((byte) (Boolean.TRUE.equals(value) ? 1 : 0));
                case FLOAT16 -> bytes.putShort(Float16.toFloat16(((Number) value).floatValue()));
                case FLOAT32 -> bytes.putFloat(((Number) value).floatValue());
                case FLOAT64 -> bytes.putDouble(((Number) value).doubleValue());
                default -> {
                    long bits = ((Number) value).longValue();
                    for (int i = 0; i < type.size(); i++) {
                        bytes.put((byte) (bits >> 8 * i));
                    }
                }
            }
        }
        return Tensor.of(type, shape.stream().mapToLong(size -> (Long) size).toArray(), bytes.flip());
    }
}
