package io.bowstring.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.bowstring.internal.value.ValueMemory.Range;
import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnesWindowsTest {
    private static final int FILE_BYTES = 1 << 16;

    @TempDir
    private Path folder;

    private Object unsafe;
    private Method read;
    private int maps;

    @BeforeEach
    void findUnsafe() throws ReflectiveOperationException {
        Class<?> type = Class.forName("sun.misc.Unsafe");
        Field field = type.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        unsafe = field.get(null);
        read = type.getMethod("getLong", long.class);
    }

    private FileChannel file() throws IOException {
        FileChannel channel = FileChannel.open(folder.resolve("ones"), Set.of(
                StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
        byte[] ones = new byte[FILE_BYTES];
        Arrays.fill(ones, (byte) -1);
        channel.write(ByteBuffer.wrap(ones), 0);
        return channel;
    }

    private MappedByteBuffer map(FileChannel channel) throws IOException {
        maps++;
        return channel.map(MapMode.PRIVATE, 0, channel.size());
    }

    private void check(Range range, long length) throws ReflectiveOperationException {
        assertEquals(length, range.length());
        for (long at = 0; at <= length - 8; at += 4096) {
            assertEquals(-1L, read.invoke(unsafe, range.address() + at), "at " + at);
        }
        assertEquals(-1L, read.invoke(unsafe, range.address() + length - 8));
        Reference.reachabilityFence(range);
    }

    @Test
    void windowsOfASmallFileAreRangesOfAnyLength() throws Exception {
        try (FileChannel channel = file()) {
            OnesWindows ones = new OnesWindows(() -> map(channel));
            Range small = ones.range(100);
            check(small, 100);
            assertEquals(1, maps);
            check(ones.range(FILE_BYTES), FILE_BYTES);
            assertEquals(1, maps);
            check(ones.range(200L * FILE_BYTES + 8), 200L * FILE_BYTES + 8);
            int made = maps;
            check(ones.range(150L * FILE_BYTES), 150L * FILE_BYTES);
            assertEquals(made, maps, "what is there serves again");
            check(small, 100);
        }
    }

    @Test
    void windowsThatComeToLieElsewhereDoNotMatter() throws Exception {
        try (FileChannel channel = file()) {
            List<MappedByteBuffer> others = new ArrayList<>();
            OnesWindows ones = new OnesWindows(() -> {
                if (others.size() < 10) { // whatever else the process maps comes in between
                    others.add(channel.map(MapMode.READ_ONLY, 0, 1));
                }
                return map(channel);
            });
            check(ones.range(50L * FILE_BYTES), 50L * FILE_BYTES);
        }
    }

    @Test
    void whoCanNotMapTheFileHasNoOnes() throws IOException {
        OnesWindows ones = new OnesWindows(() -> {
            maps++;
            throw new IOException("it has gone");
        });
        assertNull(ones.range(100));
        assertNull(ones.range(100));
        assertEquals(1, maps, "nobody asks again");
    }

    @Test
    void whoseWindowsNeverLieInARowGivesUp() throws Exception {
        try (FileChannel channel = file()) {
            List<MappedByteBuffer> others = new ArrayList<>();
            OnesWindows ones = new OnesWindows(() -> {
                maps++;
                MappedByteBuffer whole = channel.map(MapMode.PRIVATE, 0, FILE_BYTES);
                others.add(whole);
                return whole.slice(0, FILE_BYTES / 2); // so that no two touch
            });
            assertNotNull(ones.range(FILE_BYTES / 2));
            assertNull(ones.range(FILE_BYTES));
            assertNotNull(ones.range(FILE_BYTES / 2), "what there is goes on serving");
        }
    }
}
