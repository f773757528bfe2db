package io.bowstring.internal.arrow;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.ValueBuffer;
import io.bowstring.internal.wire.Encoding;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.arrow.memory.AllocationManager;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.ReferenceManager;
import org.jspecify.annotations.Nullable;

/**
 * One extent of the store as memory of vectors.
 *
 * <p>A stream is messages, each with its metadata in front of a body. What the metadata says, and so its length, is known
 * only when the table is done; so the arena has room for it in front of each of its parts, which {@link ArenaImage} fills
 * in, and a part holds the vectors of one message. Metadata may be padded at its end and a body may have gaps, so vectors
 * stay where they were built.
 *
 * <p>An extent of 2 GiB and more is written through several windows that overlap by half. A buffer is placed so that it
 * lies in one of them, and is known by its address there.
 */
final class StoreArena implements ArrowArena {
    private static final long BUFFER_BYTES_MAX = Integer.MAX_VALUE & ~4095L;
    private static final long CAPACITY_MAX = 1L << 46;
    private static final String DONE = "this arena was put already, or closed";

    /** Room in front of a part: for the metadata of a batch of some thousand columns. */
    static final int HEAD_BYTES = 64 << 10;

    /** Where the vectors of one dictionary or batch lie: offsets in the image. */
    static final class Part {
        final long head;
        final long body;
        long end;

        Part(long head) {
            this.head = head;
            this.body = head + HEAD_BYTES;
            this.end = body;
        }
    }

    private record Place(long offset, long size) {}

    private final RuntimeLink.Memory<ArrowValue> memory;
    private final long capacity;
    private final ArenaAllocator allocator;
    private final ArenaLife life;
    private final List<Part> parts = new ArrayList<>();
    private final TreeMap<Long, Place> places = new TreeMap<>();
    private boolean done;
    private long copied;

    StoreArena(RuntimeLink.Memory<ArrowValue> memory, long capacity) {
        this.memory = memory;
        this.capacity = capacity;
        this.life = new ArenaLife(memory);
        this.allocator = new ArenaAllocator(new Factory(), life);
        parts.add(new Part(0));
        life.endWith(this);
    }

    /** Memory for vectors that take so many bytes. */
    static StoreArena allocate(long capacity) {
        if (capacity < 1 || capacity > CAPACITY_MAX) {
            throw new InvalidArgumentException("an arena of " + capacity + " bytes; it has from 1 to " + CAPACITY_MAX);
        }
        // One head for the table, one for a first dictionary; the stream's end follows the last buffer.
        long length = BatchMessage.align(capacity) + 2 * HEAD_BYTES;
        return new StoreArena(
                RuntimeLink.current().allocate(length + 8, Encoding.ARROW, ArrowValue.class), length);
    }

    @Override
    public BufferAllocator allocator() {
        return allocator;
    }

    @Override
    public synchronized long bytesCopied() {
        return copied;
    }

    void copied(long bytes) {
        copied += bytes;
    }

    // Memory ---------------------------------------------------------------------------------------------------------

    @Override
    public synchronized void nextPart() {
        if (done) {
            throw new InvalidArgumentException(DONE);
        }
        emptyPart();
    }

    /** The last part, in which there is nothing yet. */
    Part emptyPart() {
        Part last = parts.get(parts.size() - 1);
        if (last.end == last.body) {
            return last;
        }
        if (capacity - last.end < HEAD_BYTES) {
            throw new OutOfMemoryException("this arena has no room for another part; allocate a larger one");
        }
        Part next = new Part(last.end);
        parts.add(next);
        return next;
    }

    /** The part that an offset lies in, or null. */
    @Nullable Part partOf(long offset) {
        for (Part part : parts) {
            if (offset >= part.body && offset < part.end) {
                return part;
            }
        }
        return null;
    }

    /** Some bytes of the image, to be written. */
    ByteBuffer bytes(long offset, long size) {
        return memory.bytes(offset, size);
    }

    /** The next bytes of the last part: their offset. */
    private synchronized long take(long size) {
        if (done) {
            throw new OutOfMemoryException(DONE);
        }
        if (size > BUFFER_BYTES_MAX) {
            throw new OutOfMemoryException("a vector's buffer of " + size
                    + " bytes: in an arena it has less than 2 GiB; make the table of more batches");
        }
        Part part = parts.get(parts.size() - 1);
        long at = BatchMessage.align(memory.place(part.end, size));
        // The second head is none of what was asked for, until there is a second part.
        long end = parts.size() == 1 ? capacity - HEAD_BYTES : capacity;
        if (size > end - at) {
            throw new OutOfMemoryException("this arena has " + Math.max(0, end - part.end)
                    + " bytes left, and " + size + " are wanted; allocate a larger one");
        }
        part.end = BatchMessage.align(at + size);
        places.put(Addresses.of(bytes(at, size)), new Place(at, size));
        return at;
    }

    /** The last piece can be used again. */
    private synchronized void untake(long address) {
        Place place = places.get(address);
        Part part = parts.get(parts.size() - 1);
        if (!done && place != null && place.offset >= part.body
                && part.end == BatchMessage.align(place.offset + place.size)) {
            places.remove(address);
            part.end = place.offset;
        }
    }

    /** Where in the image a buffer lies; -1: elsewhere. */
    long offsetOf(ArrowBuf buffer) {
        long address = buffer.memoryAddress() + buffer.readerIndex();
        Map.Entry<Long, Place> piece = places.floorEntry(address);
        if (piece == null || address + buffer.readableBytes() > piece.getKey() + piece.getValue().size) {
            return -1;
        }
        return piece.getValue().offset + (address - piece.getKey());
    }

    /** Copies a buffer that lies elsewhere to the end of a part; returns its offset. */
    long copyIn(ArrowBuf buffer, Part part, String name) {
        long size = buffer.readableBytes();
        Part last = parts.get(parts.size() - 1);
        if (last != part && last.end == last.body) {
            parts.remove(last); // nothing came after the last nextPart()
        }
        if (part != parts.get(parts.size() - 1)) {
            throw new SerializationException("a buffer of " + name + " lies outside of the arena, and can't be copied"
                    + " into it because another part follows; build its vectors with the arena's allocator");
        }
        long offset;
        try {
            offset = take(size);
        } catch (OutOfMemoryException full) {
            throw new SerializationException("a buffer of " + name + " lies outside of the arena, and there is no room"
                    + " to copy it: " + full.getMessage(), full);
        }
        for (long at = 0; at < size; at += ValueBuffer.PIECE_BYTES_MAX) {
            long count = Math.min(ValueBuffer.PIECE_BYTES_MAX, size - at);
            TableWriter.copy(buffer, at, bytes(offset + at, count));
        }
        copied += size;
        return offset;
    }

    private final class Factory implements AllocationManager.Factory {
        @Override
        public AllocationManager create(BufferAllocator accounting, long size) {
            return new Piece(accounting, size, Addresses.of(bytes(take(size), size)));
        }

        @Override
        public ArrowBuf empty() {
            return new ArrowBuf(ReferenceManager.NO_OP, null, 0, 0);
        }
    }

    private final class Piece extends AllocationManager {
        private final long size;
        private final long address;

        Piece(BufferAllocator accounting, long size, long address) {
            super(accounting);
            this.size = size;
            this.address = address;
        }

        @Override
        public long getSize() {
            return size;
        }

        @Override
        protected long memoryAddress() {
            return address;
        }

        @Override
        protected void release0() {
            untake(address);
        }
    }

    // Ends -----------------------------------------------------------------------------------------------------------

    @Override
    public synchronized ObjectRef<ArrowValue> put(ArrowValue value) {
        if (done) {
            throw new InvalidArgumentException(DONE);
        }
        value.batches().forEach(RowCounts::check);
        long length;
        try (ArenaImage image = new ArenaImage(this, value)) {
            length = image.write();
        }
        done = true;
        return life.put(length);
    }

    @Override
    public synchronized void close() {
        long open = allocator.getAllocatedMemory();
        if (open > 0) {
            throw new IllegalStateException("an arena is closed while vectors in it are open, with " + open
                    + " bytes; close them first");
        }
        done = true;
        allocator.close();
        life.close();
    }
}
