package io.bowstring.internal.runtime;

import io.bowstring.errors.ObjectLostException;
import io.bowstring.errors.ObjectStoreFullException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.ExtentAllocate;
import io.bowstring.internal.wire.ExtentGrant;
import io.bowstring.internal.wire.ExtentReturn;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectUnpin;
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
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Shared memory as this process sees it (spec sections 3.10 and 3.11).
 *
 * <p>A segment that this process writes is mapped as a whole when its first extent is granted, in windows that overlap by
 * half, because a buffer is at most 2 GiB and the node refuses writable maps later. What is read is mapped by object, so
 * that every buffer made from it holds that mapping, whose end is the end of the pin. Reading maps are private: a write
 * into one, which Java's buffers refuse and Arrow's too where they are guarded, stays in the process and kills nothing.
 */
public final class StoreClient {
    private static final Logger LOGGER = System.getLogger(StoreClient.class.getName());
    private static final long WINDOW = 1L << 30;
    private static final long COLLECT_AFTER_BYTES = 256L << 20;
    private static final int COLLECTIONS_MAX = 3;
    private static final long COLLECTION_WAIT_MS = 500;
    private static final long MAPPED_MAX = Integer.MAX_VALUE & ~4095L;

    /** An extent to write one image in. */
    public record Extent(ExtentGrant grant, ByteBuffer memory) {}

    /** A value's memory, and how to let go of it early. */
    record Mapped(ByteBuffer memory, Runnable unpin) {}

    private record ReadKey(long segment, String path) {}

    private final Session session;
    private final Cleaner cleaner;
    private final AtomicLong usedBytes = new AtomicLong();
    private final ExecutorService collector = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "bowstring-gc");
        thread.setDaemon(true);
        return thread;
    });
    private final Map<Long, TreeMap<Long, MappedByteBuffer>> written = new HashMap<>();
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
        used(length);
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
        try {
            return new Extent(grant, window(grant, length));
        } catch (IOException error) {
            giveBack(grant);
            throw new ObjectLostException("shared memory can't be mapped: " + error.getMessage(), error);
        }
    }

    /**
     * Counts memory of the store that objects of this heap keep. They are small, so the collector sees no reason to run
     * while the memory behind them grows; now and then it is told.
     */
    private void used(long bytes) {
        if (usedBytes.addAndGet(bytes) > COLLECT_AFTER_BYTES) {
            usedBytes.set(0);
            collector.execute(System::gc);
        }
    }

    /** Lets go of what is unreachable, and waits until the node has been told. */
    private void collect() {
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

    private synchronized ByteBuffer window(ExtentGrant grant, long length) throws IOException {
        TreeMap<Long, MappedByteBuffer> windows = written.get(grant.segment);
        if (windows == null) {
            windows = new TreeMap<>();
            boolean interrupted = Thread.interrupted();
            try (FileChannel channel = FileChannel.open(
                    Path.of(grant.segmentPath), Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE))) {
                for (long at = 0; at < grant.segmentLength; at += WINDOW) {
                    long size = Math.min(MAPPED_MAX, grant.segmentLength - at);
                    windows.put(at, channel.map(MapMode.READ_WRITE, at, size));
                    if (at + size >= grant.segmentLength) {
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
        Map.Entry<Long, MappedByteBuffer> window = windows.floorEntry(grant.offset);
        long offset = grant.offset - window.getKey();
        if (offset + length > window.getValue().capacity()) {
            throw new IOException("an extent of " + length + " bytes at " + grant.offset
                    + " does not fit into one mapping of at most 2 GiB");
        }
        return window.getValue().slice((int) offset, (int) length).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Maps an image for reading; its pin ends when the memory is let go, or nobody refers to it. */
    Mapped map(long segment, String path, Location location, long pin) {
        Pin held = new Pin(session, pin);
        used(location.length());
        if (location.length() > MAPPED_MAX) {
            held.run();
            throw new ObjectLostException("a value of " + location.length() + " bytes: Java reads values below 2 GiB");
        }
        try {
            MappedByteBuffer memory = mapPrivate(segment, path, location);
            cleaner.register(memory, held);
            return new Mapped(memory.order(ByteOrder.LITTLE_ENDIAN), held);
        } catch (IOException error) {
            held.run();
            throw new ObjectLostException("shared memory can't be mapped: " + error.getMessage(), error);
        }
    }

    /** Maps an image that the node itself keeps pinned. */
    public ByteBuffer mapPinned(long segment, String path, Location location) throws IOException {
        return mapPrivate(segment, path, location).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Maps in spite of interrupts, each of which closes the channel that the thread uses. */
    private MappedByteBuffer mapPrivate(long segment, String path, Location location) throws IOException {
        boolean interrupted = false;
        try {
            while (true) {
                interrupted |= Thread.interrupted();
                try {
                    return channel(segment, path).map(MapMode.PRIVATE, location.offset(), location.length());
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
        written.remove(segment);
        for (ReadKey key : Set.copyOf(readable.keySet())) {
            if (key.segment == segment) {
                readable.remove(key).close();
            }
        }
    }

    synchronized void close() throws IOException {
        for (FileChannel channel : readable.values()) {
            channel.close();
        }
        readable.clear();
        written.clear();
        collector.shutdown();
    }

    /** Ends a pin, once. */
    private static final class Pin implements Runnable {
        private final Session session;
        private final long pin;
        private boolean released;

        Pin(Session session, long pin) {
            this.session = session;
            this.pin = pin;
        }

        @Override
        public synchronized void run() {
            if (!released) {
                released = true;
                ObjectUnpin unpin = new ObjectUnpin();
                unpin.pins = new long[] {pin};
                session.unpin(unpin);
            }
        }
    }
}
