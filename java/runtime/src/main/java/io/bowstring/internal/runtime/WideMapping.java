package io.bowstring.internal.runtime;

import io.bowstring.internal.value.Addresses;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A range of a file at consecutive addresses, longer than one buffer of Java's can be; mapped privately, until this object
 * is garbage.
 *
 * <p>It is windows that lie one behind the other: the kernel places each mapping next to the last one, below it or on some
 * systems above, unless there is a hole elsewhere that it fits into. So if a window comes to lie elsewhere it is kept,
 * which fills the hole, and all is tried anew. From Java 22 on there are memory segments, which need no luck; but their
 * first use costs 10 ms, because the JVM makes classes for it, so they come after a few tries.
 */
final class WideMapping {
    private static final long WINDOW_BYTES_MAX = 1L << 30;
    private static final long ALIGNMENT = 2 << 20; // what kernels align large mappings to, so that no gap is between two
    private static final int ATTEMPTS_MAX = 64;
    private static final int ATTEMPTS_BEFORE_SEGMENT = 4;

    private final long address;
    private final Object keeper;

    private WideMapping(long address, Object keeper) {
        this.address = address;
        this.keeper = keeper;
    }

    /** Where the first byte of the range lies. */
    long address() {
        return address;
    }

    static WideMapping of(FileChannel channel, long offset, long length) throws IOException {
        boolean hasSegments = Runtime.version().feature() >= 22;
        int attempts = hasSegments ? ATTEMPTS_BEFORE_SEGMENT : ATTEMPTS_MAX;
        WideMapping windows = ofWindows(channel, offset, length, WINDOW_BYTES_MAX, attempts);
        if (windows != null) {
            return windows;
        } else if (hasSegments) {
            return ofSegment(channel, offset, length);
        }
        throw new IOException("there is no room for " + length + " bytes in a row in this process's address space, in "
                + attempts + " tries; make the table of batches whose columns are smaller, or use Java 22");
    }

    // Java 22 and later ----------------------------------------------------------------------------------------------

    private static final class Segments {
        static final MethodHandle MAP;
        static final MethodHandle ARENA;
        static final MethodHandle ADDRESS;

        static {
            try {
                MethodHandles.Lookup lookup = MethodHandles.publicLookup();
                Class<?> arenas = Class.forName("java.lang.foreign.Arena");
                Class<?> segments = Class.forName("java.lang.foreign.MemorySegment");
                MAP = lookup.findVirtual(FileChannel.class, "map", MethodType.methodType(
                        segments, MapMode.class, long.class, long.class, arenas));
                ARENA = lookup.findStatic(arenas, "ofAuto", MethodType.methodType(arenas));
                ADDRESS = lookup.findVirtual(segments, "address", MethodType.methodType(long.class));
            } catch (ReflectiveOperationException error) {
                throw new ExceptionInInitializerError(error);
            }
        }
    }

    static WideMapping ofSegment(FileChannel channel, long offset, long length) throws IOException {
        try {
            Object segment = Segments.MAP.invoke(channel, MapMode.PRIVATE, offset, length, Segments.ARENA.invoke());
            return new WideMapping((long) Segments.ADDRESS.invoke(segment), segment);
        } catch (IOException | RuntimeException | Error error) {
            throw error;
        } catch (Throwable error) {
            throw new IOException("a segment of " + length + " bytes can't be mapped", error);
        }
    }

    // Every Java -----------------------------------------------------------------------------------------------------

    /** Null: the windows did not come to lie in a row. */
    static @Nullable WideMapping ofWindows(
            FileChannel channel, long offset, long length, long windowMax, int attempts) throws IOException {
        long start = offset & -ALIGNMENT;
        long whole = offset + length - start;
        long stride = ((whole - 1) / (whole / windowMax + 1) + ALIGNMENT) & -ALIGNMENT;
        int count = (int) ((whole + stride - 1) / stride);
        List<MappedByteBuffer> misplaced = new ArrayList<>();
        for (int attempt = 0; attempt < attempts; attempt++) {
            boolean downward = attempt % 2 == 0;
            MappedByteBuffer[] windows = new MappedByteBuffer[count];
            int placed = 0;
            for (long address = 0; placed < count; placed++) {
                int index = downward ? count - 1 - placed : placed;
                long at = index * stride;
                windows[index] = channel.map(MapMode.PRIVATE, start + at, Math.min(stride, whole - at));
                long found = Addresses.of(windows[index]) - at;
                if (placed > 0 && found != address) {
                    break;
                }
                address = found;
            }
            if (placed == count) {
                return new WideMapping(Addresses.of(windows[0]) + (offset - start), windows);
            }
            for (MappedByteBuffer window : windows) {
                if (window != null) {
                    misplaced.add(window);
                }
            }
        }
        return null;
    }
}
