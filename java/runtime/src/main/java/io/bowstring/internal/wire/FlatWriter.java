package io.bowstring.internal.wire;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Writes canonical FlatBuffers (spec section 1.6), front to back, into one growing array. Every block and tail starts at
 * a multiple of 8 from where the metadata starts; offsets are relative, so blocks can be appended wherever they fall.
 */
public final class FlatWriter {
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int IDENTIFIER = 0x31535742; // "BWS1"

    /** Writes one struct at a place. */
    @FunctionalInterface
    public interface StructWriter<S> {
        void write(S struct, FlatWriter out, int at);
    }

    private byte[] data;
    private int size;

    public FlatWriter() {
        this(512);
    }

    public FlatWriter(int capacity) {
        data = new byte[capacity];
    }

    static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }

    public int size() {
        return size;
    }

    public byte[] toBytes() {
        return Arrays.copyOf(data, size);
    }

    /** The array behind this writer; its first {@link #size} bytes are written. */
    public byte[] array() {
        return data;
    }

    /** Appends zero bytes and returns where they start. */
    public int reserve(int count) {
        int at = size;
        int end = Math.addExact(at, count);
        if (end > data.length) {
            data = Arrays.copyOf(data, Math.max(end, data.length * 2));
        }
        size = end;
        return at;
    }

    /** Appends a root table: its offset, the file identifier, its block. */
    public void root(Table table) {
        int at = reserve(8);
        i32(at, 8 + table.start());
        i32(at + 4, IDENTIFIER);
        table.write(this);
    }

    /** Appends vtable, table of zeros and empty word; returns where the table starts. */
    int begin(byte[] head, int tableSize) {
        int at = reserve(head.length - 4 + tableSize + 8);
        System.arraycopy(head, 0, data, at, head.length);
        return at + head.length - 4;
    }

    public void u8(int at, int value) {
        data[at] = (byte) value;
    }

    public void bool(int at, boolean value) {
        data[at] = (byte) (value ? 1 : 0);
    }

    public void u16(int at, int value) {
        SHORT.set(data, at, (short) value);
    }

    public void i32(int at, int value) {
        INT.set(data, at, value);
    }

    public void u32(int at, long value) {
        INT.set(data, at, (int) value);
    }

    public void i64(int at, long value) {
        LONG.set(data, at, value);
    }

    public void bytes(int at, byte[] value, int length) {
        if (value.length != length) {
            throw new IllegalArgumentException("expected " + length + " bytes, got " + value.length);
        }
        System.arraycopy(value, 0, data, at, length);
    }

    void string(int table, int slot, int tableSize, String text) {
        if (text.isEmpty()) {
            i32(table + slot, tableSize - slot);
            return;
        }
        i32(table + slot, size - table - slot);
        stringTail(text);
    }

    private void stringTail(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        int at = reserve((utf8.length + 5 + 7) & ~7);
        i32(at, utf8.length);
        System.arraycopy(utf8, 0, data, at + 4, utf8.length);
    }

    void blob(int table, int slot, int tableSize, byte[] blob) {
        if (blob.length == 0) {
            i32(table + slot, tableSize - slot);
            return;
        }
        i32(table + slot, size - table - slot);
        int at = reserve((blob.length + 4 + 7) & ~7);
        i32(at, blob.length);
        System.arraycopy(blob, 0, data, at + 4, blob.length);
    }

    /** A vector of 64-bit numbers: its count stands 4 bytes into the chunk, so that the elements are aligned. */
    void scalars(int table, int slot, int tableSize, long[] values) {
        if (values.length == 0) {
            i32(table + slot, tableSize + 4 - slot);
            return;
        }
        i32(table + slot, size + 4 - table - slot);
        int at = reserve(8 + 8 * values.length);
        i32(at + 4, values.length);
        for (int i = 0; i < values.length; i++) {
            i64(at + 8 + 8 * i, values[i]);
        }
    }

    <S> void structs(
            int table, int slot, int tableSize, List<S> items, int itemSize, boolean wide, StructWriter<S> writer) {
        int lead = wide ? 4 : 0;
        int count = items.size();
        if (count == 0) {
            i32(table + slot, tableSize + lead - slot);
            return;
        }
        i32(table + slot, size + lead - table - slot);
        int at = reserve((lead + 4 + Math.multiplyExact(count, itemSize) + 7) & ~7);
        i32(at + lead, count);
        int place = at + lead + 4;
        for (S item : items) {
            writer.write(item, this, place);
            place += itemSize;
        }
    }

    void strings(int table, int slot, int tableSize, List<String> items) {
        if (items.isEmpty()) {
            i32(table + slot, tableSize - slot);
            return;
        }
        i32(table + slot, size - table - slot);
        int at = offsets(items.size());
        for (int i = 0; i < items.size(); i++) {
            int place = at + 4 + 4 * i;
            i32(place, size - place);
            stringTail(items.get(i));
        }
    }

    void table(int table, int slot, int tableSize, Table inner) {
        i32(table + slot, size + inner.start() - table - slot);
        inner.write(this);
    }

    void tables(int table, int slot, int tableSize, List<? extends Table> items) {
        if (items.isEmpty()) {
            i32(table + slot, tableSize - slot);
            return;
        }
        i32(table + slot, size - table - slot);
        int at = offsets(items.size());
        for (int i = 0; i < items.size(); i++) {
            int place = at + 4 + 4 * i;
            i32(place, size + items.get(i).start() - place);
            items.get(i).write(this);
        }
    }

    private int offsets(int count) {
        int at = reserve((4 + 4 * count + 7) & ~7);
        i32(at, count);
        return at;
    }
}
