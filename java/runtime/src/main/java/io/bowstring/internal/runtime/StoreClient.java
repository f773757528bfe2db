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
import io.bowstring.internal.wire.ValueState;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Shared memory as this process uses it (spec sections 3.10 and 3.11): extents that it asks for and writes, values that it
 * reads and their pins.
 */
public final class StoreClient {
    private static final int COLLECTIONS_MAX = 3;

    /** An extent to write one image in; {@code memory} is empty if no one buffer can hold it. */
    public record Extent(ExtentGrant grant, ByteBuffer memory) {}

    private final Session session;
    private final Cleaner cleaner;
    private final HeldMemory memory;
    private final Segments segments;

    StoreClient(Session session, Cleaner cleaner) {
        this.session = session;
        this.cleaner = cleaner;
        memory = new HeldMemory(cleaner, () -> {
            session.locked(() -> {}); // a release that runs has ended
            session.node().flushChanges();
            session.reactor().flush();
        });
        segments = new Segments(session);
    }

    /** The classes of the first view, loaded: what comes from a jar takes a millisecond each. */
    public static List<Class<?>> classesOfViews() {
        return List.of(StoredValue.class, Pin.class, OnesWindows.class, WideMapping.class, ValueMemory.Range.class);
    }

    /** The node's file of ones; an empty path: it has none. */
    void setOnes(String path) {
        segments.setOnes(path);
    }

    /** Asks for memory for one image; waits for it. */
    public Extent allocate(long length) {
        if (length > Segments.MAPPED_MAX) {
            throw new SerializationException("a value of " + length + " bytes: Java writes values below 2 GiB; split it");
        }
        ExtentGrant grant = grant(length);
        try {
            return new Extent(grant, segments.window(grant, 0, length));
        } catch (IOException error) {
            giveBack(grant);
            throw unmapped(error);
        }
    }

    /** The same for memory of any size, which may have to be written in pieces. */
    Extent allocateAny(long length) {
        return length > Segments.MAPPED_MAX ? new Extent(grant(length), ByteBuffer.allocate(0)) : allocate(length);
    }

    /** Asks for memory for a value and writes it there, whatever its size; waits for the memory. */
    public Extent write(EncodedValue value) {
        long length = value.imageSize();
        Extent extent = allocateAny(length);
        try {
            if (length > Segments.MAPPED_MAX) {
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
            return segments.window(grant, at, length);
        } catch (IOException error) {
            throw unmapped(error);
        }
    }

    /** The first place from one on where so many bytes of an extent lie in one mapping; it may be behind the extent. */
    long place(ExtentGrant grant, long at, long length) {
        return Segments.place(grant, at, length);
    }

    private ExtentGrant grant(long length) {
        memory.collectIfDue(); // memory that this process wrote before is warm: it had better be free now
        ExtentGrant grant = null;
        for (int attempt = 0; grant == null; attempt++) {
            ExtentAllocate allocate = new ExtentAllocate();
            allocate.length = length;
            NodeLink.Answer answer = session.request(number -> {
                allocate.request = number;
                return allocate;
            });
            if (answer.error() instanceof ObjectStoreFullException && attempt < COLLECTIONS_MAX) {
                memory.collect();
            } else {
                grant = answer.as(ExtentGrant.class);
            }
        }
        return grant;
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

    /** A value that the node has pinned for this process. */
    StoredValue stored(ObjectValue value, StoredValue.Use use) {
        return new StoredValue(segments, value, pin(value), use);
    }

    /** An image that the node itself keeps pinned while it is read. */
    public ValueMemory kept(long segment, String path, Location location) {
        ObjectValue value = new ObjectValue();
        value.location = new Location(segment, 0, location.offset(), location.length());
        value.segmentPath = path;
        return new StoredValue(segments, value, pin(value), StoredValue.Use.PARTS);
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

    private Pin pin(ObjectValue value) {
        return new Pin(memory, cleaner, value.location, () -> unpin(value.pin));
    }

    /** Memory of the store is kept by something else than a value that is read. */
    HeldMemory memory() {
        return memory;
    }

    /** The node has dropped a segment: nothing of it is mapped from here on. */
    void dropped(long segment) throws IOException {
        if (segments.dropped(segment)) {
            memory.collectSoon(); // its pages are free once nobody maps it
        }
    }

    void close() throws IOException {
        segments.close();
        memory.close();
    }

    static ObjectLostException unmapped(IOException error) {
        return new ObjectLostException("shared memory can't be mapped: " + error.getMessage(), error);
    }
}
