package io.bowstring.internal.arrow;

import com.google.flatbuffers.FlatBufferBuilder;
import java.nio.ByteBuffer;
import java.util.List;
import org.apache.arrow.flatbuf.Buffer;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.FieldNode;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.vector.ipc.message.ArrowFieldNode;
import org.apache.arrow.vector.ipc.message.ArrowRecordBatch;
import org.jspecify.annotations.Nullable;

/**
 * Metadata of a batch whose buffers lie where we put them: Arrow's own writer knows only buffers one behind the other,
 * aligned to 8 bytes.
 */
final class BatchMessage {
    /** Alignment of buffers inside a stream (spec section 3.5). */
    static final int ALIGNMENT = 64;

    private BatchMessage() {}

    static long align(long at) {
        return (at + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** Where each buffer goes if they are laid out one behind the other, aligned; and the length of the whole, last. */
    static long[] offsets(List<ArrowBuf> buffers) {
        long[] offsets = new long[buffers.size() + 1];
        long at = 0;
        for (int i = 0; i < buffers.size(); i++) {
            offsets[i] = at;
            at = align(at + buffers.get(i).readableBytes());
        }
        offsets[buffers.size()] = at;
        return offsets;
    }

    /**
     * The message's metadata.
     *
     * @param offsets first byte of each buffer in the body
     * @param dictionary the dictionary whose values this batch is; null: a batch of the table
     */
    static ByteBuffer metadata(
            ArrowRecordBatch batch, long[] offsets, long bodyLength, @Nullable Long dictionary) {
        FlatBufferBuilder builder = new FlatBufferBuilder(1024);
        List<ArrowFieldNode> nodes = batch.getNodes();
        RecordBatch.startNodesVector(builder, nodes.size());
        for (int i = nodes.size() - 1; i >= 0; i--) {
            FieldNode.createFieldNode(builder, nodes.get(i).getLength(), nodes.get(i).getNullCount());
        }
        int nodesAt = builder.endVector();
        List<ArrowBuf> buffers = batch.getBuffers();
        RecordBatch.startBuffersVector(builder, buffers.size());
        for (int i = buffers.size() - 1; i >= 0; i--) {
            Buffer.createBuffer(builder, offsets[i], buffers.get(i).readableBytes());
        }
        int buffersAt = builder.endVector();
        List<Long> variadic = batch.getVariadicBufferCounts();
        int variadicAt = variadic == null || variadic.isEmpty() ? 0 : RecordBatch.createVariadicBufferCountsVector(
                builder, variadic.stream().mapToLong(Long::longValue).toArray());
        RecordBatch.startRecordBatch(builder);
        RecordBatch.addLength(builder, batch.getLength());
        RecordBatch.addNodes(builder, nodesAt);
        RecordBatch.addBuffers(builder, buffersAt);
        if (variadicAt != 0) {
            RecordBatch.addVariadicBufferCounts(builder, variadicAt);
        }
        int header = RecordBatch.endRecordBatch(builder);
        byte type = MessageHeader.RecordBatch;
        if (dictionary != null) {
            header = DictionaryBatch.createDictionaryBatch(builder, dictionary, header, false);
            type = MessageHeader.DictionaryBatch;
        }
        builder.finish(Message.createMessage(builder, MetadataVersion.V5, type, header, bodyLength, 0));
        return builder.dataBuffer();
    }
}
