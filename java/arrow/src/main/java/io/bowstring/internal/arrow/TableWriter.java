package io.bowstring.internal.arrow;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.ValueBuffer;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.util.MemoryUtil;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.VectorUnloader;
import org.apache.arrow.vector.compression.NoCompressionCodec;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.IpcOption;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.DictionaryUtility;
import org.jspecify.annotations.Nullable;

/**
 * Writes tables as Arrow IPC streams to where they belong (spec section 3.5): the metadata is laid out first, so that the
 * length is known, and then each buffer is copied once, to its place. Arrow's own writer copies through channels.
 */
public final class TableWriter {
    /** What each message of a stream begins with. */
    static final int CONTINUATION = 0xffffffff;
    private static final IpcOption OPTION = IpcOption.DEFAULT;

    private TableWriter() {}

    /** A message: its metadata, padded so that its body is aligned in the stream, and the buffers of its body. */
    private record Part(ByteBuffer metadata, int metadataSize, List<ArrowBuf> buffers, long[] offsets) {
        long bodyLength() {
            return buffers.isEmpty() ? 0 : offsets[buffers.size()];
        }
    }

    /** The value as a stream; the buffer is for one write, and must be written or dropped before the value changes. */
    public static ValueBuffer writer(ArrowValue value) {
        value.batches().forEach(RowCounts::check); // once more: they are the caller's
        List<Part> parts = new ArrayList<>();
        long[] at = {0};
        try {
            Set<Long> used = new LinkedHashSet<>();
            Schema schema = messageSchema(value, used);
            add(parts, at, MessageSerializer.serializeMetadata(schema, OPTION), List.of(), new long[1]);
            for (long id : used) {
                FieldVector vector = value.dictionaries().lookup(id).getVector();
                add(parts, at, new VectorSchemaRoot(
                        List.of(vector.getField()), List.of(vector), vector.getValueCount()), id);
            }
            for (VectorSchemaRoot root : value.batches()) {
                add(parts, at, root, null);
            }
        } catch (RuntimeException error) {
            throw new SerializationException("Arrow data can't be written: " + error.getMessage(), error);
        }
        return new StreamBuffer(parts, at[0] + 8);
    }

    /** The schema as it is written: dictionary-encoded fields by the type of their values. */
    static Schema messageSchema(ArrowValue value, Set<Long> used) {
        List<Field> fields = new ArrayList<>();
        for (Field field : value.schema().getFields()) {
            fields.add(DictionaryUtility.toMessageFormat(field, value.dictionaries(), used));
        }
        return new Schema(fields, value.schema().getCustomMetadata());
    }

    private static void add(List<Part> parts, long[] at, VectorSchemaRoot root, @Nullable Long dictionary) {
        try (ArrowRecordBatch batch = unload(root)) {
            List<ArrowBuf> buffers = List.copyOf(batch.getBuffers());
            long[] offsets = BatchMessage.offsets(buffers);
            ByteBuffer metadata = BatchMessage.metadata(batch, offsets, offsets[buffers.size()], dictionary);
            add(parts, at, metadata, buffers, offsets);
        }
    }

    private static void add(List<Part> parts, long[] at, ByteBuffer metadata, List<ArrowBuf> buffers, long[] offsets) {
        long body = BatchMessage.align(at[0] + 8 + metadata.remaining());
        Part part = new Part(metadata, Math.toIntExact(body - at[0] - 8), buffers, offsets);
        parts.add(part);
        at[0] = body + part.bodyLength();
    }

    static ArrowRecordBatch unload(VectorSchemaRoot root) {
        return new VectorUnloader(root, true, NoCompressionCodec.INSTANCE, true).getRecordBatch();
    }

    static ByteBuffer schemaMessage(Schema schema) {
        return MessageSerializer.serializeMetadata(schema, OPTION);
    }

    /** Writes the head of a message and its metadata, with zeros behind, so that the body starts at a place. */
    static void putMessage(ByteBuffer target, ByteBuffer metadata, int body) {
        target.putInt(CONTINUATION).putInt(body - target.position() - 4).put(metadata.duplicate());
        fill(target, body);
    }

    static void putEnd(ByteBuffer target) {
        target.putInt(CONTINUATION).putInt(0);
    }

    static void fill(ByteBuffer target, int end) {
        while (target.position() < end) {
            target.put((byte) 0);
        }
    }

    /**
     * Fills a target from a place among the readable bytes of a buffer. Arrow's own copy into direct memory works only in a
     * JVM that opens {@code java.nio}, which users need not do.
     */
    static void copy(ArrowBuf source, long from, ByteBuffer target) {
        long start = source.readerIndex() + from;
        int count = target.remaining();
        if (!target.isDirect()) {
            source.getBytes(start, target);
        } else if (count > 0) {
            source.checkBytes(start, start + count);
            MemoryUtil.copyMemory(source.memoryAddress() + start, Addresses.of(target), count);
            Reference.reachabilityFence(target);
        }
    }

    /** The buffers stay alive through the vectors that the value holds. */
    private record StreamBuffer(List<Part> parts, long length) implements ValueBuffer {
        @Override
        public void copyTo(ByteBuffer target) {
            target.order(ByteOrder.LITTLE_ENDIAN);
            for (Part part : parts) {
                int body = target.position() + 8 + part.metadataSize;
                putMessage(target, part.metadata, body);
                for (int i = 0; i < part.buffers.size(); i++) {
                    ArrowBuf buffer = part.buffers.get(i);
                    fill(target, body + Math.toIntExact(part.offsets[i]));
                    int count = Math.toIntExact(buffer.readableBytes());
                    copy(buffer, 0, target.slice(target.position(), count));
                    target.position(target.position() + count);
                }
                fill(target, body + Math.toIntExact(part.bodyLength()));
            }
            putEnd(target);
        }

        @Override
        public void copyTo(Pieces target, long start) {
            long at = start;
            for (Part part : parts) {
                int headSize = 8 + part.metadataSize;
                putMessage(target.piece(at, headSize), part.metadata, headSize);
                long body = at + headSize;
                long filled = 0;
                for (int i = 0; i < part.buffers.size(); i++) {
                    ArrowBuf buffer = part.buffers.get(i);
                    zero(target.piece(body + filled, part.offsets[i] - filled));
                    filled = part.offsets[i] + buffer.readableBytes();
                    for (long done = 0; done < buffer.readableBytes(); done += PIECE_BYTES_MAX) {
                        long count = Math.min(PIECE_BYTES_MAX, buffer.readableBytes() - done);
                        copy(buffer, done, target.piece(body + part.offsets[i] + done, count));
                    }
                }
                zero(target.piece(body + filled, part.bodyLength() - filled));
                at = body + part.bodyLength();
            }
            putEnd(target.piece(at, 8));
        }

        private static void zero(ByteBuffer gap) {
            gap.put(new byte[gap.remaining()]);
        }
    }
}
