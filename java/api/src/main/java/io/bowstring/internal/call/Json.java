package io.bowstring.internal.call;

import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes what state queries tell as JSON: maps, lists, strings, numbers, truth values and nothing. */
public final class Json {
    private Json() {}

    /** Appends a value. */
    public static void write(@Nullable Object value, Appendable out) throws IOException {
        if (value instanceof Map<?, ?> map) {
            String separator = "{";
            for (Map.Entry<?, ?> each : map.entrySet()) {
                out.append(separator);
                text(String.valueOf(each.getKey()), out);
                out.append(": ");
                write(each.getValue(), out);
                separator = ", ";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> items) {
            String separator = "[";
            for (Object each : items) {
                out.append(separator);
                write(each, out);
                separator = ", ";
            }
            out.append(separator.equals("[") ? "[]" : "]");
        } else if (value == null || value instanceof Boolean || value instanceof Long || value instanceof Integer
                || value instanceof Double number && Double.isFinite(number)) {
            out.append(String.valueOf(value));
        } else {
            text(String.valueOf(value), out);
        }
    }

    private static void text(String text, Appendable out) throws IOException {
        out.append('"');
        for (int at = 0; at < text.length(); at++) {
            char each = text.charAt(at);
            if (each == '"' || each == '\\') {
                out.append('\\').append(each);
            } else if (each < ' ') {
                out.append(String.format("\\u%04x", (int) each));
            } else {
                out.append(each);
            }
        }
        out.append('"');
    }
}
