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
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A range of a file at consecutive addresses, longer than one buffer of Java's can be; mapped privately, until this object
 * is garbage.
 *
 * <p>From Java 22 on a memory segment is that. Before, it is windows that lie one behind the other: the kernel places each
 * mapping next to the last one, below it or on some systems above, unless there is a hole elsewhere that it fits into. So
 * if a window comes to lie elsewhere it is kept, which fills the hole, and all is tried anew.
 */
final class WideMapping {
    private static final long WINDOW_BYTES_MAX = 1L << 30;
    private static final long ALIGNMENT = 2 << 20; // what kernels align large mappings to, so that no gap is between two
    private static final int ATTEMPTS_MAX = 64;

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
        return Segments.MAP == null
                ? ofWindows(channel, offset, length, WINDOW_BYTES_MAX)
                : ofSegment(channel, offset, length);
    }

    // Java 22 and later ----------------------------------------------------------------------------------------------

    private static final class Segments {
        static final @Nullable MethodHandle MAP;
        static final @Nullable MethodHandle ARENA;
        static final @Nullable MethodHandle ADDRESS;

        static {
            MethodHandle map = null;
            MethodHandle arena = null;
            MethodHandle address = null;
            if (Runtime.version().feature() >= 22) {
                try {
                    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
                    Class<?> arenas = Class.forName("java.lang.foreign.Arena");
                    Class<?> segments = Class.forName("java.lang.foreign.MemorySegment");
                    map = lookup.findVirtual(FileChannel.class, "map", MethodType.methodType(
                            segments, MapMode.class, long.class, long.class, arenas));
                    arena = lookup.findStatic(arenas, "ofAuto", MethodType.methodType(arenas));
                    address = lookup.findVirtual(segments, "address", MethodType.methodType(long.class));
                } catch (ReflectiveOperationException error) {
                    throw new ExceptionInInitializerError(error);
                }
            }
            MAP = map;
            ARENA = arena;
            ADDRESS = address;
        }
    }

    private static WideMapping ofSegment(FileChannel channel, long offset, long length) throws IOException {
        try {
            MethodHandle map = Objects.requireNonNull(Segments.MAP);
            MethodHandle arena = Objects.requireNonNull(Segments.ARENA);
            MethodHandle address = Objects.requireNonNull(Segments.ADDRESS);
            Object segment = map.invoke(channel, MapMode.PRIVATE, offset, length, arena.invoke());
            return new WideMapping((long) address.invoke(segment), segment);
        } catch (IOException | RuntimeException | Error error) {
            throw error;
        } catch (Throwable error) {
            throw new IOException("a segment of " + length + " bytes can't be mapped", error);
        }
    }

    // Java 17 to 21 --------------------------------------------------------------------------------------------------

    static WideMapping ofWindows(FileChannel channel, long offset, long length, long windowMax) throws IOException {
        long start = offset & -ALIGNMENT;
        long whole = offset + length - start;
        long stride = ((whole - 1) / (whole / windowMax + 1) + ALIGNMENT) & -ALIGNMENT;
        int count = (int) ((whole + stride - 1) / stride);
        List<MappedByteBuffer> misplaced = new ArrayList<>();
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
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
        throw new IOException("there is no room for " + length + " bytes in a row in this process's address space, in "
                + misplaced.size() + " tries; make the table of batches whose columns are smaller, or use Java 22");
    }
}
