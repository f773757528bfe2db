package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.CrossLanguageException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorRecord;
import java.lang.reflect.Array;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Chooses the encoding of a value (spec section 3.2) and reads every encoding that Java can. */
public final class Values {
    /** Encodes for a reader in Java, or for one that is not known yet. */
    public static EncodedValue encode(@Nullable Object value, References references) {
        EncodedValue common;
        try {
            common = encodeCommon(value, references);
        } catch (CrossLanguageException noUtf8) {
            common = null; // a string that Java alone can hold; another language that asks for it is told so
        }
        return common != null ? common : JavaStreams.write(value, references);
    }

    /**
     * Encodes for a reader in another language.
     *
     * @throws io.bowstring.errors.CrossLanguageException naming the path of the part that can't cross
     */
    public static EncodedValue encodePortable(@Nullable Object value, References references) {
        EncodedValue common = encodeCommon(value, references);
        return common != null ? common : new PortableWriter(references).write(value, Encoding.PORTABLE);
    }

    /**
     * Encodes an argument of a call; errors name it.
     *
     * @param index its place among the arguments
     * @param portable whether another language reads it
     */
    public static EncodedValue encodeArgument(
            @Nullable Object value, int index, boolean portable, References references) {
        try {
            return portable ? encodePortable(value, references) : encode(value, references);
        } catch (CrossLanguageException error) {
            throw new CrossLanguageException(placed(index, error));
        } catch (SerializationException error) {
            throw new SerializationException(placed(index, error), error.getCause());
        }
    }

    private static String placed(int index, BowstringException error) {
        String message = error.details().message();
        return "$.args[" + index + "]" + (message.startsWith("$") ? message.substring(1) : ": " + message);
    }

    /** The encodings that every reader reads and that keep the value's type well enough. */
    private static @Nullable EncodedValue encodeCommon(@Nullable Object value, References references) {
        if (value == null || value instanceof String || value instanceof Number && isBoxed((Number) value)
                || value instanceof Boolean || value instanceof Character || value instanceof byte[]
                || value instanceof ByteBuffer || value instanceof Instant) {
            return new PortableWriter(references).write(value, Encoding.PORTABLE);
        }
        ElementType element = PrimitiveArrays.element(value);
        if (element != null) {
            return EncodedValue.array(
                    element.number(), Array.getLength(value), PrimitiveArrays.buffer(value, element));
        }
        if (value instanceof Tensor tensor) {
            return EncodedValue.tensor(
                    tensor.element().number(), tensor.shape(), ValueBuffer.of(tensor.buffer()));
        }
        TableFormat.Table table = TableFormat.FOUND.tableOf(value);
        if (table != null) {
            return EncodedValue.arrow(table.stream(), table.singleBatch());
        }
        if (references.refOf(value) != null || references.handleOf(value) != null) {
            return new PortableWriter(references).write(value, Encoding.PORTABLE);
        }
        return null;
    }

    private static boolean isBoxed(Number value) {
        return value instanceof Long || value instanceof Integer || value instanceof Double || value instanceof Float
                || value instanceof Short || value instanceof Byte;
    }

    /**
     * Reads a value.
     *
     * @throws BowstringException the error, if the value is one; or SerializationException if it can't be read
     */
    public static @Nullable Object decode(Payload payload, References references, ClassLoader loader) {
        return decode(payload, references, loader, null);
    }

    /**
     * The same for a class that is wanted, where it is known. Nothing is converted to it; it says whether bytes and arrays
     * that are the whole value are read as views or as arrays.
     */
    public static @Nullable Object decode(
            Payload payload, References references, ClassLoader loader, @Nullable Class<?> wanted) {
        if (payload.encoding() == Encoding.PYTHON) {
            throw new CrossLanguageException("a Python value came to Java without being transcoded");
        }
        Payload.Parts parts = parts(payload);
        return switch (payload.encoding()) {
            case Encoding.PORTABLE -> PortableReader.read(parts, references, wanted);
            case Encoding.JAVA -> JavaStreams.read(parts, references, loader);
            case Encoding.TENSOR -> tensor(parts, wanted);
            case Encoding.ARROW -> parts.table(0, parts.header().singleBatch);
            case Encoding.BYTES -> wanted != null && ByteBuffer.class.isAssignableFrom(wanted)
                    ? parts.view(0).asReadOnlyBuffer() : copy(parts.bytes(0));
            case Encoding.ERROR -> throw ErrorRecords.exception(record(copy(parts.bytes(0))), loader);
            default -> throw new SerializationException("a value's encoding " + payload.encoding() + " is unknown");
        };
    }

    private static byte[] copy(ByteBuffer data) {
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        return bytes;
    }

    // What the payload says of itself is the peer's word: if it is wrong the value can't be read (spec 3.1, rule 4), which
    // is no fault of the caller's arguments, and none of the connection's.

    private static Payload.Parts parts(Payload payload) {
        try {
            return payload.parts();
        } catch (ProtocolException error) {
            throw new SerializationException("a value is broken: " + error.getMessage(), error);
        }
    }

    private static ErrorRecord record(byte[] bytes) {
        try {
            return ErrorRecord.decode(bytes);
        } catch (ProtocolException error) {
            throw new SerializationException("an error is broken: " + error.getMessage(), error);
        }
    }

    /** A tensor over its elements, or what was an array as one, unless it is wanted as something else. */
    private static Object tensor(Payload.Parts parts, @Nullable Class<?> wanted) {
        try {
            Tensor tensor = parts.tensor(0, parts.header().element, parts.header().shape);
            Class<?> array = parts.header().plainArray ? PrimitiveArrays.arrayOf(tensor) : null;
            if (array == null || wanted != null && !wanted.isAssignableFrom(array)) {
                return tensor;
            }
            try (tensor) {
                return Objects.requireNonNull(Conversions.array(tensor, array.getComponentType()));
            }
        } catch (IllegalArgumentException | InvalidArgumentException error) {
            throw new SerializationException("a tensor is broken: " + error.getMessage(), error);
        } catch (RuntimeException error) {
            throw JavaStreams.unreadable(error);
        }
    }

    private Values() {}
}
