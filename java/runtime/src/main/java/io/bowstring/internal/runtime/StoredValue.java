package io.bowstring.internal.runtime;

import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueMemory;
import io.bowstring.internal.wire.Location;
import io.bowstring.internal.wire.ObjectValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A pinned value. Its bytes can be copied from until {@link #end}; views of them keep the pin.
 *
 * <p>What is read as a view is mapped by object, so that every buffer made from it holds that mapping, and the pin ends with
 * it; if the object is 2 GiB or more, by each of its parts. These maps are private: a write into one, which Java's buffers
 * refuse and Arrow's too where they are guarded, stays in the process and kills nothing.
 */
final class StoredValue implements ValueMemory {
    /** What a value is read for: all of it is going to be a view, or nothing is, or its tensors and tables are. */
    enum Use {
        VIEW,
        COPY,
        PARTS
    }

    private final Segments segments;
    private final ObjectValue value;
    private final Pin pin;
    private final Use use;
    private @Nullable ByteBuffer lasting;

    StoredValue(Segments segments, ObjectValue value, Pin pin, Use use) {
        this.segments = segments;
        this.value = value;
        this.pin = pin;
        this.use = use;
    }

    @Override
    public long length() {
        return value.location.length();
    }

    @Override
    public ByteBuffer bytes(long offset, long length) {
        try {
            ByteBuffer window = lasting != null || use == Use.VIEW && length() <= Segments.MAPPED_MAX ? null
                    : segments.readWindow(part(offset, length), value.segmentPath);
            return window != null ? window : kept(offset, length);
        } catch (IOException error) {
            throw StoreClient.unmapped(error);
        }
    }

    @Override
    public ByteBuffer view(long offset, long length) {
        return use == Use.COPY ? bytes(offset, length) : kept(offset, length);
    }

    private ByteBuffer kept(long offset, long length) {
        try {
            if (length() > Segments.MAPPED_MAX) {
                return mapped(offset, length);
            }
            if (lasting == null) {
                lasting = mapped(0, length());
            }
            return lasting.slice((int) offset, (int) length).order(ByteOrder.LITTLE_ENDIAN);
        } catch (IOException error) {
            throw StoreClient.unmapped(error);
        }
    }

    private ByteBuffer mapped(long offset, long length) throws IOException {
        MappedByteBuffer memory = segments.mapPrivate(value.location.segment(), value.segmentPath, part(offset, length));
        pin.mapped(memory);
        return memory.order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public Range range(long offset, long length) {
        Location part = part(offset, length);
        try {
            WideMapping memory = segments.withChannel(
                    part.segment(), value.segmentPath, channel -> WideMapping.of(channel, part.offset(), length));
            pin.mapped(memory);
            return new Range(memory.address(), length, memory);
        } catch (IOException error) {
            throw StoreClient.unmapped(error);
        }
    }

    private Location part(long offset, long length) {
        Location whole = value.location;
        return new Location(whole.segment(), 0, whole.offset() + offset, length);
    }

    @Override
    public Ones ones() {
        return segments.ones();
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
