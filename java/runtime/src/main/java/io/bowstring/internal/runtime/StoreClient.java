package io.bowstring.internal.runtime;

import io.bowstring.errors.ObjectLostException;
import io.bowstring.errors.ObjectStoreFullException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.wire.ExtentAllocate;
import io.bowstring.internal.wire.ExtentGrant;
import io.bowstring.internal.wire.ExtentReturn;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectUnpin;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.SegmentMapped;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Shared memory as this process sees it (spec sections 3.10 and 3.11).
 *
 * <p>A segment that this process writes is mapped as a whole when its first extent is granted, in windows that overlap by
 * half, because a buffer is at most 2 GiB and the node refuses writable maps later. What is copied when it is read comes
 * through such windows too, whose pages stay mapped: a fresh mapping of 100 MB costs more than copying them. What is read
 * as a view is mapped by object, so that every buffer made from it holds that mapping, whose end is the end of the pin. Reading maps are private: a write
 * into one, which Java's buffers refuse and Arrow's too where they are guarded, stays in the process and kills nothing.
 */
public final class StoreClient {
    private static final Logger LOGGER = System.getLogger(StoreClient.class.getName());
    private static final long WINDOW = 1L << 30;
    private static final long COLLECT_AFTER_BYTES = 128L << 20;
    private static final int COLLECT_COST_MAX = 4; // of its time as much must pass before the next collection
    private static final int COLLECTIONS_MAX = 3;
    private static final long COLLECTION_WAIT_MS = 500;
    private static final long MAPPED_MAX = Integer.MAX_VALUE & ~4095L;

    /** An extent to write one image in; {@code memory} is empty if no one buffer can hold it. */
    public record Extent(ExtentGrant grant, ByteBuffer memory) {}

    /** A pinned value. Its bytes can be read until {@link #unpin}, or be mapped to stay. */
    final class Stored {
        private final ObjectValue value;
        private final Pin pin;
        private @Nullable ByteBuffer lasting;
        private boolean anchored;

        private Stored(ObjectValue value) {
            this.value = value;
            this.pin = new Pin(value.pin);
        }

        /** The image, for copying from; good until the pin ends. */
        ByteBuffer bytes() {
            checkLength(value.location);
            try {
                ByteBuffer window = readWindow(value.location, value.segmentPath);
                return window != null ? window : lasting();
            } catch (IOException error) {
                throw unmapped(error);
            }
        }

        /** The image, for views: the pin ends when nobody refers to it any more, or by {@link #unpin}. */
        ByteBuffer lasting() {
            if (lasting == null) {
                checkLength(value.location);
                MappedByteBuffer memory;
                try {
                    memory = mapPrivate(value.location.segment(), value.segmentPath, value.location);
                } catch (IOException error) {
                    throw unmapped(error);
                }
                pin.hold(value.location.length());
                cleaner.register(memory, pin);
                lasting = memory.order(ByteOrder.LITTLE_ENDIAN);
            }
            return lasting;
        }

        /** Whether the image is too large for one buffer. */
        boolean isLarge() {
            return value.location.length() > MAPPED_MAX;
        }

        /** A part of the image, mapped by itself. */
        ByteBuffer part(long offset, long length) throws IOException {
            Location location = value.location;
            return map(location.segment(), value.segmentPath, MapMode.PRIVATE, location.offset() + offset, length)
                    .order(ByteOrder.LITTLE_ENDIAN);
        }

        /** What ends the pin, when it is run or nobody refers to it any more: for who keeps parts. */
        Runnable anchor() {
            Anchor made = new Anchor(pin);
            pin.hold(value.location.length());
            cleaner.register(made, pin);
            anchored = true;
            return made;
        }

        /** Whether a view was taken, which keeps the pin. */
        boolean isViewed() {
            return lasting != null || anchored;
        }

        Runnable unpin() {
            return pin;
        }
    }

    private record ReadKey(long segment, String path) {}

    private final Session session;
    private final Cleaner cleaner;
    private final AtomicLong heldBytes = new AtomicLong();
    private volatile long heldAfterCollection;
    private volatile long nextCollectionNs = System.nanoTime();
    private final ThreadPoolExecutor collector = new ThreadPoolExecutor(
            1, 1, 0, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(),
            work -> {
                Thread thread = new Thread(work, "bowstring-gc");
                thread.setDaemon(true);
                return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy()); // once the runtime is over nothing is worth a collection
    private final Map<Long, TreeMap<Long, MappedByteBuffer>> written = new HashMap<>();
    private final Map<ReadKey, TreeMap<Long, MappedByteBuffer>> windows = new HashMap<>();
    private final Map<ReadKey, FileChannel> readable = new HashMap<>();

    StoreClient(Session session, Cleaner cleaner) {
        this.session = session;
        this.cleaner = cleaner;
    }

    /** Asks for memory for one image; waits for it. */
    public Extent allocate(long length) {
        if (length > MAPPED_MAX) {
            throw new SerializationException("a value of " + length + " bytes: Java writes values below 2 GiB; split it");
        }
        ExtentGrant grant = grant(length);
        try {
            return new Extent(grant, window(grant, 0, length));
        } catch (IOException error) {
            giveBack(grant);
            throw unmapped(error);
        }
    }

    /** The same for memory of any size, which may have to be written in pieces. */
    Extent allocateAny(long length) {
        return length > MAPPED_MAX ? new Extent(grant(length), ByteBuffer.allocate(0)) : allocate(length);
    }

    /** Asks for memory for a value and writes it there, whatever its size; waits for the memory. */
    Extent write(EncodedValue value) {
        long length = value.imageSize();
        Extent extent = allocateAny(length);
        try {
            if (length > MAPPED_MAX) {
                value.writeImage((at, size) -> piece(extent.grant, at, size));
            } else {
                value.writeImage(extent.memory.duplicate().order(ByteOrder.LITTLE_ENDIAN));
            }
        } catch (RuntimeException error) {
            giveBack(extent.grant);
            throw error;
        }
        return extent;
    }

    /** A part of an extent to write in, which lies in one mapping as {@link #place} sees to. */
    ByteBuffer piece(ExtentGrant grant, long at, long length) {
        try {
            return window(grant, at, length);
        } catch (IOException error) {
            throw unmapped(error);
        }
    }

    /** The first place from one on where so many bytes of an extent lie in one mapping; it may be behind the extent. */
    long place(ExtentGrant grant, long at, long length) {
        long start = grant.offset + at;
        long window = start / WINDOW * WINDOW;
        return start + length <= window + MAPPED_MAX ? at : window + WINDOW - grant.offset;
    }

    private ExtentGrant grant(long length) {
        collectIfDue(); // memory that this process wrote before is warm: it had better be free now
        ExtentGrant grant = null;
        for (int attempt = 0; grant == null; attempt++) {
            ExtentAllocate allocate = new ExtentAllocate();
            allocate.length = length;
            NodeLink.Answer answer = session.request(number -> {
                allocate.request = number;
                return allocate;
            });
            if (answer.error() instanceof ObjectStoreFullException && attempt < COLLECTIONS_MAX) {
                collect();
            } else {
                grant = answer.as(ExtentGrant.class);
            }
        }
        return grant;
    }

    /**
     * Counts memory of the store that objects of this heap keep. They are small, so the collector sees no reason to run
     * while the memory behind them grows; when it has grown by much, the collector is told.
     */
    void hold(long bytes) {
        if (isCollectionDue()) { // by what was held before: nothing of the newest is garbage yet
            collector.execute(this::collectIfDue);
        }
        heldBytes.addAndGet(bytes);
    }

    /** Such memory is kept no more. */
    void letGo(long bytes) {
        heldBytes.addAndGet(-bytes);
    }

    private boolean isCollectionDue() {
        long base = heldAfterCollection;
        return heldBytes.get() - base > Math.max(COLLECT_AFTER_BYTES, base / 2)
                && System.nanoTime() - nextCollectionNs > 0;
    }

    private void collectIfDue() {
        if (isCollectionDue()) {
            synchronized (collector) {
                if (isCollectionDue()) {
                    collect();
                }
            }
        }
    }

    /** Lets go of what is unreachable, and waits until the node has been told. */
    private void collect() {
        long start = System.nanoTime();
        CountDownLatch collected = new CountDownLatch(1);
        cleaner.register(new Object(), collected::countDown);
        System.gc();
        boolean interrupted = false;
        try {
            collected.await(COLLECTION_WAIT_MS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException error) {
            interrupted = true;
        }
        session.locked(() -> {}); // a release that runs has ended
        session.node().flushChanges();
        session.reactor().flush();
        heldAfterCollection = heldBytes.get();
        long end = System.nanoTime();
        nextCollectionNs = end + COLLECT_COST_MAX * (end - start);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Gives back an extent in which nothing was sealed. */
    public void giveBack(ExtentGrant grant) {
        ExtentReturn back = new ExtentReturn();
        back.extent = grant.extent;
        session.node().queue(back);
    }

    /** A part of an extent, at most 1 GiB long unless it is the whole of it. */
    private synchronized ByteBuffer window(ExtentGrant grant, long at, long length) throws IOException {
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

    /** A value that the node has pinned for this process. */
    Stored stored(ObjectValue value) {
        return new Stored(value);
    }

    private static void checkLength(Location location) {
        if (location.length() > MAPPED_MAX) {
            throw new ObjectLostException("a value of " + location.length() + " bytes: Java reads values below 2 GiB");
        }
    }

    private static ObjectLostException unmapped(IOException error) {
        return new ObjectLostException("shared memory can't be mapped: " + error.getMessage(), error);
    }

    /** The image inside of a window of its segment; null if none can hold it. */
    private synchronized @Nullable ByteBuffer readWindow(Location location, String path) throws IOException {
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

    /** Maps an image that the node itself keeps pinned. */
    public ByteBuffer mapPinned(long segment, String path, Location location) throws IOException {
        return mapPrivate(segment, path, location).order(ByteOrder.LITTLE_ENDIAN);
    }

    private MappedByteBuffer mapPrivate(long segment, String path, Location location) throws IOException {
        return map(segment, path, MapMode.PRIVATE, location.offset(), location.length());
    }

    /** Maps what is there of a range, in spite of interrupts, each of which closes the channel that the thread uses. */
    private MappedByteBuffer map(long segment, String path, MapMode mode, long offset, long lengthMax)
            throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    FileChannel channel = channel(segment, path);
                    return channel.map(mode, offset, Math.min(lengthMax, channel.size() - offset));
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

    /** The node has dropped a segment: no new map of it is made. Maps end with the buffers that use them. */
    synchronized void dropped(long segment) throws IOException {
        boolean mapped = written.remove(segment) != null;
        mapped |= windows.keySet().removeIf(key -> key.segment == segment);
        if (mapped) {
            collector.execute(System::gc); // the segment's memory is free once nobody maps it
        }
        for (ReadKey key : Set.copyOf(readable.keySet())) {
            if (key.segment == segment) {
                Objects.requireNonNull(readable.remove(key)).close();
            }
        }
    }

    synchronized void close() throws IOException {
        for (FileChannel channel : readable.values()) {
            channel.close();
        }
        readable.clear();
        written.clear();
        windows.clear();
        collector.shutdown();
    }

    /** An end of a pin that can be garbage by itself. */
    private record Anchor(Pin pin) implements Runnable {
        @Override
        public void run() {
            pin.run();
        }
    }

    /** Ends a pin, once. */
    private final class Pin implements Runnable {
        private final long pin;
        private long held;
        private boolean released;

        Pin(long pin) {
            this.pin = pin;
        }

        synchronized void hold(long bytes) {
            held = bytes;
            StoreClient.this.hold(bytes);
        }

        @Override
        public synchronized void run() {
            if (!released) {
                released = true;
                letGo(held);
                ObjectUnpin unpin = new ObjectUnpin();
                unpin.pins = new long[] {pin};
                session.unpin(unpin);
            }
        }
    }
}
