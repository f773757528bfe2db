package io.bowstring.internal.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.arrow.ReadOnlyTableException;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueBuffer;
import io.bowstring.internal.value.ValueMemory;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ReadOnlyBufferException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.BitVector;
import org.apache.arrow.vector.DateDayVector;
import org.apache.arrow.vector.Decimal256Vector;
import org.apache.arrow.vector.DecimalVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.FixedSizeBinaryVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.LargeVarBinaryVector;
import org.apache.arrow.vector.LargeVarCharVector;
import org.apache.arrow.vector.SmallIntVector;
import org.apache.arrow.vector.TimeStampNanoTZVector;
import org.apache.arrow.vector.TinyIntVector;
import org.apache.arrow.vector.VarBinaryVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.FixedSizeListVector;
import org.apache.arrow.vector.complex.LargeListVector;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.StructVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.apache.arrow.vector.util.TransferPair;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WriteGuardTest {
    private static final int ROWS = 100;

    @BeforeAll
    static void guard() {
        WriteGuard.install();
        assertTrue(WriteGuard.isActive(), "Arrow was in use before");
    }

    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    /** A kind of vector: how one is made, and one way to write into it. */
    record Kind(String name, Make make, Write write) {
        interface Make {
            FieldVector vector(BufferAllocator allocator);
        }

        interface Write {
            void to(FieldVector vector);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private static <T extends FieldVector> Kind kind(
            Class<T> type, java.util.function.BiFunction<String, BufferAllocator, T> make,
            java.util.function.BiConsumer<T, Integer> set) {
        return new Kind(type.getSimpleName(), allocator -> {
            T vector = make.apply("x", allocator);
            vector.allocateNew();
            for (int i = 0; i < ROWS; i++) {
                set.accept(vector, i);
            }
            vector.setValueCount(ROWS);
            return vector;
        }, vector -> set.accept(type.cast(vector), 3));
    }

    private static byte[] text(int i) {
        return ("a text that is longer than twelve bytes " + i).getBytes(StandardCharsets.UTF_8);
    }

    static Stream<Kind> kinds() {
        return Stream.of(
                kind(TinyIntVector.class, TinyIntVector::new, (v, i) -> v.setSafe(i, i)),
                kind(SmallIntVector.class, SmallIntVector::new, (v, i) -> v.setSafe(i, i)),
                kind(IntVector.class, IntVector::new, (v, i) -> v.setSafe(i, i)),
                kind(BigIntVector.class, BigIntVector::new, (v, i) -> v.setSafe(i, i)),
                kind(Float8Vector.class, Float8Vector::new, (v, i) -> v.setSafe(i, i)),
                kind(BitVector.class, BitVector::new, (v, i) -> v.setSafe(i, i % 2)),
                kind(DateDayVector.class, DateDayVector::new, (v, i) -> v.setSafe(i, i)),
                kind(TimeStampNanoTZVector.class, (name, a) -> new TimeStampNanoTZVector(name, a, "UTC"),
                        (v, i) -> v.setSafe(i, i)),
                kind(DecimalVector.class, (name, a) -> new DecimalVector(name, a, 20, 2),
                        (v, i) -> v.setSafe(i, new BigDecimal(i + ".25"))),
                kind(Decimal256Vector.class, (name, a) -> new Decimal256Vector(name, a, 50, 2),
                        (v, i) -> v.setSafe(i, new BigDecimal(i + ".25"))),
                kind(FixedSizeBinaryVector.class, (name, a) -> new FixedSizeBinaryVector(name, a, 3),
                        (v, i) -> v.setSafe(i, new byte[] {1, 2, (byte) (int) i})),
                kind(VarCharVector.class, VarCharVector::new, (v, i) -> v.setSafe(i, text(i))),
                kind(VarBinaryVector.class, VarBinaryVector::new, (v, i) -> v.setSafe(i, text(i))),
                kind(LargeVarCharVector.class, LargeVarCharVector::new, (v, i) -> v.setSafe(i, text(i))),
                kind(LargeVarBinaryVector.class, LargeVarBinaryVector::new, (v, i) -> v.setSafe(i, text(i))),
                new Kind("ListVector", WriteGuardTest::lists, vector -> ((ListVector) vector).startNewValue(3)),
                new Kind("LargeListVector", WriteGuardTest::largeLists,
                        vector -> ((LargeListVector) vector).startNewValue(3)),
                new Kind("FixedSizeListVector", WriteGuardTest::fixedLists,
                        vector -> ((FixedSizeListVector) vector).startNewValue(3)),
                new Kind("StructVector", WriteGuardTest::structs, vector -> ((StructVector) vector).setIndexDefined(3)));
    }

    private static FieldVector lists(BufferAllocator allocator) {
        ListVector vector = ListVector.empty("x", allocator);
        UnionListWriter writer = vector.getWriter();
        for (int i = 0; i < ROWS; i++) {
            writer.setPosition(i);
            writer.startList();
            for (int j = 0; j < i % 4; j++) {
                writer.bigInt().writeBigInt(j);
            }
            writer.endList();
        }
        vector.setValueCount(ROWS);
        return vector;
    }

    private static FieldVector largeLists(BufferAllocator allocator) {
        LargeListVector vector = LargeListVector.empty("x", allocator);
        var writer = vector.getWriter();
        for (int i = 0; i < ROWS; i++) {
            writer.setPosition(i);
            writer.startList();
            writer.bigInt().writeBigInt(i);
            writer.endList();
        }
        vector.setValueCount(ROWS);
        return vector;
    }

    private static FieldVector fixedLists(BufferAllocator allocator) {
        FixedSizeListVector vector = FixedSizeListVector.empty("x", 2, allocator);
        var writer = vector.getWriter();
        for (int i = 0; i < ROWS; i++) {
            writer.setPosition(i);
            writer.startList();
            writer.bigInt().writeBigInt(i);
            writer.bigInt().writeBigInt(-i);
            writer.endList();
        }
        vector.setValueCount(ROWS);
        return vector;
    }

    private static FieldVector structs(BufferAllocator allocator) {
        StructVector vector = StructVector.empty("x", allocator);
        var writer = vector.getWriter();
        for (int i = 0; i < ROWS; i++) {
            writer.setPosition(i);
            writer.start();
            writer.bigInt("a").writeBigInt(i);
            writer.bit("b").writeBit(i % 2);
            writer.end();
        }
        vector.setValueCount(ROWS);
        return vector;
    }

    private <T extends AutoCloseable> T opened(T one) {
        open.add(one);
        return one;
    }

    private static ByteBuffer stream(ArrowValue value) {
        ValueBuffer written = TableWriter.writer(value);
        ByteBuffer stream = ByteBuffer.allocateDirect((int) written.length()).order(ByteOrder.LITTLE_ENDIAN);
        written.copyTo(stream);
        return stream.flip();
    }

    private FieldVector read(Kind kind) {
        try (BufferAllocator allocator = new RootAllocator();
                FieldVector vector = kind.make.vector(allocator)) {
            ByteBuffer stream = stream(ArrowValue.of(VectorSchemaRoot.of(vector)));
            return opened(TableReader.read(stream, false)).root().getVector(0);
        }
    }

    private static List<Object> values(FieldVector vector) {
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < vector.getValueCount(); i++) {
            Object value = vector.getObject(i);
            values.add(value instanceof byte[] bytes ? Arrays.toString(bytes) : String.valueOf(value));
        }
        return values;
    }

    /** A class of its own: looking for tests in the other one loads what its methods name, before the guard is there. */
    private static final class Buffers {
        static void refuse(ArrowBuf buffer, ArrowBuf other) {
            byte[] bytes = new byte[1];
            List<Runnable> writes = List.of(
                    () -> buffer.setByte(0, 1),
                    () -> buffer.setByte(0, (byte) 1),
                    () -> buffer.setShort(0, 1),
                    () -> buffer.setShort(0, (short) 1),
                    () -> buffer.setChar(0, 1),
                    () -> buffer.setInt(0, 1),
                    () -> buffer.setLong(0, 1),
                    () -> buffer.setFloat(0, 1),
                    () -> buffer.setDouble(0, 1),
                    () -> buffer.setBytes(0, bytes),
                    () -> buffer.setBytes(0, bytes, 0, 1),
                    () -> buffer.setBytes(0, ByteBuffer.wrap(bytes)),
                    () -> buffer.setBytes(0, ByteBuffer.allocateDirect(1)),
                    () -> buffer.setBytes(0, ByteBuffer.wrap(bytes), 0, 1),
                    () -> buffer.setBytes(0, other, 0, 1),
                    () -> buffer.setBytes(0, other),
                    () -> buffer.setZero(0, 1),
                    () -> buffer.setOne(0L, 1L),
                    () -> other.getBytes(0, buffer, 0, 1),
                    () -> buffer.slice().writerIndex(0).writeByte(1),
                    () -> buffer.slice().writerIndex(0).writeLong(1),
                    () -> buffer.slice().writerIndex(0).writeBytes(bytes));
            for (int i = 0; i < writes.size(); i++) {
                assertThrows(ReadOnlyTableException.class, writes.get(i)::run, "write " + i);
            }
            assertThrows(
                    ReadOnlyTableException.class,
                    () -> buffer.setBytes(0, new java.io.ByteArrayInputStream(bytes), 1));
        }

        static void refuseViews(ArrowBuf buffer) {
            assertThrows(ReadOnlyBufferException.class, () -> buffer.nioBuffer(0, 8).put(0, (byte) 1));
            assertEquals(buffer.getByte(0), buffer.nioBuffer(0, 8).get(0));
            assertEquals(buffer.getInt(4), buffer.nioBuffer(0, 8).order(ByteOrder.LITTLE_ENDIAN).getInt(4));
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void vectorsThatWereReadRefuseWrites(Kind kind) {
        FieldVector vector = read(kind);
        List<Object> before = values(vector);
        assertThrows(ReadOnlyTableException.class, () -> kind.write.to(vector));
        assertThrows(ReadOnlyTableException.class, () -> vector.setNull(3));
        assertEquals(before, values(vector));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void buffersOfVectorsThatWereReadRefuseWrites(Kind kind) {
        FieldVector vector = read(kind);
        List<Object> before = values(vector);
        try (BufferAllocator allocator = new RootAllocator();
                ArrowBuf other = allocator.buffer(8)) {
            for (ArrowBuf buffer : vector.getBuffers(false)) {
                Buffers.refuse(buffer, other);
                Buffers.refuse(buffer.slice(0, 8), other);
            }
        }
        assertEquals(before, values(vector));
    }

    /** Arrow makes such views in workers, and in drivers that open java.nio to it. */
    static boolean isNioOpen() {
        return Object.class.getModule().isOpen("java.nio", WriteGuardTest.class.getModule());
    }

    @ParameterizedTest
    @MethodSource("kinds")
    @EnabledIf("isNioOpen")
    void viewsOfBuffersThatWereReadAreReadOnly(Kind kind) {
        FieldVector vector = read(kind);
        List<Object> before = values(vector);
        for (ArrowBuf buffer : vector.getBuffers(false)) {
            Buffers.refuseViews(buffer);
            Buffers.refuseViews(buffer.slice(0, 8));
        }
        assertEquals(before, values(vector));
    }

    @Test
    @EnabledIf("isNioOpen")
    void viewsOfTheUsersOwnBuffersCanBeWritten() {
        try (BufferAllocator allocator = new RootAllocator();
                ArrowBuf buffer = allocator.buffer(8)) {
            buffer.nioBuffer(0, 8).order(ByteOrder.LITTLE_ENDIAN).putLong(5);
            assertEquals(5, buffer.getLong(0));
        }
    }

    @Test
    void vectorsThatAreTransferredOutOfATableStayReadOnlyAndKeepItsMemory() {
        boolean[] released = {false};
        try (BufferAllocator allocator = new RootAllocator();
                FieldVector made = kinds().toList().get(3).make.vector(allocator)) {
            ByteBuffer stream = stream(ArrowValue.of(VectorSchemaRoot.of(made)));
            ArrowValue value = TableReader.read(stream, false, Ones.NONE, () -> released[0] = true);
            TransferPair pair = value.root().getVector(0).getTransferPair(allocator);
            pair.splitAndTransfer(10, 20);
            value.close();
            try (BigIntVector taken = (BigIntVector) pair.getTo()) {
                assertEquals(10, taken.get(0));
                assertEquals(29, taken.get(19));
                assertThrows(ReadOnlyTableException.class, () -> taken.set(0, 1));
                assertTrue(!released[0]);
            }
            assertTrue(released[0]);
        }
    }

    /** A class of its own, as {@link Buffers} is. */
    private static final class Columns {
        static final int LONG_ROWS = 2_000_000;

        static ByteBuffer stream() {
            try (BufferAllocator allocator = new RootAllocator();
                    TinyIntVector column = new TinyIntVector("x", allocator)) {
                column.allocateNew(LONG_ROWS);
                for (int i = 0; i < LONG_ROWS; i++) {
                    column.set(i, i % 100);
                }
                column.setValueCount(LONG_ROWS);
                return WriteGuardTest.stream(ArrowValue.of(VectorSchemaRoot.of(column)));
            }
        }
    }

    @Test
    void longColumnsWithoutNullsShareTheOnesOfTheStoreWhichNobodyWrites() {
        ByteBuffer memory = ByteBuffer.allocateDirect(Columns.LONG_ROWS / 8);
        while (memory.hasRemaining()) {
            memory.put((byte) -1);
        }
        ValueMemory.Range range = new ValueMemory.Range(Addresses.of(memory.flip()), memory.capacity(), memory);
        List<Long> asked = new ArrayList<>();
        Ones ones = length -> {
            asked.add(length);
            return range;
        };
        for (int i = 1; i <= 2; i++) {
            ArrowValue value = opened(TableReader.read(Columns.stream(), false, ones, () -> {}));
            FieldVector column = value.root().getVector("x");
            assertEquals(range.address(), column.getValidityBuffer().memoryAddress());
            assertEquals(i, asked.size());
            assertEquals(Columns.LONG_ROWS / 8, asked.get(0));
            assertEquals(0, column.getNullCount());
            assertEquals((byte) 99, column.getObject(1_999_999));
            assertThrows(ReadOnlyTableException.class, () -> column.setNull(3));
            assertThrows(ReadOnlyTableException.class, () -> column.getValidityBuffer().setByte(0, 0));
        }
    }

    @Test
    void longColumnsHaveOnesOfTheProcessWhereTheStoreHasNone() {
        FieldVector first = opened(TableReader.read(Columns.stream(), false)).root().getVector("x");
        FieldVector second = opened(TableReader.read(Columns.stream(), false)).root().getVector("x");
        assertEquals(first.getValidityBuffer().memoryAddress(), second.getValidityBuffer().memoryAddress());
        assertEquals(0, second.getNullCount());
        assertThrows(ReadOnlyTableException.class, () -> second.setNull(3));
    }

    @Test
    void vectorsOfTheUsersOwnCanBeWritten() {
        try (BufferAllocator allocator = new RootAllocator();
                BigIntVector vector = new BigIntVector("x", allocator)) {
            vector.allocateNew(ROWS);
            vector.set(3, 7);
            vector.setValueCount(ROWS);
            assertEquals(7, vector.get(3));
        }
    }

    @Test
    void aClassThatIsNotAsItIsKnownIsLeftAlone() throws Exception {
        byte[] other;
        try (var in = WriteGuardTest.class.getResourceAsStream("WriteGuardTest.class")) {
            other = in.readAllBytes();
        }
        assertThrows(IllegalArgumentException.class, () -> BufferClass.guard(other));
        assertThrows(IllegalArgumentException.class, () -> BufferClass.guard(Arrays.copyOf(other, 100)));
        assertThrows(IllegalArgumentException.class, () -> BufferClass.guard(new byte[16]));
    }
}
