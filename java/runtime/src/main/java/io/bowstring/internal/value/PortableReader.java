package io.bowstring.internal.value;

import io.bowstring.ElementType;
import io.bowstring.Tensor;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.FlatReader;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what {@link PortableWriter} and its kin in other languages write; bytes that are none are an error. */
final class PortableReader {
    private final ByteBuffer in;
    private final Payload.@Nullable Parts parts;
    private final References references;
    private final InnerTables tables = new InnerTables();
    private boolean views;

    private PortableReader(ByteBuffer in, Payload.@Nullable Parts parts, References references) {
        this.in = in.duplicate().order(ByteOrder.BIG_ENDIAN);
        this.parts = parts;
        this.references = references;
    }

    /**
     * Reads buffer 0 as one value.
     *
     * @param wanted what the value is wanted as, where that is known: bytes that are the whole value can be a buffer, which is
     *     a view if they are many, or an array
     */
    static @Nullable Object read(Payload.Parts parts, References references, @Nullable Class<?> wanted) {
        PortableReader reader = new PortableReader(parts.bytes(0), parts, references);
        boolean whole = false;
        try {
            Object value = reader.whole(wanted);
            if (reader.in.hasRemaining()) {
                throw broken("bytes follow the value");
            }
            whole = true;
            return value;
        } catch (BufferUnderflowException | IndexOutOfBoundsException | IllegalArgumentException
                | DateTimeException | ArithmeticException | ClassCastException | NullPointerException
                | InvalidArgumentException | ProtocolException error) {
            throw new SerializationException("a portable value is broken: " + error.getMessage(), error);
        } finally {
            if (!whole) {
                reader.tables.close();
            }
        }
    }

    private static BowstringException broken(String why) {
        return new SerializationException("a portable value is broken: " + why);
    }

    /** A value that stands alone, whose form says of which class it was (spec section 3.6, rule 10). */
    private @Nullable Object whole(@Nullable Class<?> wanted) {
        int head = in.hasRemaining() ? in.get(in.position()) & 0xff : 0;
        boolean maybeBuffer = wanted == null || wanted.isAssignableFrom(ByteBuffer.class);
        views = wanted != null && ByteBuffer.class.isAssignableFrom(wanted) || maybeBuffer && head == 0xc9;
        Object value = value(0);
        if (value instanceof Long number && head >= 0xd0 && head <= 0xd3) {
            return sized(number, 1 << head - 0xd0);
        } else if (value instanceof Double number && head == 0xca) {
            return number.floatValue();
        } else if (head == 0xd9 && value instanceof String text && text.length() == 1) {
            return text.charAt(0);
        } else if (value instanceof byte[] bytes && head == 0xc6 && maybeBuffer && bytes.length < 1 << 16) {
            return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
        }
        return value;
    }

    private static Number sized(long value, int bytes) {
        int shortest = PortableWriter.signedBytes(value);
        int width = bytes == shortest || bytes == 8 && shortest == 0 ? 8 : bytes == 8 ? shortest : bytes;
        return switch (width) {
            case 1 -> (byte) value;
            case 2 -> (short) value;
            case 4 -> (int) value;
            default -> value;
        };
    }

    private @Nullable Object value(int depth) {
        int head = in.get() & 0xff;
        if (head < 0x80) {
            return (long) head;
        } else if (head < 0x90) {
            return map(head & 15, depth);
        } else if (head < 0xa0) {
            return list(head & 15, depth);
        } else if (head < 0xc0) {
            return string(head & 31);
        } else if (head >= 0xe0) {
            return (long) (byte) head;
        }
        return switch (head) {
            case 0xc0 -> null;
            case 0xc2 -> false;
            case 0xc3 -> true;
            case 0xc4 -> bytes(in.get() & 0xff);
            case 0xc5 -> bytes(in.getShort() & 0xffff);
            case 0xc6 -> bytes(in.getInt() & 0xffffffffL);
            case 0xc7 -> extension(in.get() & 0xff);
            case 0xc8 -> extension(in.getShort() & 0xffff);
            case 0xc9 -> extension(in.getInt() & 0xffffffffL);
            case 0xca -> (double) in.getFloat();
            case 0xcb -> in.getDouble();
            case 0xcc -> (long) (in.get() & 0xff);
            case 0xcd -> (long) (in.getShort() & 0xffff);
            case 0xce -> in.getInt() & 0xffffffffL;
            case 0xcf -> unsigned(in.getLong());
            case 0xd0 -> (long) in.get();
            case 0xd1 -> (long) in.getShort();
            case 0xd2 -> (long) in.getInt();
            case 0xd3 -> in.getLong();
            case 0xd4 -> extension(1);
            case 0xd5 -> extension(2);
            case 0xd6 -> extension(4);
            case 0xd7 -> extension(8);
            case 0xd8 -> extension(16);
            case 0xd9 -> string(in.get() & 0xff);
            case 0xda -> string(in.getShort() & 0xffff);
            case 0xdb -> string(in.getInt() & 0xffffffffL);
            case 0xdc -> list(in.getShort() & 0xffff, depth);
            case 0xdd -> list(in.getInt() & 0xffffffffL, depth);
            case 0xde -> map(in.getShort() & 0xffff, depth);
            case 0xdf -> map(in.getInt() & 0xffffffffL, depth);
            default -> throw broken("the byte " + head + " starts no value");
        };
    }

    private static long unsigned(long value) {
        if (value < 0) {
            throw broken("an integer is beyond 64 bits with a sign");
        }
        return value;
    }

    private int room(long count) {
        if (count > in.remaining()) {
            throw broken(count + " elements or bytes in " + in.remaining() + " bytes");
        }
        return (int) count;
    }

    private byte[] bytes(long count) {
        byte[] bytes = new byte[room(count)];
        in.get(bytes);
        return bytes;
    }

    private String string(long count) {
        ByteBuffer part = in.slice(in.position(), room(count));
        in.position(in.position() + (int) count);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(part).toString();
        } catch (CharacterCodingException error) {
            throw broken("a string is not UTF-8");
        }
    }

    private int deeper(int depth) {
        views = false;
        if (depth >= PortableWriter.DEPTH_MAX) {
            throw broken("nested deeper than " + PortableWriter.DEPTH_MAX + " levels");
        }
        return depth + 1;
    }

    private List<@Nullable Object> list(long count, int depth) {
        int inner = deeper(depth);
        List<@Nullable Object> list = new ArrayList<>(room(count));
        for (long i = 0; i < count; i++) {
            list.add(value(inner));
        }
        return list;
    }

    private Map<Object, @Nullable Object> map(long count, int depth) {
        int inner = deeper(depth);
        room(2 * count);
        Map<Object, @Nullable Object> map = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            Object key = value(inner);
            if (!(key instanceof String || key instanceof Long)) {
                throw broken("a map's key is neither a string nor an integer");
            }
            if (map.containsKey(key)) {
                throw broken("a map has the key " + key + " twice");
            }
            map.put(key, value(inner));
        }
        return map;
    }

    private Object extension(long length) {
        int type = in.get();
        ByteBuffer data = in.slice(in.position(), room(length)).order(ByteOrder.BIG_ENDIAN);
        in.position(in.position() + (int) length);
        switch (type) {
            case PortableWriter.TIMESTAMP:
                return timestamp(data);
            case PortableWriter.REF: {
                if (length != WireRef.SIZE) {
                    throw broken("a reference of " + length + " bytes");
                }
                return references.readRef(WireRef.read(new FlatReader(copy(data), "ObjectRef"), 0), null);
            }
            case PortableWriter.HANDLE:
                return references.readHandle(WireHandle.decode(copy(data)));
            default:
                break;
        }
        PortableReader fields = new PortableReader(data, null, references);
        Object parsed = fields.value(PortableWriter.DEPTH_MAX - 4);
        if (!(parsed instanceof List<?> list) || list.isEmpty() || !(list.get(0) instanceof Long number)
                || parts == null || number < 1 || number >= parts.count()) {
            throw broken("an extension of type " + type + " names no buffer");
        }
        int place = number.intValue();
        return switch (type) {
            case PortableWriter.TENSOR -> {
                List<?> dimensions = (List<?>) list.get(2);
                long[] shape = dimensions.stream().mapToLong(each -> (Long) each).toArray();
                yield parts.tensor(place, ((Long) list.get(1)).intValue(), shape);
            }
            case PortableWriter.ARROW -> tables.keep(parts.table(place, (Boolean) list.get(1)));
            case PortableWriter.LIST -> longList(ElementType.of(((Long) list.get(1)).intValue()), parts.bytes(place));
            case PortableWriter.BYTES -> views ? parts.view(place).asReadOnlyBuffer() : copy(parts.bytes(place));
            default -> throw broken("the extension type " + type + " is unknown");
        };
    }

    private static byte[] copy(ByteBuffer data) {
        byte[] bytes = new byte[data.remaining()];
        data.get(data.position(), bytes);
        return bytes;
    }

    private static Instant timestamp(ByteBuffer data) {
        return switch (data.remaining()) {
            case 4 -> Instant.ofEpochSecond(data.getInt() & 0xffffffffL);
            case 8 -> {
                long both = data.getLong();
                yield instant(both & 0x3ffffffffL, both >>> 34);
            }
            case 12 -> {
                int nanos = data.getInt();
                yield instant(data.getLong(), nanos & 0xffffffffL);
            }
            default -> throw broken("a timestamp of " + data.remaining() + " bytes");
        };
    }

    private static Instant instant(long seconds, long nanos) {
        if (nanos >= 1_000_000_000L) {
            throw broken("a timestamp with " + nanos + " nanoseconds");
        }
        return Instant.ofEpochSecond(seconds, nanos);
    }

    private static List<Object> longList(ElementType element, ByteBuffer data) {
        if (data.remaining() % element.size() != 0) {
            throw broken("a long list of " + element + " in " + data.remaining() + " bytes");
        }
        ByteBuffer bytes = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int count = bytes.remaining() / element.size();
        List<Object> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(switch (element) {
                case INT64 -> bytes.getLong();
                case FLOAT64 -> bytes.getDouble();
                case BOOL -> bytes.get() != 0;
                default -> throw broken("a long list of " + element);
            });
        }
        return list;
    }
}
