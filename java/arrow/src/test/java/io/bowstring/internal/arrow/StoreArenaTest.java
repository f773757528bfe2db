package io.bowstring.internal.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.arrow.ArrowValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Arenas over memory that no one buffer holds, on a small scale: its windows are of two MiB and overlap by one. */
class StoreArenaTest {
    private static final int WINDOW = 1 << 20;

    private static final class Windows implements RuntimeLink.Memory<ArrowValue> {
        private final List<ByteBuffer> windows = new ArrayList<>();
        private final FileChannel file;
        private long length = -1;
        private boolean given;

        Windows(Path folder, long size) throws IOException {
            file = FileChannel.open(folder.resolve("memory"), Set.of(
                    StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
            for (long at = 0; at < size; at += WINDOW) {
                windows.add(file.map(FileChannel.MapMode.READ_WRITE, at, Math.min(2 * WINDOW, size - at)));
            }
        }

        @Override
        public ByteBuffer bytes() {
            throw new AssertionError("no one buffer holds it");
        }

        @Override
        public ByteBuffer bytes(long at, long size) {
            int window = (int) (at / WINDOW);
            return windows.get(window).slice((int) (at % WINDOW), (int) size).order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public long place(long at, long size) {
            return at % WINDOW + size <= 2 * WINDOW ? at : (at / WINDOW + 1) * WINDOW;
        }

        @Override
        public ObjectRef<ArrowValue> put(long size) {
            length = size;
            return null;
        }

        @Override
        public void giveBack() {
            given = true;
        }

        /** The stream inside of the image. */
        ByteBuffer stream() {
            try {
                ByteBuffer image = file.map(FileChannel.MapMode.READ_ONLY, 0, length).order(ByteOrder.LITTLE_ENDIAN);
                int start = (int) BatchMessage.align(8 + image.getInt(0));
                return image.slice(start, (int) length - start);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    private static BigIntVector column(StoreArena arena, String name, int rows, long first) {
        BigIntVector column = new BigIntVector(name, arena.allocator());
        column.allocateNew(rows);
        for (int row = 0; row < rows; row++) {
            column.set(row, first + row);
        }
        column.setValueCount(rows);
        return column;
    }

    @Test
    void vectorsLieInTheWindowsOfLargeMemoryAndMakeOneStream(@TempDir Path folder) throws IOException {
        WriteGuard.install();
        int rows = 100_000;
        Windows memory = new Windows(folder, 16L << 20);
        StoreArena arena = new StoreArena(memory, (16L << 20) - 8);
        List<VectorSchemaRoot> batches = new ArrayList<>();
        for (int batch = 0; batch < 3; batch++) {
            List<FieldVector> columns = new ArrayList<>();
            for (int index = 0; index < 4; index++) {
                columns.add(column(arena, "c" + index, rows, 10L * batch + index));
            }
            batches.add(new VectorSchemaRoot(columns));
            arena.nextPart();
        }
        arena.put(ArrowValue.of(batches, new MapDictionaryProvider()));
        assertEquals(0, arena.bytesCopied());
        assertTrue(memory.length > 12L * 8 * rows);
        try (ArrowValue table = TableReader.read(memory.stream(), false)) {
            assertEquals(3L * rows, table.rowCount());
            for (int batch = 0; batch < 3; batch++) {
                for (int index = 0; index < 4; index++) {
                    BigIntVector read = (BigIntVector) table.batches().get(batch).getVector(index);
                    assertEquals(10L * batch + index, read.get(0));
                    assertEquals(10L * batch + index + rows - 1, read.get(rows - 1));
                }
            }
        }
        assertThrows(IllegalStateException.class, arena::close);
        batches.forEach(VectorSchemaRoot::close);
        arena.close();
        arena.close();
    }

    @Test
    void memoryThatWasNotPutIsGivenBack(@TempDir Path folder) throws IOException {
        Windows memory = new Windows(folder, 1 << 20);
        StoreArena arena = new StoreArena(memory, (1 << 20) - 8);
        assertThrows(OutOfMemoryException.class, () -> arena.allocator().buffer(1 << 20));
        arena.close();
        assertTrue(memory.given);
        assertThrows(RuntimeException.class, arena::nextPart);
    }
}
