package io.bowstring.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.ref.Reference;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

class WideMappingTest {
    private static final long FILE_BYTES = 5L << 30;
    private static final long STEP = 1 << 20;
    private static final int TRIES = 64;

    /** A sparse file whose byte at each step is the number of the step. */
    private static FileChannel file(Path folder) throws IOException {
        FileChannel channel = FileChannel.open(folder.resolve("sparse"), Set.of(
                StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.SPARSE));
        for (long at = 0; at < FILE_BYTES; at += 97 * STEP) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) (at / STEP)}), at);
        }
        channel.write(ByteBuffer.wrap(new byte[] {1}), FILE_BYTES - 1);
        return channel;
    }

    private static void check(@Nullable WideMapping mapping, long offset) throws ReflectiveOperationException {
        assertNotNull(mapping);
        Class<?> type = Class.forName("sun.misc.Unsafe");
        Field field = type.getDeclaredField("theUnsafe");
        field.setAccessible(true);
        Object unsafe = field.get(null);
        Method get = type.getMethod("getByte", long.class);
        for (long at = 0; at < FILE_BYTES; at += 97 * STEP) {
            if (at >= offset) {
                assertEquals((byte) (at / STEP), get.invoke(unsafe, mapping.address() + at - offset), "at " + at);
            }
        }
        assertEquals((byte) 1, get.invoke(unsafe, mapping.address() + FILE_BYTES - 1 - offset));
        Reference.reachabilityFence(mapping);
    }

    @Test
    void aRangeThatNoBufferCanHoldLiesAtConsecutiveAddresses(@TempDir Path folder) throws Exception {
        try (FileChannel channel = file(folder)) {
            check(WideMapping.of(channel, 64, FILE_BYTES - 64), 64);
            check(WideMapping.ofWindows(channel, 64, FILE_BYTES - 64, 1L << 30, TRIES), 64);
            check(WideMapping.ofWindows(channel, 2 * STEP, FILE_BYTES - 2 * STEP, 96 << 20, TRIES), 2 * STEP);
        }
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_22)
    void aMemorySegmentDoesWhereWindowsDoNot(@TempDir Path folder) throws Exception {
        try (FileChannel channel = file(folder)) {
            check(WideMapping.ofSegment(channel, 64, FILE_BYTES - 64), 64);
        }
    }

    @Test
    void holesInTheAddressSpaceDoNotMatter(@TempDir Path folder) throws Exception {
        try (FileChannel channel = file(folder)) {
            List<@Nullable WideMapping> others = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                channel.map(FileChannel.MapMode.PRIVATE, 0, (i % 4 + 1) * 100 * STEP);
                others.add(WideMapping.ofWindows(channel, 0, FILE_BYTES, 300 << 20, TRIES));
                if (i % 3 == 0) {
                    others.remove(others.size() / 2);
                    System.gc();
                }
            }
            for (@Nullable WideMapping each : others) {
                check(each, 0);
            }
        }
    }

    @Test
    void aRangeBehindTheEndIsAnError(@TempDir Path folder) throws Exception {
        try (FileChannel channel = FileChannel.open(folder.resolve("short"), Set.of(
                        StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE));
                FileChannel readable = FileChannel.open(folder.resolve("short"), StandardOpenOption.READ)) {
            channel.write(ByteBuffer.wrap(new byte[100]));
            assertThrows(Exception.class, () -> WideMapping.of(readable, 0, 1 << 20));
        }
    }
}
