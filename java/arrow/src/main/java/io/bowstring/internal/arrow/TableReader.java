package io.bowstring.internal.arrow;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.ValueMemory;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.Decimal;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Union;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.util.AutoCloseables;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorLoader;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.compression.NoCompressionCodec;
import org.apache.arrow.vector.dictionary.Dictionary;
import org.apache.arrow.vector.dictionary.DictionaryProvider.MapDictionaryProvider;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.apache.arrow.vector.ipc.message.MessageSerializer;
import org.apache.arrow.vector.types.pojo.Field;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.DictionaryUtility;
import org.apache.arrow.vector.util.VectorAppender;
import org.jspecify.annotations.Nullable;

/**
 * Reads Arrow IPC streams where they lie (spec section 3.5): the memory is wrapped as a foreign allocation, and vectors are
 * loaded on slices of it. Arrow's own reader copies through channels.
 */
public final class TableReader {
    /** Of columns in columns; Arrow's other libraries read no more either. */
    private static final int DEPTH_MAX = 64;
    /** What a column takes in a schema at least. */
    private static final int FIELD_BYTES_MIN = 8;

    /** The allocator of everything that is read, made at first use. */
    private static final class Allocator {
        static final BufferAllocator ROOT = new RootAllocator();
    }

    private final ArrowBuf memory;
    private final long length;
    private final Ones ones;
    private final List<AutoCloseable> owned;
    private long at;

    private TableReader(ArrowBuf memory, Ones ones, List<AutoCloseable> owned) {
        this.memory = memory;
        this.ones = ones;
        this.length = memory.writerIndex();
        this.owned = owned;
    }

    /** Reads a stream. Direct memory is wrapped, and held until the value is closed; memory on the heap is copied. */
    public static ArrowValue read(ByteBuffer stream, boolean singleBatch) {
        return read(stream, singleBatch, Ones.NONE, () -> {});
    }

    /**
     * The same.
     *
     * @param ones for the bitmaps of columns without nulls
     * @param release lets go of the memory once the value is closed, and every vector that was taken out of it
     */
    public static ArrowValue read(ByteBuffer stream, boolean singleBatch, Ones ones, Runnable release) {
        return read(wrap(stream, release), singleBatch, ones);
    }

    /** The same for a stream of any length. */
    public static ArrowValue read(ValueMemory.Range stream, boolean singleBatch, Ones ones, Runnable release) {
        return read(
                ReadOnlyMemory.buffer(
                        Allocator.ROOT, stream.address(), stream.length(), new Mapped(stream.keeper(), release)),
                singleBatch,
                ones);
    }

    private static ArrowValue read(ArrowBuf memory, boolean singleBatch, Ones ones) {
        List<AutoCloseable> owned = new ArrayList<>();
        owned.add(memory);
        try {
            return new TableReader(memory, ones, owned).read(singleBatch);
        } catch (IOException | RuntimeException error) {
            close(owned);
            throw new SerializationException("an Arrow stream can't be read: " + error.getMessage(), error);
        }
    }

    /** The stream as a buffer that can't be written, and that calls {@code release} when nothing refers to it. */
    private static ArrowBuf wrap(ByteBuffer stream, Runnable release) {
        if (!stream.isDirect()) {
            ArrowBuf memory = Allocator.ROOT.buffer(Math.max(stream.remaining(), 1));
            memory.setBytes(0, stream.duplicate());
            return ReadOnlyMemory.buffer(Allocator.ROOT, memory.memoryAddress(), stream.remaining(), () -> {
                memory.close();
                release.run();
            });
        }
        return ReadOnlyMemory.buffer(Allocator.ROOT, Addresses.of(stream), stream.remaining(), new Mapped(stream, release));
    }

    /** Keeps the mapping while a buffer over it is referenced. */
    private record Mapped(Object memory, Runnable release) implements Runnable {
        @Override
        public void run() {
            release.run();
            Reference.reachabilityFence(memory);
        }
    }

    private static void close(List<AutoCloseable> owned) {
        List<AutoCloseable> reversed = new ArrayList<>(owned);
        java.util.Collections.reverse(reversed);
        AutoCloseables.closeNoChecked(() -> AutoCloseables.close(reversed));
    }

    private ArrowValue read(boolean singleBatch) throws IOException {
        Message first = next();
        if (first == null || first.headerType() != MessageHeader.Schema) {
            throw new IOException("it does not start with a schema");
        }
        checkSchema(first);
        Schema written = MessageSerializer.deserializeSchema(first);
        Map<Long, Dictionary> dictionaries = new HashMap<>();
        List<Field> fields = new ArrayList<>();
        for (Field field : written.getFields()) {
            fields.add(DictionaryUtility.toMemoryFormat(field, Allocator.ROOT, dictionaries));
        }
        dictionaries.values().forEach(dictionary -> owned.add(dictionary.getVector()));
        Schema schema = new Schema(fields, written.getCustomMetadata());
        List<VectorSchemaRoot> batches = new ArrayList<>();
        for (Message message; (message = next()) != null; ) {
            long body = body(message);
            if (message.headerType() == MessageHeader.RecordBatch) {
                VectorSchemaRoot root = VectorSchemaRoot.create(schema, Allocator.ROOT);
                owned.add(root);
                batches.add(root);
                try (ArrowRecordBatch batch =
                        batch((RecordBatch) message.header(new RecordBatch()), body, schema.getFields())) {
                    load(root, batch);
                }
            } else if (message.headerType() == MessageHeader.DictionaryBatch) {
                load((DictionaryBatch) message.header(new DictionaryBatch()), body, dictionaries);
            } else {
                throw new IOException("a message of type " + message.headerType());
            }
        }
        MapDictionaryProvider provider = new MapDictionaryProvider();
        dictionaries.values().forEach(provider::put);
        if (batches.isEmpty()) {
            VectorSchemaRoot empty = VectorSchemaRoot.create(schema, Allocator.ROOT);
            empty.setRowCount(0);
            owned.add(empty);
            batches.add(empty);
        }
        List<AutoCloseable> all = owned;
        return ArrowValue.view(schema, batches, provider, singleBatch, () -> close(all));
    }

    /**
     * Refuses schemas that Arrow's library for Java does not read, or not in time: it has no vectors for some types, and
     * does not say of which column; and it follows columns inside columns wherever they lead, even to themselves.
     */
    private static void checkSchema(Message message) throws IOException {
        org.apache.arrow.flatbuf.Schema schema = (org.apache.arrow.flatbuf.Schema)
                message.header(new org.apache.arrow.flatbuf.Schema());
        int[] left = {message.getByteBuffer().capacity() / FIELD_BYTES_MIN};
        for (int i = 0; schema != null && i < schema.fieldsLength(); i++) {
            checkField(schema.fields(i), schema.fields(i).name(), DEPTH_MAX, left);
        }
    }

    private static void checkField(org.apache.arrow.flatbuf.Field field, @Nullable String path, int depth, int[] left)
            throws IOException {
        if (depth == 0 || --left[0] < 0) {
            throw new IOException(depth == 0 ? "columns in columns deeper than " + DEPTH_MAX
                    : "a schema of more columns than its message has room for");
        }
        if (field.typeType() == Type.Decimal) {
            int bits = ((Decimal) field.type(new Decimal())).bitWidth();
            if (bits != 128 && bits != 256) {
                throw new IOException("the column " + path + " is a decimal of " + bits + " bits, which Arrow for Java"
                        + " does not read; cast it to decimal128 before it is put");
            }
        }
        if (field.typeType() == Type.Union) {
            int numbers = ((Union) field.type(new Union())).typeIdsLength();
            if (numbers > field.getByteBuffer().capacity() / 4) {
                throw new IOException("the union " + path + " of " + numbers + " types, which its message has no room for");
            }
        }
        for (int i = 0; i < field.childrenLength(); i++) {
            checkField(field.children(i), path + "." + field.children(i).name(), depth - 1, left);
        }
    }

    /** The batch, each buffer a part of the memory. */
    private ArrowRecordBatch batch(@Nullable RecordBatch header, long body, List<Field> fields)
            throws IOException {
        if (header == null || header.compression() != null) {
            throw new IOException(header == null ? "a message without a batch" : "a batch is compressed");
        }
        // Arrow's tables check places when they are used, and lists are made before that.
        int room = header.getByteBuffer().capacity();
        if (header.nodesLength() > room / 16 || header.buffersLength() > room / 16
                || header.variadicBufferCountsLength() > room / 8) {
            throw new IOException("a batch of more columns than its message has room for");
        }
        List<ArrowFieldNode> nodes = new ArrayList<>(header.nodesLength());
        for (int i = 0; i < header.nodesLength(); i++) {
            nodes.add(new ArrowFieldNode(header.nodes(i).length(), header.nodes(i).nullCount()));
        }
        List<Long> variadic = new ArrayList<>(header.variadicBufferCountsLength());
        for (int i = 0; i < header.variadicBufferCountsLength(); i++) {
            variadic.add(header.variadicBufferCounts(i));
        }
        checkPlaces(header, at - body);
        new BatchRoom(nodes, variadic, buffersOf(header, body), at - body).check(fields, header.length());
        List<ArrowBuf> buffers = new ArrayList<>(header.buffersLength());
        try {
            for (int i = 0; i < header.buffersLength(); i++) {
                buffers.add(part(body + header.buffers(i).offset(), header.buffers(i).length()));
            }
            return new ArrowRecordBatch(Math.toIntExact(header.length()), nodes, buffers,
                    NoCompressionCodec.DEFAULT_BODY_COMPRESSION, variadic, true, false);
        } catch (RuntimeException error) {
            buffers.forEach(ArrowBuf::close);
            throw error;
        }
    }

    private static void checkPlaces(RecordBatch header, long bodySize) throws IOException {
        for (int i = 0; i < header.buffersLength(); i++) {
            Buffer buffer = header.buffers(i);
            long size = buffer.length();
            if (buffer.offset() < 0 || size < 0 || size > bodySize || buffer.offset() > bodySize - size) {
                throw new IOException("a buffer of " + size + " bytes at " + buffer.offset()
                        + " lies outside of its body");
            }
        }
    }

    private BatchRoom.Buffers buffersOf(RecordBatch header, long body) {
        return new BatchRoom.Buffers() {
            @Override
            public int count() {
                return header.buffersLength();
            }

            @Override
            public long size(int buffer) {
                return header.buffers(buffer).length();
            }

            @Override
            public long integer(int buffer, long place, int bits) {
                ByteBuffer bytes = ByteBuffer.wrap(bytes(body + header.buffers(buffer).offset() + place, bits / 8))
                        .order(ByteOrder.LITTLE_ENDIAN);
                return bits == 64 ? bytes.getLong() : bytes.getInt();
            }
        };
    }

    private void load(@Nullable DictionaryBatch header, long body, Map<Long, Dictionary> dictionaries)
            throws IOException {
        Dictionary dictionary = header == null ? null : dictionaries.get(header.id());
        if (header == null || dictionary == null) {
            throw new IOException("a dictionary batch that no column names");
        }
        FieldVector known = dictionary.getVector();
        try (ArrowRecordBatch batch = batch(header.data(), body, List.of(known.getField()))) {
            if (!header.isDelta()) {
                load(known, batch);
                return;
            }
            // What an earlier batch brought can't be written: both are copied into one of this process's own.
            try (FieldVector more = known.getField().createVector(Allocator.ROOT);
                    FieldVector joined = known.getField().createVector(Allocator.ROOT)) {
                load(more, batch);
                joined.allocateNew();
                VectorAppender appender = new VectorAppender(joined);
                known.accept(appender, null);
                more.accept(appender, null);
                joined.makeTransferPair(known).transfer();
            }
        }
    }

    private void load(FieldVector vector, ArrowRecordBatch batch) {
        load(new VectorSchemaRoot(List.of(vector.getField()), List.of(vector), 0), batch);
    }

    private void load(VectorSchemaRoot root, ArrowRecordBatch batch) {
        try (ArrowRecordBatch shared = Validity.share(batch, root.getSchema(), Allocator.ROOT, ones)) {
            new VectorLoader(root).load(shared);
        }
    }

    /** The next message; null at the end. Its body follows at {@link #at}. */
    private @Nullable Message next() throws IOException {
        if (at + 4 > length) {
            return null;
        }
        int size = integer();
        if (size == TableWriter.CONTINUATION) {
            if (at + 4 > length) {
                throw new IOException("it ends inside a message");
            }
            size = integer();
        }
        if (size == 0) {
            return null;
        }
        if (size < 0 || size > length - at) {
            throw new IOException("a message of " + size + " bytes at " + at + ", in " + length);
        }
        byte[] metadata = bytes(at, size);
        at += size;
        try {
            return Message.getRootAsMessage(ByteBuffer.wrap(metadata).order(ByteOrder.LITTLE_ENDIAN));
        } catch (IndexOutOfBoundsException error) {
            throw new IOException("a message is broken", error);
        }
    }

    private byte[] bytes(long place, int count) {
        byte[] bytes = new byte[count];
        memory.getBytes(place, bytes);
        return bytes;
    }

    /** A part of the memory, which is the caller's to release. */
    private ArrowBuf part(long place, long size) {
        ArrowBuf part = memory.slice(place, size);
        part.getReferenceManager().retain();
        return part;
    }

    private int integer() {
        int value = ByteBuffer.wrap(bytes(at, 4)).order(ByteOrder.LITTLE_ENDIAN).getInt();
        at += 4;
        return value;
    }

    /** Where the message's body starts; {@link #at} is its end. */
    private long body(Message message) throws IOException {
        long size = message.bodyLength();
        if (size < 0 || size > length - at) {
            throw new IOException("a body of " + size + " bytes at " + at + ", in " + length);
        }
        long start = at;
        at += size;
        return start;
    }
}
