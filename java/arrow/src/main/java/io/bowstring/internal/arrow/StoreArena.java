package io.bowstring.internal.arrow;

import io.bowstring.ObjectRef;
import io.bowstring.RuntimeLink;
import io.bowstring.arrow.ArrowArena;
import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.arrow.memory.AllocationManager;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.memory.rounding.RoundingPolicy;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;

/**
 * One extent of the store as memory of vectors. Its start is kept free for the image's header, the schema and the batch's
 * metadata, which are known only when the table is done; metadata may be padded at its end, so the body of the stream
 * starts wherever the vectors do.
 */
final class StoreArena implements ArrowArena {
    private static final int HEAD_BYTES = 64 << 10;

    private final RuntimeLink.Memory<ArrowValue> memory;
    private final int capacity;
    private final long address;
    private final long end;
    private final BufferAllocator allocator;
    private long next;
    private boolean done;

    private StoreArena(RuntimeLink.Memory<ArrowValue> memory) {
        this.memory = memory;
        this.capacity = memory.bytes().capacity();
        this.address = Addresses.of(memory.bytes());
        this.end = address + capacity - 8; // the stream's end follows the last buffer
        this.next = address + HEAD_BYTES;
        this.allocator = new RootAllocator(RootAllocator.configBuilder()
                .allocationManagerFactory(new Factory())
                .roundingPolicy(new Exact())
                .build());
    }

    static StoreArena allocate(long capacity) {
        if (capacity < 1 || capacity > Integer.MAX_VALUE - (1 << 20)) {
            throw new InvalidArgumentException("an arena of " + capacity + " bytes; it has from 1 to less than 2 GiB");
        }
        return new StoreArena(
                RuntimeLink.current().allocate(capacity + HEAD_BYTES + 8, Encoding.ARROW, ArrowValue.class));
    }

    @Override
    public BufferAllocator allocator() {
        return allocator;
    }

    /** Buffers take what they need; the arena aligns them itself. */
    private static final class Exact implements RoundingPolicy {
        @Override
        public long getRoundedSize(long requestSize) {
            return requestSize;
        }
    }

    private final class Factory implements AllocationManager.Factory {
        @Override
        public AllocationManager create(BufferAllocator accounting, long size) {
            return new Piece(accounting, size, take(size));
        }

        @Override
        public ArrowBuf empty() {
            return new ArrowBuf(org.apache.arrow.memory.ReferenceManager.NO_OP, null, 0, address);
        }
    }

    private synchronized long take(long size) {
        long at = next;
        if (done || size > end - at) {
            throw new OutOfMemoryException(done ? "this arena was put already" : "this arena has "
                    + Math.max(0, end - at) + " bytes left, and " + size + " are wanted; allocate a larger one");
        }
        next = at + BatchMessage.align(size);
        return at;
    }

    private final class Piece extends AllocationManager {
        private final long size;
        private final long at;

        Piece(BufferAllocator accounting, long size, long at) {
            super(accounting);
            this.size = size;
            this.at = at;
        }

        @Override
        public long getSize() {
            return size;
        }

        @Override
        protected long memoryAddress() {
            return at;
        }

        @Override
        protected void release0() {
            synchronized (StoreArena.this) {
                if (!done && next == at + BatchMessage.align(size)) {
                    next = at; // the last piece can be used again
                }
            }
        }
    }

    @Override
    public synchronized ObjectRef<ArrowValue> put(VectorSchemaRoot root) {
        if (done) {
            throw new InvalidArgumentException("this arena was put already");
        }
        ArrowValue value = ArrowValue.of(root);
        Set<Long> dictionaries = new TreeSet<>();
        Schema schema = ArrowStreams.messageSchema(value, dictionaries);
        if (!dictionaries.isEmpty()) {
            throw new SerializationException("a table with dictionaries can't be put from an arena; put it by"
                    + " Bowstring.put(ArrowValue.of(batches, dictionaries)), which copies it once");
        }
        long length;
        try (ArrowRecordBatch batch = ArrowStreams.unload(root)) {
            length = write(schema, batch);
        }
        done = true;
        return memory.put(length);
    }

    private long write(Schema schema, ArrowRecordBatch batch) {
        ByteBuffer target = memory.bytes();
        List<ArrowBuf> buffers = batch.getBuffers();
        long body = address + HEAD_BYTES;
        long[] offsets = new long[buffers.size()];
        for (int i = 0; i < offsets.length; i++) {
            ArrowBuf buffer = buffers.get(i);
            long size = buffer.readableBytes();
            long at = buffer.memoryAddress() + buffer.readerIndex();
            if (size == 0) {
                at = body;
            } else if (at < body || at + size > end) {
                long place;
                try {
                    place = take(size);
                } catch (OutOfMemoryException full) {
                    throw new SerializationException("a buffer lies outside of the arena, and there is no room to copy"
                            + " it: " + full.getMessage(), full);
                }
                buffer.getBytes(buffer.readerIndex(), target.slice((int) (place - address), (int) size));
                at = place;
            }
            offsets[i] = at - body;
        }
        long bodyLength = (next - body + 7) & ~7L;
        int bodyEnd = (int) Math.min(HEAD_BYTES + bodyLength, target.capacity() - 8);
        ObjectHeader header = new ObjectHeader();
        header.encoding = Encoding.ARROW;
        header.buffers = List.of(new Span(0, 0));
        int stream = (int) BatchMessage.align(8 + header.encode().length);
        header.buffers = List.of(new Span(stream, bodyEnd + 8 - stream));
        byte[] head = header.encode();
        ByteBuffer first = ArrowStreams.schemaMessage(schema);
        ByteBuffer second = BatchMessage.metadata(batch, offsets, bodyEnd - HEAD_BYTES, null);
        int schemaEnd = (int) BatchMessage.align(stream + 8 + first.remaining());
        if (schemaEnd + 8 + second.remaining() > HEAD_BYTES) {
            throw new SerializationException("the schema and metadata of this table take more than " + HEAD_BYTES
                    + " bytes; put it by Bowstring.put(ArrowValue.of(root)), which copies it once");
        }
        target.putInt(head.length).putInt(0).put(head);
        ArrowStreams.fill(target, stream);
        ArrowStreams.putMessage(target, first, schemaEnd);
        ArrowStreams.putMessage(target, second, HEAD_BYTES);
        target.position(bodyEnd);
        ArrowStreams.putEnd(target);
        return bodyEnd + 8L;
    }

    @Override
    public synchronized void close() {
        if (!done) {
            done = true;
            memory.giveBack();
        }
        allocator.close();
    }
}
