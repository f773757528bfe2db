package fuzz;

import io.bowstring.arrow.ArrowValue;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.arrow.TableReader;
import io.bowstring.internal.value.Addresses;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Ones;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.References;
import io.bowstring.internal.value.ValueMemory;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.io.ByteArrayOutputStream;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.util.ValueVectorUtility;

/**
 * Java's decoders, each as a function of bytes, with the inputs and verdicts of Python's (targets.py): null if the decoder
 * raised the error that the spec allows it, else canonical bytes of what it read. Whatever else is thrown is a finding.
 */
final class Targets {
    static final byte[] PASSED_OVER = {};
    private static final int TAG_BYTES = 4;
    private static final int[] ENCODINGS = {Encoding.ARROW, Encoding.TENSOR, Encoding.BYTES, Encoding.PORTABLE};

    /** One decoder. */
    @FunctionalInterface
    interface Target {
        byte[] run(byte[] data) throws Throwable;
    }

    static final Map<String, Target> BY_NAME = Map.of(
            "frames", Targets::frames, "messages", Targets::message, "values", Targets::value, "arrow", Targets::arrow,
            "errors", Targets::error);

    /** A decoder read something, and what it then did with it breaks the spec. */
    static final class Finding extends AssertionError {
        private static final long serialVersionUID = 1;

        Finding(String what) {
            super(what);
        }
    }

    // Frames ---------------------------------------------------------------------------------------------------------

    private static byte[] frames(byte[] data) {
        if (data.length == 0) {
            return PASSED_OVER;
        }
        int head = data[0] & 0xff;
        byte[] whole = cut(data, (head & 1) != 0, Math.max(1, data.length - 1));
        if (!Arrays.equals(whole, cut(data, (head & 1) != 0, (head >> 1) + 1))) {
            throw new Finding("in pieces the bytes are other frames than as a whole");
        }
        return whole;
    }

    private static byte[] cut(byte[] data, boolean handshakeDone, int step) {
        FrameParser parser = new FrameParser();
        if (handshakeDone) {
            parser.handshakeDone();
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            int at = 1;
            while (at < data.length) {
                ByteBuffer space = parser.space();
                int count = Math.min(Math.min(step, space.remaining()), data.length - at);
                if (count == 0) {
                    throw new Finding("a parser that has no room");
                }
                space.put(data, at, count);
                at += count;
                for (Frame frame = parser.next(); frame != null; frame = parser.next()) {
                    out.write('F');
                    out.writeBytes(ByteBuffer.allocate(10).order(ByteOrder.LITTLE_ENDIAN).putShort((short) frame.type())
                            .putInt(frame.metadata().length).putInt(frame.body().length).array());
                    out.writeBytes(frame.metadata());
                    out.writeBytes(frame.body());
                }
            }
        } catch (ProtocolException error) {
            out.write('E');
            return out.toByteArray();
        }
        out.write('.');
        return out.toByteArray();
    }

    // Messages -------------------------------------------------------------------------------------------------------

    private static final Map<Integer, MethodHandle> DECODERS = new HashMap<>();

    /** Takes the names of the schema's tables: a class cannot be asked what else is in its package. */
    static void useTables(Iterable<String> names) throws ReflectiveOperationException {
        for (String name : names) {
            CRC32 tag = new CRC32();
            tag.update(name.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
            String known = name.equals("ActorHandle") ? "WireHandle" : name;
            Class<?> kind = Class.forName("io.bowstring.internal.wire." + known);
            DECODERS.put((int) tag.getValue(), MethodHandles.publicLookup()
                    .findStatic(kind, "decode", MethodType.methodType(kind, byte[].class))
                    .asType(MethodType.methodType(Table.class, byte[].class)));
        }
    }

    private static byte[] message(byte[] data) throws Throwable {
        if (data.length < TAG_BYTES) {
            return PASSED_OVER;
        }
        MethodHandle decoder = DECODERS.get(ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN).getInt());
        if (decoder == null) {
            return PASSED_OVER;
        }
        byte[] canonical;
        try {
            canonical = ((Table) decoder.invokeExact(Arrays.copyOfRange(data, TAG_BYTES, data.length))).encode();
        } catch (ProtocolException error) {
            return null;
        }
        if (!Arrays.equals(canonical, ((Table) decoder.invokeExact(canonical)).encode())) {
            throw new Finding("a message has two canonical layouts");
        }
        return canonical;
    }

    // Values ---------------------------------------------------------------------------------------------------------

    /** References and handles stay what they are on the wire. */
    private static final References AS_THEY_ARE = new References() {
        @Override
        public WireRef refOf(Object value) {
            return value instanceof WireRef ref ? ref : null;
        }

        @Override
        public WireHandle handleOf(Object value) {
            return value instanceof WireHandle handle ? handle : null;
        }

        @Override
        public Class<?> typeOf(Object reference) {
            return null;
        }

        @Override
        public Object readRef(WireRef ref, Class<?> type) {
            return ref;
        }

        @Override
        public Object readHandle(WireHandle handle) {
            return handle;
        }
    };

    private static byte[] value(byte[] data) throws Throwable {
        if (data.length == 0) {
            return PASSED_OVER;
        }
        int head = data[0] & 0xff;
        int encoding = ENCODINGS[(head >> 1) % ENCODINGS.length];
        int layout = (head & 1) != 0 ? Layout.IMAGE : Layout.COMPACT;
        long before = allocated();
        byte[] written = read(Payload.inBody(encoding, layout, data, 1, data.length - 1));
        if (allocated() != before) {
            throw new Finding("reading and closing a value left " + (allocated() - before) + " bytes allocated");
        }
        return written;
    }

    private static byte[] read(Payload payload) throws Exception {
        Object value;
        try {
            value = Values.decode(payload, AS_THEY_ARE, Targets.class.getClassLoader());
        } catch (ProtocolException | SerializationException error) {
            return null;
        }
        try {
            return isSound(value) ? bytes(Values.encodePortable(value, AS_THEY_ARE).inline()) : PASSED_OVER;
        } finally {
            close(value);
        }
    }

    /** Whether all tables in a value can be looked into: what a column's offsets say is looked at by who uses it. */
    private static boolean isSound(Object value) {
        try {
            if (value instanceof ArrowValue table) {
                table.batches().forEach(ValueVectorUtility::validateFull);
                for (long id : table.dictionaries().getDictionaryIds()) {
                    ValueVectorUtility.validateFull(table.dictionaries().lookup(id).getVector());
                }
            } else if (value instanceof Iterable<?> items) {
                for (Object item : items) {
                    if (!isSound(item)) {
                        return false;
                    }
                }
            } else if (value instanceof Map<?, ?> map) {
                return isSound(map.values());
            }
            return true;
        } catch (RuntimeException unsound) {
            return false;
        }
    }

    private static byte[] bytes(Payload payload) {
        ByteBuffer data = payload.data().duplicate();
        ByteBuffer out = ByteBuffer.allocate(2 + data.remaining());
        out.put((byte) payload.encoding()).put((byte) payload.layout()).put(data);
        return out.array();
    }

    // Arrow ----------------------------------------------------------------------------------------------------------

    private static byte[] arrow(byte[] data) throws Throwable {
        if (data.length == 0) {
            return PASSED_OVER;
        }
        boolean single = (data[0] & 1) != 0;
        long before = allocated();
        ByteBuffer stream = ByteBuffer.allocateDirect(data.length - 1).put(data, 1, data.length - 1).flip()
                .order(ByteOrder.LITTLE_ENDIAN);
        byte[] whole = rewritten(() -> TableReader.read(stream, single));
        byte[] byAddress = rewritten(() -> TableReader.read(
                new ValueMemory.Range(Addresses.of(stream), data.length - 1, stream), single, Ones.NONE, () -> {}));
        // Not byte by byte: what lies behind the last row of a column is whatever was in its memory.
        if ((whole == null) != (byAddress == null) || whole != null && whole.length != byAddress.length) {
            throw new Finding("a stream that is read by its address is not what it is when read as a buffer");
        }
        if (allocated() != before) {
            throw new Finding("reading and closing a stream left " + (allocated() - before) + " bytes allocated");
        }
        return whole;
    }

    private interface Reading {
        ArrowValue read() throws Exception;
    }

    private static byte[] rewritten(Reading reading) throws Exception {
        ArrowValue value;
        try {
            value = reading.read();
        } catch (SerializationException error) {
            return null;
        }
        try {
            return isSound(value) ? bytes(Values.encodePortable(value, AS_THEY_ARE).inline()) : PASSED_OVER;
        } finally {
            value.close();
        }
    }

    /** What the library's allocator holds; it says so to itself alone. */
    private static long allocated() throws ReflectiveOperationException {
        Class<?> holder = Class.forName("io.bowstring.internal.arrow.TableReader$Allocator");
        var root = holder.getDeclaredField("ROOT");
        root.setAccessible(true);
        return ((BufferAllocator) root.get(null)).getAllocatedMemory();
    }

    private static void close(Object value) throws Exception {
        if (value instanceof AutoCloseable closeable) {
            closeable.close();
        } else if (value instanceof Iterable<?> items) {
            for (Object item : items) {
                close(item);
            }
        } else if (value instanceof Map<?, ?> map) {
            close(map.values());
        }
    }

    // Errors ---------------------------------------------------------------------------------------------------------

    private static byte[] error(byte[] data) {
        ErrorRecord record;
        try {
            record = ErrorRecord.decode(data);
        } catch (ProtocolException error) {
            return null;
        }
        byte[] canonical = record.encode();
        // Its native form is never read here: to make objects is what a serialized stream is for.
        record.nativeForm = record.language == Language.JAVA && record.nativeForm.length > 0 ? new byte[] {1, 2} : new byte[0];
        BowstringException error = ErrorRecords.exception(record);
        ErrorRecords.of(ErrorRecords.again(error)).encode();
        error.toString();
        return canonical;
    }

    private Targets() {}
}
