package io.bowstring.internal.runtime;

import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueMemory.Range;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.MappedByteBuffer;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Ones of any length out of the node's small file of ones (spec section 3.14): windows, each of the whole file, that lie
 * side by side.
 *
 * <p>Java can't say where a mapping is to lie. But the kernel places each next to the last one, unless a hole elsewhere fits
 * it; and since all windows show the same, it does not matter in which order they come to lie in a row. So windows are
 * made until enough of them do. They stay, also those that filled holes, for the longer ranges that are asked for later; a
 * window has a line in the kernel's books and no memory.
 */
final class OnesWindows implements Ones {
    private static final Logger LOGGER = System.getLogger(OnesWindows.class.getName());
    /** So many may fill holes; a process may have 65,530 mappings. */
    private static final int STRAY_MAX = 4096;

    /** Maps the whole file, privately. */
    interface Mapper {
        MappedByteBuffer map() throws IOException;
    }

    private final Mapper mapper;
    private final TreeMap<Long, MappedByteBuffer> windows = new TreeMap<>();
    private final TreeMap<Long, Long> rows = new TreeMap<>(); // first address to the one behind the last
    private long longestStart;
    private long longestBytes;
    private boolean failed;

    OnesWindows(Mapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public synchronized @Nullable Range range(long length) {
        try {
            while (longestBytes < length && !failed) {
                add(mapper.map(), length);
            }
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "the node's ones can't be mapped", error);
            failed = true;
        }
        return longestBytes < length ? null : new Range(longestStart, length, this);
    }

    private void add(MappedByteBuffer window, long wanted) {
        long size = window.capacity();
        long start = Addresses.of(window);
        long end = start + size;
        windows.put(start, window);
        Map.Entry<Long, Long> below = rows.lowerEntry(start);
        if (below != null && below.getValue() == start) {
            start = below.getKey();
        }
        Long above = rows.remove(end);
        if (above != null) {
            end = above;
        }
        rows.put(start, end);
        if (end - start > longestBytes) {
            longestStart = start;
            longestBytes = end - start;
        }
        failed = windows.size() > wanted / size + STRAY_MAX;
    }
}
