package io.bowstring.internal.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.ValueBuffer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryEncoder;
import org.junit.jupiter.api.Test;

class ArrowStreamsTest {
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
            ValueBuffer written = ArrowStreams.writer(ArrowValue.of(VectorSchemaRoot.of(numbers, words)));
            ByteBuffer stream = ByteBuffer.allocateDirect((int) written.length()).order(ByteOrder.LITTLE_ENDIAN);
            written.copyTo(stream);
            return stream.flip();
        }
    }

    @Test
    void aStreamInPartsIsReadBufferByBuffer() {
        ByteBuffer stream = table(1000);
        List<Long> sizes = new ArrayList<>();
        boolean[] released = {false};
        ArrowValue value = ArrowStreams.readLarge((at, size) -> {
            sizes.add(size);
            return stream.slice((int) at, (int) size);
        }, stream.remaining(), false, () -> released[0] = true);
        BigIntVector numbers = (BigIntVector) value.root().getVector("n");
        assertEquals(999, numbers.get(999));
        assertNull(value.root().getVector("w").getObject(3));
        assertEquals("w998", value.root().getVector("w").getObject(998).toString());
        assertTrue(sizes.stream().allMatch(size -> size <= 8000), sizes.toString());
        assertFalse(released[0]);
        value.close();
        assertTrue(released[0]);
    }

    @Test
    void aStreamThatIsWrittenInPiecesIsTheSame() {
        WriteGuard.install();
        ByteBuffer whole = table(1000);
        try (ArrowValue value = ArrowStreams.read(whole, false)) {
            ValueBuffer writer = ArrowStreams.writer(value);
            ByteBuffer target = ByteBuffer.allocateDirect(64 + (int) writer.length()).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < target.capacity(); i++) {
                target.put(i, (byte) 7); // what was there before must not show
            }
            writer.copyTo((at, length) -> target.slice((int) at, (int) length).order(ByteOrder.LITTLE_ENDIAN), 64);
            assertEquals(whole, target.slice(64, (int) writer.length()));
        }
    }

    @Test
    void aStreamInPartsThatCanNotBeMappedIsAnError() {
        ByteBuffer stream = table(10);
        boolean[] released = {false};
        assertThrows(SerializationException.class, () -> ArrowStreams.readLarge((at, size) -> {
            if (at > stream.remaining() / 2) {
                throw new IOException("no more mappings");
            }
            return stream.slice((int) at, (int) size);
        }, stream.remaining(), false, () -> released[0] = true));
        assertTrue(released[0]);
    }

    @Test
    void aDictionaryThatGrowsFromBatchToBatchIsRead() throws IOException {
        WriteGuard.install();
        byte[] bytes;
        try (InputStream in = ArrowStreamsTest.class.getResourceAsStream("/delta-dictionary.arrows")) {
            bytes = in.readAllBytes();
        }
        ByteBuffer stream = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        try (ArrowValue value = ArrowStreams.read(stream, false)) {
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
