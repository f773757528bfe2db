package io.bowstring.internal.value;

import io.bowstring.Tensor;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.SerializationException;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.FlatReader;
import io.bowstring.internal.wire.FlatWriter;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.OutputStream;
import java.io.Serializable;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Java serialization (spec section 3.8) with the runtime's own objects taken out of the stream: references and handles as
 * they travel, tensors and Arrow data as buffers of the image, so that they are still read without a copy.
 */
public final class JavaStreams {
    private static final String OWN = JavaStreams.class.getName() + "$";

    private record SerializedRef(byte[] bytes, @Nullable Class<?> type) implements Serializable {}

    private record SerializedHandle(byte[] bytes) implements Serializable {}

    private record SerializedTensor(int buffer, int element, long[] shape) implements Serializable {}

    private record SerializedArrow(int buffer, boolean singleBatch) implements Serializable {}

    /** Writes any serializable value. */
    static EncodedValue write(@Nullable Object value, References references) {
        List<ValueBuffer> buffers = new ArrayList<>();
        List<Object> held = new ArrayList<>();
        buffers.add(ValueBuffer.of(ByteBuffer.allocate(0))); // the place of buffer 0, which is written last
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
        try (ObjectOutputStream out = new Writer(bytes, references, buffers, held)) {
            out.writeObject(value);
        } catch (NotSerializableException error) {
            String name = String.valueOf(error.getMessage());
            ValuePath path = StreamSearch.ofClass(value, name, each -> isTakenOut(each, references));
            throw new SerializationException(path + ": an object of " + name
                    + ", which is not serializable; let its class implement java.io.Serializable", error);
        } catch (IOException error) {
            throw new SerializationException("$: a value can't be serialized: " + error.getMessage(), error);
        } catch (StackOverflowError error) {
            int depth = StreamSearch.depth(value, each -> isTakenOut(each, references));
            throw new SerializationException("$: nested " + depth + " levels deep, " + TOO_DEEP, error);
        }
        buffers.set(0, ValueBuffer.of(ByteBuffer.wrap(bytes.toByteArray())));
        return new EncodedValue(Encoding.JAVA, buffers, held);
    }

    private static final String TOO_DEEP = "and Java's serialization needs some of the stack for each: in a thread with the"
            + " default stack, a few hundred levels are safe (across languages the limit is " + PortableWriter.DEPTH_MAX
            + "); write what is deep as a flat list";

    private static boolean isTakenOut(Object value, References references) {
        return value instanceof Tensor || TableFormat.FOUND.tableOf(value) != null || references.refOf(value) != null
                || references.handleOf(value) != null;
    }

    /** Reads what {@link #write} wrote, with the classes that a loader knows. */
    static @Nullable Object read(Payload.Parts parts, References references, ClassLoader loader) {
        InnerTables tables = new InnerTables();
        boolean whole = false;
        try (ObjectInputStream in =
                new Reader(new BufferStream(parts.bytes(0)), parts, references, loader, tables)) {
            Object value = in.readObject();
            whole = true;
            return value;
        } catch (ClassNotFoundException error) {
            throw new SerializationException("a value is of the class " + error.getMessage()
                    + ", which is not on this process's class path", error);
        } catch (IOException | ClassCastException | IndexOutOfBoundsException error) {
            throw new SerializationException("a value can't be deserialized: " + error, error);
        } catch (StackOverflowError error) {
            throw new SerializationException("a value can't be deserialized: it is nested too deep, " + TOO_DEEP, error);
        } finally {
            if (!whole) {
                tables.close();
            }
        }
    }

    /** An exception as bytes, or none if it can't be serialized. */
    public static byte[] throwable(Throwable error) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(2048);
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(error);
        } catch (IOException | RuntimeException | StackOverflowError unserializable) {
            return new byte[0]; // the record says all that is needed (spec chapter 7, rule 2)
        }
        return bytes.toByteArray();
    }

    /** The exception that {@link #throwable} wrote, or null if it can't be read here. */
    static @Nullable Throwable throwable(byte[] bytes, ClassLoader loader) {
        try (ObjectInputStream in = new Reader(
                new BufferStream(ByteBuffer.wrap(bytes)), null, null, loader, new InnerTables())) {
            return in.readObject() instanceof Throwable error ? error : null;
        } catch (IOException | ClassNotFoundException | RuntimeException | LinkageError | StackOverflowError unreadable) {
            return null;
        }
    }

    private static final class Writer extends ObjectOutputStream {
        private final References references;
        private final List<ValueBuffer> buffers;
        private final List<Object> held;

        Writer(OutputStream out, References references, List<ValueBuffer> buffers, List<Object> held)
                throws IOException {
            super(out);
            this.references = references;
            this.buffers = buffers;
            this.held = held;
            enableReplaceObject(true);
        }

        @Override
        protected Object replaceObject(Object value) {
            if (value instanceof Tensor tensor) {
                buffers.add(ValueBuffer.of(tensor.buffer()));
                return new SerializedTensor(buffers.size() - 1, tensor.element().number(), tensor.shape());
            }
            TableFormat.Table table = TableFormat.FOUND.tableOf(value);
            if (table != null) {
                buffers.add(table.stream());
                return new SerializedArrow(buffers.size() - 1, table.singleBatch());
            }
            WireRef ref = references.refOf(value);
            if (ref != null) {
                held.add(value);
                FlatWriter bytes = new FlatWriter(WireRef.SIZE);
                bytes.reserve(WireRef.SIZE);
                ref.write(bytes, 0);
                return new SerializedRef(bytes.toBytes(), references.typeOf(value));
            }
            WireHandle handle = references.handleOf(value);
            if (handle != null) {
                held.add(value);
                return new SerializedHandle(handle.encode());
            }
            return value;
        }
    }

    private static final class Reader extends ObjectInputStream {
        private final Payload.@Nullable Parts parts;
        private final @Nullable References references;
        private final ClassLoader loader;
        private final InnerTables tables;

        Reader(InputStream in, Payload.@Nullable Parts parts, @Nullable References references, ClassLoader loader,
                InnerTables tables) throws IOException {
            super(in);
            this.tables = tables;
            this.parts = parts;
            this.references = references;
            this.loader = loader;
            enableResolveObject(true);
        }

        @Override
        protected Class<?> resolveClass(ObjectStreamClass description) throws IOException, ClassNotFoundException {
            if (description.getName().startsWith(OWN)) {
                return Class.forName(description.getName()); // this frontend's, whatever the loader of the job has
            }
            try {
                return Class.forName(description.getName(), false, loader);
            } catch (ClassNotFoundException error) {
                return super.resolveClass(description); // primitives, and what the bootstrap alone knows
            }
        }

        @Override
        protected Class<?> resolveProxyClass(String[] interfaces) throws ClassNotFoundException {
            Class<?>[] types = new Class<?>[interfaces.length];
            for (int i = 0; i < types.length; i++) {
                types[i] = Class.forName(interfaces[i], false, loader);
            }
            return Proxy.newProxyInstance(loader, types, (proxy, method, arguments) -> null).getClass();
        }

        @Override
        protected Object resolveObject(Object value) {
            if (references == null || parts == null) {
                return value;
            }
            if (value instanceof SerializedRef ref) {
                if (ref.bytes.length != WireRef.SIZE) {
                    throw new SerializationException("a reference of " + ref.bytes.length + " bytes");
                }
                return references.readRef(WireRef.read(new FlatReader(ref.bytes, "ObjectRef"), 0), ref.type);
            } else if (value instanceof SerializedHandle handle) {
                return references.readHandle(WireHandle.decode(handle.bytes));
            } else if (value instanceof SerializedTensor tensor) {
                return parts.tensor(tensor.buffer, tensor.element, tensor.shape);
            } else if (value instanceof SerializedArrow arrow) {
                return tables.keep(parts.table(arrow.buffer, arrow.singleBatch));
            }
            return value;
        }
    }

    private static final class BufferStream extends InputStream {
        private final ByteBuffer data;

        BufferStream(ByteBuffer data) {
            this.data = data.duplicate();
        }

        @Override
        public int read() {
            return data.hasRemaining() ? data.get() & 0xff : -1;
        }

        @Override
        public int read(byte[] target, int offset, int length) {
            if (!data.hasRemaining()) {
                return length == 0 ? 0 : -1;
            }
            int count = Math.min(length, data.remaining());
            data.get(target, offset, count);
            return count;
        }
    }

    private JavaStreams() {}

    /** Wraps what reading a value threw, unless it speaks for itself already. */
    static BowstringException unreadable(RuntimeException error) {
        return error instanceof BowstringException known
                ? known
                : new SerializationException("a value can't be read: " + error, error);
    }
}
