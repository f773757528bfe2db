package io.bowstring.internal.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueBuffer;
import io.bowstring.internal.value.ValueMemory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.memory.util.hash.ArrowBufHasher;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.ExtensionTypeVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.apache.arrow.vector.types.FloatingPointPrecision;
import org.apache.arrow.vector.types.pojo.ArrowType;
import org.apache.arrow.vector.types.pojo.ExtensionTypeRegistry;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.FieldType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TablesTest {
    private static ByteBuffer table(int rows) {
        WriteGuard.install();
        try (BufferAllocator allocator = new RootAllocator();
                BigIntVector numbers = new BigIntVector("n", allocator);
                VarCharVector words = new VarCharVector("w", allocator)) {
            for (int i = 0; i < rows; i++) {
                numbers.setSafe(i, i);
                if (i % 3 != 0) {
                    words.setSafe(i, ("w" + i).getBytes(StandardCharsets.UTF_8));
                }
            }
            numbers.setValueCount(rows);
            words.setValueCount(rows);
            ValueBuffer written = TableWriter.writer(ArrowValue.of(VectorSchemaRoot.of(numbers, words)));
            ByteBuffer stream = ByteBuffer.allocateDirect((int) written.length()).order(ByteOrder.LITTLE_ENDIAN);
            written.copyTo(stream);
            return stream.flip();
        }
    }

    @Test
    void aStreamAtAnAddressIsReadWhereItLiesAndLetGo() {
        ByteBuffer stream = table(1000);
        boolean[] released = {false};
        ValueMemory.Range memory = new ValueMemory.Range(Addresses.of(stream), stream.remaining(), stream);
        ArrowValue value = TableReader.read(memory, false, Ones.NONE, () -> released[0] = true);
        BigIntVector numbers = (BigIntVector) value.root().getVector("n");
        assertEquals(999, numbers.get(999));
        assertNull(value.root().getVector("w").getObject(3));
        assertEquals("w998", value.root().getVector("w").getObject(998).toString());
        assertFalse(released[0]);
        value.close();
        assertTrue(released[0]);
    }

    @Test
    void aColumnWithAnotherNumberOfValuesThanTheBatchHasRowsIsRefusedByName() {
        WriteGuard.install();
        try (BufferAllocator allocator = new RootAllocator();
                BigIntVector ids = new BigIntVector("id", allocator);
                BigIntVector prices = new BigIntVector("price", allocator)) {
            for (BigIntVector column : List.of(ids, prices)) {
                column.allocateNew(5);
                column.setValueCount(5);
            }
            VectorSchemaRoot root = VectorSchemaRoot.of(ids, prices);
            ArrowValue made = ArrowValue.of(root);
            prices.setValueCount(3);
            String message = "the column 'price' has 3 values, and its batch 5 rows";
            for (Executable way : List.<Executable>of(
                    () -> ArrowValue.of(root),
                    () -> ArrowValue.ofBatch(root),
                    () -> TableWriter.writer(made))) {
                InvalidArgumentException error = assertThrows(InvalidArgumentException.class, way);
                assertTrue(error.getMessage().startsWith(message), error.getMessage());
            }
            root.setRowCount(5);
            assertEquals(5, ArrowValue.of(root).rowCount());
        }
    }

    @Test
    void aTableThatWasClosedIsRefusedWhateverIsDoneWithIt() {
        ByteBuffer stream = table(10);
        ArrowValue value = TableReader.read(stream, false);
        value.close();
        value.close();
        for (Executable way : List.<Executable>of(
                value::root, value::batches, value::rowCount, value::dictionaries, () -> TableWriter.writer(value))) {
            InvalidArgumentException error = assertThrows(InvalidArgumentException.class, way);
            assertTrue(error.getMessage().startsWith("this table was closed"), error.getMessage());
        }
        assertEquals(2, value.schema().getFields().size());
    }

    @Test
    void aTableOfTheProgramsOwnIsNotClosed() {
        WriteGuard.install();
        try (BufferAllocator allocator = new RootAllocator(); BigIntVector ids = new BigIntVector("id", allocator)) {
            ArrowValue made = ArrowValue.of(VectorSchemaRoot.of(ids));
            made.close();
            assertEquals(0, made.root().getRowCount());
        }
    }

    @Test
    void aTableThatIsForgottenIsToldOfOnce() {
        List<String> told = new ArrayList<>();
        Logger logger = Logger.getLogger(ForgottenTables.class.getName());
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                told.add(line.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        try {
            ForgottenTables.tell(new AtomicBoolean(true));
            assertEquals(0, told.size());
            ForgottenTables.tell(new AtomicBoolean());
            ForgottenTables.tell(new AtomicBoolean());
        } finally {
            logger.removeHandler(handler);
        }
        assertEquals(1, told.size());
        assertTrue(told.get(0).contains("was not closed"), told.toString());
    }

    @Test
    void aRegisteredExtensionTypeComesBackAsItself() {
        WriteGuard.install();
        ExtensionTypeRegistry.register(new Celsius());
        try (BufferAllocator allocator = new RootAllocator();
                CelsiusVector column = new CelsiusVector("t", allocator)) {
            column.getUnderlyingVector().setSafe(0, 21.5);
            column.setValueCount(1);
            ValueBuffer written = TableWriter.writer(ArrowValue.of(VectorSchemaRoot.of(column)));
            ByteBuffer stream = ByteBuffer.allocateDirect((int) written.length()).order(ByteOrder.LITTLE_ENDIAN);
            written.copyTo(stream);
            try (ArrowValue value = TableReader.read(stream.flip(), false)) {
                CelsiusVector read = (CelsiusVector) value.root().getVector("t");
                assertEquals(new Celsius(), read.getField().getType());
                assertEquals(21.5, read.getObject(0));
            }
        } finally {
            ExtensionTypeRegistry.unregister(new Celsius());
        }
    }

    private static final class Celsius extends ArrowType.ExtensionType {
        @Override
        public ArrowType storageType() {
            return new ArrowType.FloatingPoint(FloatingPointPrecision.DOUBLE);
        }

        @Override
        public String extensionName() {
            return "example.celsius";
        }

        @Override
        public boolean extensionEquals(ArrowType.ExtensionType other) {
            return other instanceof Celsius;
        }

        @Override
        public ArrowType deserialize(ArrowType storage, String data) {
            return new Celsius();
        }

        @Override
        public String serialize() {
            return "";
        }

        @Override
        public FieldVector getNewVector(String name, FieldType type, BufferAllocator allocator) {
            return new CelsiusVector(name, allocator);
        }
    }

    private static final class CelsiusVector extends ExtensionTypeVector<Float8Vector> {
        private final Field field;

        CelsiusVector(String name, BufferAllocator allocator) {
            super(name, allocator, new Float8Vector(name, allocator));
            field = new Field(name, FieldType.nullable(new Celsius()), null);
        }

        @Override
        public Field getField() {
            return field;
        }

        @Override
        public Object getObject(int index) {
            return getUnderlyingVector().getObject(index);
        }

        @Override
        public int hashCode(int index) {
            return getUnderlyingVector().hashCode(index);
        }

        @Override
        public int hashCode(int index, ArrowBufHasher hasher) {
            return getUnderlyingVector().hashCode(index, hasher);
        }
    }

    @Test
    void aStreamThatIsWrittenInPiecesIsTheSame() {
        WriteGuard.install();
        ByteBuffer whole = table(1000);
        try (ArrowValue value = TableReader.read(whole, false)) {
            ValueBuffer writer = TableWriter.writer(value);
            ByteBuffer target = ByteBuffer.allocateDirect(64 + (int) writer.length()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < target.capacity(); i++) {
                target.put(i, (byte) 7); // what was there before must not show
            }
            writer.copyTo((at, length) -> target.slice((int) at, (int) length).order(ByteOrder.LITTLE_ENDIAN), 64);
            assertEquals(whole, target.slice(64, (int) writer.length()));
        }
    }

    @Test
    void aDictionaryThatGrowsFromBatchToBatchIsRead() throws IOException {
        WriteGuard.install();
        byte[] bytes;
        try (InputStream in = TablesTest.class.getResourceAsStream("/delta-dictionary.arrows")) {
            bytes = in.readAllBytes();
        }
        ByteBuffer stream = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        try (ArrowValue value = TableReader.read(stream, false)) {
            List<String> words = new ArrayList<>();
            for (VectorSchemaRoot batch : value.batches()) {
                FieldVector kinds = batch.getVector("k");
                long id = kinds.getField().getDictionary().getId();
                try (var decoded = DictionaryEncoder.decode(kinds, value.dictionaries().lookup(id))) {
                    for (int i = 0; i < decoded.getValueCount(); i++) {
                        words.add(String.valueOf(decoded.getObject(i)));
                    }
                }
            }
            assertEquals(List.of("a", "b", "null", "c", "a", "b"), words);
        }
    }
}
