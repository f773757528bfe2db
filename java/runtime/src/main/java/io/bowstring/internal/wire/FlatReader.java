package io.bowstring.internal.wire;

import io.bowstring.errors.ProtocolException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads FlatBuffers in any valid layout. Positions and counts come from the peer, so each is checked against the bytes
 * that are there before it is used, and nothing is allocated for a count before that (spec section 1.5, rule 2).
 */
public final class FlatReader {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int IDENTIFIER = 0x31535742; // "BWS1"

    public static final byte[] NO_BYTES = {};
    public static final long[] NO_LONGS = {};

    /** Reads one struct or table. */
    @FunctionalInterface
    public interface Reader<T> {
        T read(FlatReader in, int at);
    }

    private static final int SHARED_BYTES_MIN = 64 << 10; // spec section 1.5, rule 4
    private static final int TABLE_BYTES_MIN = 16;
    private static final long NOT_COUNTED = -1;

    private final byte[] data;
    private final String name;
    /** What may still be read through the vector of offsets that is being read; NOT_COUNTED: none is. */
    private long left = NOT_COUNTED;

    public FlatReader(byte[] data, String name) {
        this.data = data;
        this.name = name;
    }

    private ProtocolException broken(String what) {
        return new ProtocolException(name + ": " + what);
    }

    private void need(long at, long length, String what) {
        if (at < 0 || at + length > data.length) {
            throw broken(what + " of " + length + " bytes at " + at + ", outside of " + data.length + " bytes");
        }
    }

    /** Where the root table is. */
    public int root() {
        need(0, 8, "head");
        if (i32(4) != IDENTIFIER) {
            throw broken("the file identifier is not BWS1");
        }
        long at = u32(0);
        if ((at & 3) != 0) {
            throw broken("root table at " + at + ", which is not aligned");
        }
        need(at, 4, "root table");
        return (int) at;
    }

    /** Checks a table and its vtable; returns where the vtable is. */
    int enter(int at) {
        need(at, 4, "table");
        long vtable = (long) at - i32(at);
        need(vtable, 4, "vtable");
        int vtableSize = u16((int) vtable);
        int tableSize = u16((int) vtable + 2);
        if (vtableSize < 4 || (vtableSize & 1) != 0) {
            throw broken("vtable of " + vtableSize + " bytes at " + vtable);
        }
        need(vtable, vtableSize, "vtable");
        if (tableSize < 4) {
            throw broken("table of " + tableSize + " bytes at " + at);
        }
        need(at, tableSize, "table");
        return (int) vtable;
    }

    /** Where a field is; 0: it is absent. */
    int field(int at, int vtable, int index, int size) {
        int entry = 4 + 2 * index;
        if (entry + 2 > u16(vtable)) {
            return 0;
        }
        int offset = u16(vtable + entry);
        if (offset == 0) {
            return 0;
        }
        int tableSize = u16(vtable + 2);
        if (offset < 4 || offset > tableSize - size) {
            throw broken("field " + index + " at " + offset + ", outside of its table of " + tableSize + " bytes");
        }
        return at + offset;
    }

    int known(int value, int largest, String field) {
        if (value > largest) {
            throw broken(field + " has the unknown value " + value);
        }
        return value;
    }

    int u8(int at) {
        return data[at] & 0xff;
    }

    boolean bool(int at) {
        return data[at] != 0;
    }

    int u16(int at) {
        return (short) SHORT.get(data, at) & 0xffff;
    }

    int i32(int at) {
        return (int) INT.get(data, at);
    }

    long u32(int at) {
        return (int) INT.get(data, at) & 0xffffffffL;
    }

    long i64(int at) {
        return (long) LONG.get(data, at);
    }

    byte[] bytes(int at, int length) {
        return Arrays.copyOfRange(data, at, at + length);
    }

    /** Follows an offset to what it points at. */
    int follow(int field) {
        long at = field + u32(field);
        need(at, 4, "target");
        return (int) at;
    }

    private int count(int at, int size) {
        long count = u32(at);
        need(at + 4L, count * size, "vector");
        if (left != NOT_COUNTED) {
            spend(4 + count * size);
        }
        return (int) count;
    }

    private void spend(long size) {
        if (size > left) {
            throw broken("metadata of " + data.length + " bytes points at the same places too often");
        }
        left -= size;
    }

    /** Counts from here on, unless an outer vector already does; says whether {@link #left} is this one's to end. */
    private boolean enterVector() {
        if (left != NOT_COUNTED) {
            return false;
        }
        left = SHARED_BYTES_MIN + 2L * data.length;
        return true;
    }

    String string(int field) {
        return stringAt(follow(field));
    }

    private String stringAt(int at) {
        int count = count(at, 1);
        if (count == 0) {
            return "";
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data, at + 4, count)).toString();
        } catch (CharacterCodingException error) {
            throw broken("a string at " + at + " is not UTF-8");
        }
    }

    byte[] blob(int field) {
        int at = follow(field);
        int count = count(at, 1);
        return count == 0 ? NO_BYTES : bytes(at + 4, count);
    }

    long[] scalars(int field) {
        int at = follow(field);
        long[] values = new long[count(at, 8)];
        for (int i = 0; i < values.length; i++) {
            values[i] = i64(at + 4 + 8 * i);
        }
        return values;
    }

    <S> List<S> structs(int field, int size, Reader<S> reader) {
        int at = follow(field);
        int count = count(at, size);
        if (count == 0) {
            return List.of();
        }
        List<S> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(reader.read(this, at + 4 + i * size));
        }
        return items;
    }

    List<String> strings(int field) {
        int at = follow(field);
        boolean outer = enterVector();
        int count = count(at, 4);
        List<String> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(stringAt(follow(at + 4 + 4 * i)));
        }
        left = outer ? NOT_COUNTED : left;
        return items;
    }

    <T> List<T> tables(int field, Reader<T> reader) {
        int at = follow(field);
        boolean outer = enterVector();
        int count = count(at, 4);
        spend((long) TABLE_BYTES_MIN * count);
        List<T> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(reader.read(this, follow(at + 4 + 4 * i)));
        }
        left = outer ? NOT_COUNTED : left;
        return items;
    }
}
