package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.internal.wire.FlatWriter;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes a tree as MessagePack with the extension types of spec section 3.6. What does not fit is refused by its path. */
final class PortableWriter {
    static final int DEPTH_MAX = 256;
    static final int LONG_LIST_MIN = 1024;
    static final int LARGE_BYTES_MIN = 4096;

    static final int TIMESTAMP = -1;
    static final int REF = 1;
    static final int HANDLE = 2;
    static final int TENSOR = 3;
    static final int ARROW = 4;
    static final int LIST = 5;
    static final int BYTES = 6;

    private final References references;
    private final List<ValueBuffer> buffers = new ArrayList<>();
    private final List<Object> held = new ArrayList<>();
    private final Deque<Object> path = new ArrayDeque<>();
    private byte[] out = new byte[64];
    private int size;

    PortableWriter(References references) {
        this.references = references;
        buffers.add(ValueBuffer.of(ByteBuffer.allocate(0))); // the place of buffer 0, which is written last
    }

    /** Writes the value as the whole of a payload. */
    EncodedValue write(@Nullable Object value, int encoding) {
        whole(value);
        buffers.set(0, ValueBuffer.of(ByteBuffer.wrap(out, 0, size)));
        return new EncodedValue(encoding, buffers, held);
    }

    /** A value that stands alone: the form of one whose class is not the usual one says so (spec section 3.6, rule 10). */
    private void whole(@Nullable Object value) {
        if (value instanceof Integer number) {
            sized(number, 4);
        } else if (value instanceof Short number) {
            sized(number, 2);
        } else if (value instanceof Byte number) {
            sized(number, 1);
        } else if (value instanceof Float number) {
            put(0xca);
            big(Float.floatToRawIntBits(number), 4);
        } else if (value instanceof Character letter) {
            byte[] utf8 = utf8(letter.toString());
            put(0xd9);
            put(utf8.length);
            raw(utf8, 0, utf8.length);
        } else if (value instanceof ByteBuffer buffer && buffer.remaining() < LARGE_BYTES_MIN) {
            put(0xc6);
            big(buffer.remaining(), 4);
            raw(buffer);
        } else if (value instanceof ByteBuffer buffer) {
            buffers.add(ValueBuffer.of(buffer.duplicate()));
            put(0xc9);
            big(2, 4);
            put(BYTES);
            arrayHead(1);
            integer(1);
        } else {
            value(value);
        }
    }

    /** The form of a type's width; if that is the shortest for the number, the longest. */
    private void sized(long value, int bytes) {
        int width = bytes == signedBytes(value) ? 8 : bytes;
        put(0xd0 + Integer.numberOfTrailingZeros(width));
        big(value, width);
    }

    /** Bytes of a number's shortest form, if that is one with a sign; else 0. */
    static int signedBytes(long value) {
        if (value >= -32) {
            return 0;
        }
        return value >= Byte.MIN_VALUE ? 1 : value >= Short.MIN_VALUE ? 2 : value >= Integer.MIN_VALUE ? 4 : 8;
    }

    private void value(@Nullable Object value) {
        if (value == null) {
            put(0xc0);
        } else if (value instanceof String text) {
            string(text);
        } else if (value instanceof Integer || value instanceof Long || value instanceof Short || value instanceof Byte) {
            integer(((Number) value).longValue());
        } else if (value instanceof Double || value instanceof Float) {
            put(0xcb);
            big(Double.doubleToRawLongBits(((Number) value).doubleValue()), 8);
        } else if (value instanceof Boolean flag) {
            put(flag ? 0xc3 : 0xc2);
        } else if (value instanceof List<?> list) {
            list(list);
        } else if (value instanceof Map<?, ?> map) {
            map(map);
        } else if (value instanceof byte[] bytes) {
            bytes(ByteBuffer.wrap(bytes));
        } else if (value instanceof ByteBuffer bytes) {
            bytes(bytes);
        } else if (value instanceof Object[] array) {
            list(Arrays.asList(array));
        } else if (value instanceof Character letter) {
            string(letter.toString());
        } else if (value instanceof Instant instant) {
            put(0xc7);
            put(12);
            put(TIMESTAMP);
            big(instant.getNano(), 4);
            big(instant.getEpochSecond(), 8);
        } else {
            ElementType element = PrimitiveArrays.element(value);
            if (element != null) {
                tensor(PrimitiveArrays.buffer(value, element), element, new long[] {Array.getLength(value)});
            } else if (value instanceof Tensor tensor) {
                tensor(ValueBuffer.of(tensor.buffer()), tensor.element(), tensor.shape());
            } else if (!reference(value) && !table(value)) {
                throw refused("a value of " + value.getClass().getName() + " has no portable form; " + ADVICE);
            }
        }
    }

    private static final String ADVICE =
            "what crosses is null, booleans, numbers, strings, bytes, instants, lists, maps, arrays, tensors, Arrow data, "
                    + "references and actor handles";

    private boolean reference(Object value) {
        WireRef ref = references.refOf(value);
        if (ref != null) {
            put(0xc7);
            put(WireRef.SIZE);
            put(REF);
            FlatWriter bytes = new FlatWriter(WireRef.SIZE);
            bytes.reserve(WireRef.SIZE);
            ref.write(bytes, 0);
            raw(bytes.array(), 0, WireRef.SIZE);
            held.add(value);
            return true;
        }
        WireHandle handle = references.handleOf(value);
        if (handle != null) {
            byte[] bytes = handle.encode();
            put(0xc9);
            big(bytes.length, 4);
            put(HANDLE);
            raw(bytes, 0, bytes.length);
            held.add(value);
            return true;
        }
        return false;
    }

    private boolean table(Object value) {
        TableFormat.Table table = TableFormat.FOUND.tableOf(value);
        if (table == null) {
            return false;
        }
        buffers.add(table.stream());
        int mark = extension(ARROW);
        arrayHead(2);
        integer(buffers.size() - 1);
        put(table.singleBatch() ? 0xc3 : 0xc2);
        closeExtension(mark);
        return true;
    }

    private void tensor(ValueBuffer data, ElementType element, long[] shape) {
        buffers.add(data);
        int mark = extension(TENSOR);
        arrayHead(3);
        integer(buffers.size() - 1);
        integer(element.number());
        arrayHead(shape.length);
        for (long dimension : shape) {
            integer(dimension);
        }
        closeExtension(mark);
    }

    private void list(List<?> list) {
        if (list.size() >= LONG_LIST_MIN && longList(list)) {
            return;
        }
        enter();
        arrayHead(list.size());
        int index = 0;
        for (Object item : list) {
            path.addLast(index++);
            value(item);
            path.removeLast();
        }
    }

    private void enter() {
        if (path.size() >= DEPTH_MAX) {
            path.clear();
            throw refused("nested deeper than " + DEPTH_MAX + " levels, or inside of itself");
        }
    }

    private boolean longList(List<?> list) {
        Object first = list.get(0);
        ElementType element = first instanceof Double ? ElementType.FLOAT64
                : first instanceof Boolean ? ElementType.BOOL
                : isInteger(first) ? ElementType.INT64 : null;
        if (element == null) {
            return false;
        }
        ByteBuffer data = ByteBuffer.allocate(Math.multiplyExact(list.size(), element.size()))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (Object item : list) {
            if (element == ElementType.INT64 && isInteger(item)) {
                data.putLong(((Number) item).longValue());
            } else if (element == ElementType.FLOAT64 && item instanceof Double number) {
                data.putDouble(number);
            } else if (element == ElementType.BOOL && item instanceof Boolean flag) {
                data.put((byte) (flag ? 1 : 0));
            } else {
                return false;
            }
        }
        buffers.add(ValueBuffer.of(data.flip()));
        int mark = extension(LIST);
        arrayHead(2);
        integer(buffers.size() - 1);
        integer(element.number());
        closeExtension(mark);
        return true;
    }

    private static boolean isInteger(@Nullable Object value) {
        return value instanceof Long || value instanceof Integer || value instanceof Short || value instanceof Byte;
    }

    private void map(Map<?, ?> map) {
        enter();
        int count = map.size();
        if (count < 16) {
            put(0x80 | count);
        } else {
            put(0xdf);
            big(count, 4);
        }
        Set<Object> seen = new HashSet<>();
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<?, ?> entry = entries.next();
            Object key = entry.getKey();
            if (key instanceof Character) {
                key = key.toString();
            } else if (isInteger(key)) {
                key = ((Number) key).longValue();
            } else if (!(key instanceof String)) {
                throw refused("a map's key is " + (key == null ? "null" : "of " + key.getClass().getName())
                        + "; keys are strings or integers");
            }
            if (!seen.add(key)) {
                throw refused("a map has the key " + key + " twice");
            }
            value(key);
            path.addLast(key);
            value(entry.getValue());
            path.removeLast();
        }
    }

    private byte[] utf8(String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            return Arrays.copyOf(encoded.array(), encoded.limit());
        } catch (CharacterCodingException error) {
            throw refused("a string has a surrogate without its partner, which is no UTF-8; pass it as bytes");
        }
    }

    private void string(String text) {
        byte[] utf8 = utf8(text);
        if (utf8.length < 32) {
            put(0xa0 | utf8.length);
        } else if (utf8.length < 256) {
            put(0xd9);
            put(utf8.length);
        } else if (utf8.length < 65536) {
            put(0xda);
            big(utf8.length, 2);
        } else {
            put(0xdb);
            big(utf8.length, 4);
        }
        raw(utf8, 0, utf8.length);
    }

    private void bytes(ByteBuffer bytes) {
        int length = bytes.remaining();
        if (length >= LARGE_BYTES_MIN) {
            buffers.add(ValueBuffer.of(bytes.duplicate()));
            int mark = extension(BYTES);
            arrayHead(1);
            integer(buffers.size() - 1);
            closeExtension(mark);
            return;
        }
        if (length < 256) {
            put(0xc4);
            put(length);
        } else {
            put(0xc5);
            big(length, 2);
        }
        raw(bytes);
    }

    private void integer(long value) {
        if (value >= -32 && value < 128) {
            put((int) value);
        } else if (value >= 0) {
            if (value < 1L << 8) {
                put(0xcc);
                big(value, 1);
            } else if (value < 1L << 16) {
                put(0xcd);
                big(value, 2);
            } else if (value < 1L << 32) {
                put(0xce);
                big(value, 4);
            } else {
                put(0xcf);
                big(value, 8);
            }
        } else if (value >= Byte.MIN_VALUE) {
            put(0xd0);
            big(value, 1);
        } else if (value >= Short.MIN_VALUE) {
            put(0xd1);
            big(value, 2);
        } else if (value >= Integer.MIN_VALUE) {
            put(0xd2);
            big(value, 4);
        } else {
            put(0xd3);
            big(value, 8);
        }
    }

    private void arrayHead(int count) {
        if (count < 16) {
            put(0x90 | count);
        } else if (count < 65536) {
            put(0xdc);
            big(count, 2);
        } else {
            put(0xdd);
            big(count, 4);
        }
    }

    /** Starts an extension of at most 255 bytes; its length is filled in when it is closed. */
    private int extension(int type) {
        put(0xc7);
        int mark = size;
        put(0);
        put(type);
        return mark;
    }

    private void closeExtension(int mark) {
        int length = size - mark - 2;
        if (length > 255) {
            throw refused("a tensor has too many dimensions");
        }
        out[mark] = (byte) length;
    }

    private void put(int value) {
        room(1);
        out[size++] = (byte) value;
    }

    private void big(long value, int bytes) {
        room(bytes);
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            out[size++] = (byte) (value >> shift);
        }
    }

    private void raw(byte[] bytes, int at, int length) {
        room(length);
        System.arraycopy(bytes, at, out, size, length);
        size += length;
    }

    private void raw(ByteBuffer bytes) {
        int length = bytes.remaining();
        room(length);
        bytes.duplicate().get(out, size, length);
        size += length;
    }

    private void room(int count) {
        if (size + count > out.length) {
            out = Arrays.copyOf(out, Math.max(size + count, out.length * 2));
        }
    }

    private CrossLanguageException refused(String why) {
        StringBuilder place = new StringBuilder("$");
        for (Object step : path) {
            ValuePath.append(place, step);
        }
        return new CrossLanguageException(place + ": " + why);
    }
}
