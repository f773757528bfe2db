package io.bowstring.internal.arrow;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ObjectHeader;
import io.bowstring.internal.wire.Span;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.types.pojo.Schema;
import org.jspecify.annotations.Nullable;

/**
 * The image of a table around the vectors that lie in an arena (spec sections 3.1 and 3.5).
 *
 * <p>The schema goes into the head of the arena. So do dictionaries that share a part with others: their bytes are copied
 * there, if there is room. Any other dictionary, and each batch, is the one message of the part where its vectors lie:
 * its metadata goes in front of the part, and its body reaches to where the next message begins. A stream has its
 * dictionaries first, then its batches in order, and so must the parts.
 */
final class ArenaImage implements AutoCloseable {
    private static final String ADVICE = "; build the dictionaries first, one behind the other, then the batches in order,"
            + " with ArrowArena.nextPart() between any two of them; or copy the table by Bowstring.put(ArrowValue)";

    /** A dictionary or, without a number, a batch. */
    private record Message(String name, @Nullable Long dictionary, ArrowRecordBatch batch) {}

    private final StoreArena arena;
    private final boolean singleBatch;
    private final Schema schema;
    private final List<Message> messages = new ArrayList<>();
    private final List<Message> copies = new ArrayList<>();
    private final List<Message> placed = new ArrayList<>();
    private final List<StoreArena.Part> places = new ArrayList<>();

    ArenaImage(StoreArena arena, ArrowValue value) {
        this.arena = arena;
        this.singleBatch = value.isSingleBatch();
        try {
            Set<Long> used = new LinkedHashSet<>();
            schema = TableWriter.messageSchema(value, used);
            for (long id : used) {
                FieldVector vector = value.dictionaries().lookup(id).getVector();
                add("the dictionary " + id, id, new VectorSchemaRoot(
                        List.of(vector.getField()), List.of(vector), vector.getValueCount()));
            }
            // A batch without rows adds nothing to a table that has others.
            List<VectorSchemaRoot> batches = new ArrayList<>(value.batches());
            batches.removeIf(batch -> batch.getRowCount() == 0);
            for (VectorSchemaRoot batch : batches.isEmpty() ? value.batches().subList(0, 1) : batches) {
                add("batch " + value.batches().indexOf(batch), null, batch);
            }
            assign();
        } catch (RuntimeException error) {
            close();
            throw error;
        }
    }

    private void add(String name, @Nullable Long dictionary, VectorSchemaRoot root) {
        messages.add(new Message(name, dictionary, TableWriter.unload(root)));
    }

    @Override
    public void close() {
        messages.forEach(message -> message.batch.close());
    }

    // Which message goes where ---------------------------------------------------------------------------------------

    private void assign() {
        List<StoreArena.@Nullable Part> found = new ArrayList<>();
        messages.forEach(message -> found.add(part(message)));
        StoreArena.Part last = null;
        for (int index = 0; index < messages.size(); index++) {
            Message message = messages.get(index);
            StoreArena.Part part = found.get(index);
            boolean shared = part == null || found.indexOf(part) != found.lastIndexOf(part);
            if (message.dictionary != null && shared) {
                copies.add(message);
                continue;
            }
            if (part == null) {
                part = arena.emptyPart(); // nothing of the batch lies here: it is copied, behind all that does
            }
            if (last != null && part.head <= last.head) {
                throw new SerializationException(message.name + " lies before what it must follow, or in one part with it"
                        + ADVICE);
            }
            last = part;
            placed.add(message);
            places.add(part);
        }
    }

    /** The part that has the message's buffers; null: none of them lies in the arena. */
    private StoreArena.@Nullable Part part(Message message) {
        StoreArena.Part found = null;
        for (ArrowBuf buffer : message.batch.getBuffers()) {
            StoreArena.Part part = buffer.readableBytes() == 0 ? null : arena.partOf(arena.offsetOf(buffer));
            if (part != null && found != null && part != found) {
                throw new SerializationException(
                        "the vectors of " + message.name + " lie in several parts of the arena" + ADVICE);
            }
            found = part == null ? found : part;
        }
        return found;
    }

    // Writing --------------------------------------------------------------------------------------------------------

    /** Writes what is around the vectors, and copies what is elsewhere; returns the length of the image. */
    long write() {
        ObjectHeader header = new ObjectHeader();
        header.encoding = Encoding.ARROW;
        header.singleBatch = singleBatch;
        header.buffers = List.of(new Span(0, 0));
        int stream = (int) BatchMessage.align(8 + header.encode().length);
        ByteBuffer head = arena.bytes(0, StoreArena.HEAD_BYTES);
        head.position(stream);
        ByteBuffer first = TableWriter.schemaMessage(schema);
        need(head, 8 + first.remaining(), "the schema");
        TableWriter.putMessage(head, first, (int) BatchMessage.align(head.position() + 8 + first.remaining()));
        copies.forEach(message -> copy(message, head));
        long end = 0;
        for (int index = 0; index < placed.size(); index++) {
            Message message = placed.get(index);
            StoreArena.Part part = places.get(index);
            long body = index == 0 ? StoreArena.HEAD_BYTES : part.body;
            long[] offsets = offsets(message, part, body);
            end = index + 1 < places.size() ? places.get(index + 1).head : Math.max(part.end, body);
            ByteBuffer target = index == 0 ? head : arena.bytes(part.head, StoreArena.HEAD_BYTES);
            ByteBuffer metadata = BatchMessage.metadata(message.batch, offsets, end - body, message.dictionary);
            need(target, 8 + metadata.remaining(), "the metadata of " + message.name);
            TableWriter.putMessage(target, metadata, StoreArena.HEAD_BYTES);
        }
        TableWriter.putEnd(arena.bytes(end, 8));
        header.buffers = List.of(new Span(stream, end + 8 - stream));
        byte[] encoded = header.encode();
        head.position(0);
        head.putInt(encoded.length).putInt(0).put(encoded);
        TableWriter.fill(head, stream);
        return end + 8;
    }

    private static void need(ByteBuffer head, int bytes, String what) {
        if (bytes > head.remaining()) {
            throw new SerializationException(what + " takes " + bytes + " bytes, and the arena has room for "
                    + head.remaining() + " of " + StoreArena.HEAD_BYTES + ADVICE);
        }
    }

    /** Writes a message with its body into the head. */
    private void copy(Message message, ByteBuffer head) {
        List<ArrowBuf> buffers = message.batch.getBuffers();
        long[] offsets = BatchMessage.offsets(buffers);
        long size = offsets[buffers.size()];
        ByteBuffer metadata = BatchMessage.metadata(message.batch, offsets, size, message.dictionary);
        int body = (int) BatchMessage.align(head.position() + 8 + metadata.remaining());
        if (size > head.capacity() - body) {
            throw new SerializationException(message.name + " has " + size
                    + " bytes, too many to be copied, and no part of the arena to itself" + ADVICE);
        }
        TableWriter.putMessage(head, metadata, body);
        for (int index = 0; index < buffers.size(); index++) {
            ArrowBuf buffer = buffers.get(index);
            TableWriter.fill(head, body + (int) offsets[index]);
            int count = (int) buffer.readableBytes();
            TableWriter.copy(buffer, 0, head.slice(head.position(), count));
            head.position(head.position() + count);
            arena.copied(count);
        }
        TableWriter.fill(head, body + (int) size);
    }

    private long[] offsets(Message message, StoreArena.Part part, long body) {
        List<ArrowBuf> buffers = message.batch.getBuffers();
        long[] offsets = new long[buffers.size()];
        for (int index = 0; index < offsets.length; index++) {
            ArrowBuf buffer = buffers.get(index);
            if (buffer.readableBytes() > 0) {
                long offset = arena.offsetOf(buffer);
                offsets[index] = (offset >= 0 ? offset : arena.copyIn(buffer, part, message.name)) - body;
            }
        }
        return offsets;
    }
}
