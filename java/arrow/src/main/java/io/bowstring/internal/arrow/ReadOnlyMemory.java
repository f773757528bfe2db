package io.bowstring.internal.arrow;

import java.util.concurrent.atomic.AtomicInteger;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OwnershipTransferResult;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.util.Preconditions;

/**
 * Memory that vectors only read. It counts its references for all allocators together, so vectors of any root may share
 * it, and lets go of it with the last one. Every slice, and every buffer that a transfer makes, has this same manager:
 * by it {@link WriteGuard} knows what must not be written.
 */
final class ReadOnlyMemory implements ReferenceManager {
    private final AtomicInteger references = new AtomicInteger(1);
    private final BufferAllocator allocator;
    private final long size;
    private final Runnable release;

    private ReadOnlyMemory(BufferAllocator allocator, long size, Runnable release) {
        this.allocator = allocator;
        this.size = size;
        this.release = release;
    }

    /** A buffer over memory; {@code release} is run once, when nothing refers to it any more. */
    static ArrowBuf buffer(BufferAllocator allocator, long address, long size, Runnable release) {
        ArrowBuf buffer = new ArrowBuf(new ReadOnlyMemory(allocator, size, release), null, size, address);
        buffer.writerIndex(size);
        return buffer;
    }

    @Override
    public int getRefCount() {
        return references.get();
    }

    @Override
    public boolean release() {
        return release(1);
    }

    @Override
    public boolean release(int count) {
        int left = references.addAndGet(-count);
        Preconditions.checkState(left >= 0, "memory was released more often than it was retained");
        if (left == 0) {
            release.run();
        }
        return left == 0;
    }

    @Override
    public void retain() {
        retain(1);
    }

    @Override
    public void retain(int count) {
        references.addAndGet(count);
    }

    @Override
    public ArrowBuf retain(ArrowBuf source, BufferAllocator target) {
        retain();
        ArrowBuf buffer = deriveBuffer(source, 0, source.capacity());
        buffer.writerIndex(source.writerIndex());
        return buffer.readerIndex(source.readerIndex());
    }

    @Override
    public ArrowBuf deriveBuffer(ArrowBuf source, long index, long length) {
        return new ArrowBuf(this, null, length, source.memoryAddress() + index);
    }

    @Override
    public OwnershipTransferResult transferOwnership(ArrowBuf source, BufferAllocator target) {
        ArrowBuf transferred = retain(source, target);
        return new OwnershipTransferResult() {
            @Override
            public boolean getAllocationFit() {
                return true;
            }

            @Override
            public ArrowBuf getTransferredBuffer() {
                return transferred;
            }
        };
    }

    @Override
    public BufferAllocator getAllocator() {
        return allocator;
    }

    @Override
    public long getSize() {
        return size;
    }

    /** Nothing: no allocator gave this memory. */
    @Override
    public long getAccountedSize() {
        return 0;
    }
}
