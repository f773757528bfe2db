package io.bowstring.internal.runtime;

import io.bowstring.errors.ObjectLostException;
import io.bowstring.errors.ObjectStoreFullException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ValueMemory;
import io.bowstring.internal.wire.ExtentAllocate;
import io.bowstring.internal.wire.ExtentGrant;
import io.bowstring.internal.wire.ExtentReturn;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectUnpin;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.SegmentMapped;
import io.bowstring.internal.wire.ValueState;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Shared memory as this process sees it (spec sections 3.10 and 3.11).
 *
 * <p>A segment that this process writes is mapped as a whole when its first extent is granted, in windows that overlap by
 * half, because a buffer is at most 2 GiB and the node refuses writable maps later. What is copied when it is read comes
 * through such windows too, whose pages stay mapped: a fresh mapping of 100 MB costs more than copying them. What is read
 * as a view is mapped by object, so that every buffer made from it holds that mapping, and the pin ends with it; if the
 * object is 2 GiB or more, by each of its parts. Reading maps are private: a write
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

    /** What a value is read for: all of it is going to be a view, or nothing is, or its tensors and tables are. */
    enum Use {
        VIEW,
        COPY,
        PARTS
    }

    /** A pinned value. Its bytes can be copied from until {@link #end}; views of them keep the pin. */
    final class Stored implements ValueMemory {
        private final ObjectValue value;
        private final Pin pin;
        private final Use use;
        private @Nullable ByteBuffer lasting;

        private Stored(ObjectValue value, Use use) {
            this.value = value;
            this.pin = new Pin(value.pin);
            this.use = use;
        }

        @Override
        public long length() {
            return value.location.length();
        }

        @Override
        public ByteBuffer bytes(long offset, long length) {
            try {
                ByteBuffer window = lasting != null || use == Use.VIEW && length() <= MAPPED_MAX ? null
                        : readWindow(part(offset, length), value.segmentPath);
                return window != null ? window : kept(offset, length);
            } catch (IOException error) {
                throw unmapped(error);
            }
        }

        @Override
        public ByteBuffer view(long offset, long length) {
            return use == Use.COPY ? bytes(offset, length) : kept(offset, length);
        }

        private ByteBuffer kept(long offset, long length) {
            try {
                if (length() > MAPPED_MAX) {
                    return mapped(offset, length);
                }
                if (lasting == null) {
                    lasting = mapped(0, length());
                }
                return lasting.slice((int) offset, (int) length).order(ByteOrder.LITTLE_ENDIAN);
            } catch (IOException error) {
                throw unmapped(error);
            }
        }

        private ByteBuffer mapped(long offset, long length) throws IOException {
            MappedByteBuffer memory = mapPrivate(value.location.segment(), value.segmentPath, part(offset, length));
            pin.mapped(memory, length());
            return memory.order(ByteOrder.LITTLE_ENDIAN);
        }

        @Override
        public Range range(long offset, long length) {
            Location part = part(offset, length);
            try {
                WideMapping memory = withChannel(
                        part.segment(), value.segmentPath, channel -> WideMapping.of(channel, part.offset(), length));
                pin.mapped(memory, length());
                return new Range(memory.address(), length, memory);
            } catch (IOException error) {
                throw unmapped(error);
            }
        }

        private Location part(long offset, long length) {
            Location whole = value.location;
            return new Location(whole.segment(), 0, whole.offset() + offset, length);
        }

        @Override
        public Runnable share() {
            return pin.share();
        }

        /** The value was read, or can't be: the pin stays for its views only. */
        void end(boolean read) {
            pin.read(read);
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
    public Extent write(EncodedValue value) {
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
        if (session.ended() != null) {
            return; // all of it went with the runtime
        }
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
    Stored stored(ObjectValue value, Use use) {
        return new Stored(value, use);
    }

    /** An image that the node itself keeps pinned while it is read. */
    public ValueMemory kept(long segment, String path, Location location) {
        ObjectValue value = new ObjectValue();
        value.location = new Location(segment, 0, location.offset(), location.length());
        value.segmentPath = path;
        return new Stored(value, Use.PARTS);
    }

    /** Ends the pin with which a value has come, if it has one. */
    void unpin(ObjectValue value) {
        if (value.state == ValueState.STORED) {
            unpin(value.pin);
        }
    }

    private void unpin(long pin) {
        if (pin != 0 && session.ended() == null) {
            ObjectUnpin unpin = new ObjectUnpin();
            unpin.pins = new long[] {pin};
            session.node().queue(unpin);
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

    private MappedByteBuffer mapPrivate(long segment, String path, Location location) throws IOException {
        return map(segment, path, MapMode.PRIVATE, location.offset(), location.length());
    }

    private MappedByteBuffer map(long segment, String path, MapMode mode, long offset, long lengthMax)
            throws IOException {
        return withChannel(segment, path,
                channel -> channel.map(mode, offset, Math.min(lengthMax, channel.size() - offset)));
    }

    private interface Mapper<T> {
        T map(FileChannel channel) throws IOException;
    }

    /** Maps in spite of interrupts, each of which closes the channel that the thread uses. */
    private <T> T withChannel(long segment, String path, Mapper<T> mapper) throws IOException {
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

    /**
     * A pin and who needs it: the reading of the value, then mappings that are reachable. It ends with the last of them; or
     * before that with the last share, if all views of the value were closed.
     */
    private final class Pin {
        private final long pin;
        private long held;
        private int mappings;
        private int shares;
        private boolean reading = true;
        private boolean shared;
        private boolean ended;

        Pin(long pin) {
            this.pin = pin;
        }

        synchronized void mapped(Object mapping, long bytes) {
            if (held == 0) {
                held = bytes;
                hold(bytes);
            }
            mappings++;
            cleaner.register(mapping, this::unmapped);
        }

        private synchronized void unmapped() {
            mappings--;
            endIfUnused();
        }

        synchronized Runnable share() {
            shares++;
            shared = true;
            AtomicBoolean closed = new AtomicBoolean();
            return () -> {
                if (closed.compareAndSet(false, true)) {
                    unshare();
                }
            };
        }

        private synchronized void unshare() {
            shares--;
            endIfUnused();
        }

        synchronized void read(boolean well) {
            reading = false;
            if (!well) {
                mappings = 0; // nobody gets the value, or any view of it
            }
            endIfUnused();
        }

        private void endIfUnused() {
            if (!ended && !reading && (mappings <= 0 || shared && shares == 0)) {
                ended = true;
                letGo(held);
                unpin(pin);
            }
        }
    }
}
