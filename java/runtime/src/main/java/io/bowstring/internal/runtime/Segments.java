package io.bowstring.internal.runtime;

import io.bowstring.internal.value.Ones;
import io.bowstring.internal.wire.ExtentGrant;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.SegmentMapped;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The segments of shared memory that this process has mapped (spec section 3.10).
 *
 * <p>A segment that this process writes is mapped as a whole when its first extent is granted, in windows that overlap by
 * half, because a buffer is at most 2 GiB and the node refuses writable maps later. What is copied when it is read comes
 * through such windows too, whose pages stay mapped: a fresh mapping of 100 MB costs more than copying them.
 */
final class Segments {
    private static final Logger LOGGER = System.getLogger(Segments.class.getName());
    private static final long WINDOW = 1L << 30;
    private static final long NO_SEGMENT = -1;
    /** What one buffer can hold, in whole pages. */
    static final long MAPPED_MAX = Integer.MAX_VALUE & ~4095L;

    /** A segment's file. Its methods are written out: a record's own are made by the JVM when first used, which takes 10 ms. */
    private record ReadKey(long segment, String path) {
        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof ReadKey key && segment == key.segment && path.equals(key.path);
        }

        @Override
        public int hashCode() {
            return 31 * Long.hashCode(segment) + path.hashCode();
        }
    }

    private final Session session;
    private final Map<Long, TreeMap<Long, MappedByteBuffer>> written = new HashMap<>();
    private final Map<ReadKey, TreeMap<Long, MappedByteBuffer>> windows = new HashMap<>();
    private final Map<ReadKey, FileChannel> readable = new HashMap<>();
    private volatile Ones ones = Ones.NONE;

    Segments(Session session) {
        this.session = session;
    }

    /** The node's file of ones; an empty path: it has none. */
    void setOnes(String path) {
        if (!path.isEmpty()) {
            ones = new OnesWindows(() -> map(NO_SEGMENT, path, MapMode.PRIVATE, 0, MAPPED_MAX));
        }
    }

    /** Ones for the bitmaps of tables. */
    Ones ones() {
        return ones;
    }

    /** The first place from one on where so many bytes of an extent lie in one mapping; it may be behind the extent. */
    static long place(ExtentGrant grant, long at, long length) {
        long start = grant.offset + at;
        long window = start / WINDOW * WINDOW;
        return start + length <= window + MAPPED_MAX ? at : window + WINDOW - grant.offset;
    }

    /** A part of an extent, at most 1 GiB long unless it is the whole of it. */
    synchronized ByteBuffer window(ExtentGrant grant, long at, long length) throws IOException {
        TreeMap<Long, MappedByteBuffer> windows = written.get(grant.segment);
        if (windows == null) {
            windows = new TreeMap<>();
            boolean interrupted = Thread.interrupted();
            try (FileChannel channel = FileChannel.open(
                    Path.of(grant.segmentPath), Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE))) {
                for (long start = 0; start < grant.segmentLength; start += WINDOW) {
                    long size = Math.min(MAPPED_MAX, grant.segmentLength - start);
                    windows.put(start, channel.map(MapMode.READ_WRITE, start, size));
                    if (start + size >= grant.segmentLength) {
                        break;
                    }
                }
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            written.put(grant.segment, windows);
            SegmentMapped mapped = new SegmentMapped();
            mapped.segment = grant.segment;
            session.node().queue(mapped);
        }
        Map.Entry<Long, MappedByteBuffer> window = windows.floorEntry(grant.offset + at);
        long offset = grant.offset + at - window.getKey();
        if (offset + length > window.getValue().capacity()) {
            throw new IOException("an extent of " + length + " bytes at " + (grant.offset + at)
                    + " does not fit into one mapping of at most 2 GiB");
        }
        return window.getValue().slice((int) offset, (int) length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The image inside of a window of its segment; null if none can hold it. */
    synchronized @Nullable ByteBuffer readWindow(Location location, String path) throws IOException {
        long start = location.offset() / WINDOW * WINDOW;
        TreeMap<Long, MappedByteBuffer> own = written.get(location.segment());
        ByteBuffer window;
        if (own != null) {
            window = own.floorEntry(location.offset()).getValue();
            start = own.floorKey(location.offset());
        } else {
            TreeMap<Long, MappedByteBuffer> known =
                    windows.computeIfAbsent(new ReadKey(location.segment(), path), key -> new TreeMap<>());
            MappedByteBuffer mapped = known.get(start);
            if (mapped == null || location.offset() - start + location.length() > mapped.capacity()) {
                mapped = map(location.segment(), path, MapMode.READ_ONLY, start, MAPPED_MAX);
                known.put(start, mapped);
            }
            window = mapped;
        }
        long offset = location.offset() - start;
        if (offset + location.length() > window.capacity()) {
            return null;
        }
        return window.slice((int) offset, (int) location.length()).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A part of a segment in pages of its own: a write into them, which buffers refuse, stays in this process. */
    MappedByteBuffer mapPrivate(long segment, String path, Location location) throws IOException {
        return map(segment, path, MapMode.PRIVATE, location.offset(), location.length());
    }

    private MappedByteBuffer map(long segment, String path, MapMode mode, long offset, long lengthMax)
            throws IOException {
        return withChannel(segment, path,
                channel -> channel.map(mode, offset, Math.min(lengthMax, channel.size() - offset)));
    }

    interface Mapper<T> {
        T map(FileChannel channel) throws IOException;
    }

    /** Maps in spite of interrupts, each of which closes the channel that the thread uses. */
    <T> T withChannel(long segment, String path, Mapper<T> mapper) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    return mapper.map(channel(segment, path));
                } catch (ClosedChannelException closed) {
                    LOGGER.log(Level.TRACE, "an interrupt closed a segment's file; it is opened again", closed);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private synchronized FileChannel channel(long segment, String path) throws IOException {
        ReadKey key = new ReadKey(segment, path);
        FileChannel channel = readable.get(key);
        if (channel == null || !channel.isOpen()) {
            channel = FileChannel.open(Path.of(path), Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE));
            readable.put(key, channel);
        }
        return channel;
    }

    /**
     * The node has dropped a segment: no new map of it is made. Maps end with the buffers that use them.
     *
     * @return whether one was mapped here
     */
    synchronized boolean dropped(long segment) throws IOException {
        boolean mapped = written.remove(segment) != null;
        mapped |= windows.keySet().removeIf(key -> key.segment == segment);
        for (ReadKey key : Set.copyOf(readable.keySet())) {
            if (key.segment == segment) {
                Objects.requireNonNull(readable.remove(key)).close();
            }
        }
        return mapped;
    }

    synchronized void close() throws IOException {
        for (FileChannel channel : readable.values()) {
            channel.close();
        }
        readable.clear();
        written.clear();
        windows.clear();
    }
}
