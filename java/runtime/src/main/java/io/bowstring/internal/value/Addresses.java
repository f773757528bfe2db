package io.bowstring.internal.value;

import io.bowstring.errors.SerializationException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * Addresses of direct buffers. Arrow's own way needs {@code --add-opens}; from Java 22 on a memory segment says its
 * address, and before that the JDK's Unsafe reads a buffer's field without opening anything.
 */
public final class Addresses {
    private static final MethodHandle ADDRESS = find();

    private Addresses() {}

    /** Where the byte at the buffer's position lies. */
    public static long of(ByteBuffer direct) {
        try {
            return (long) ADDRESS.invokeExact((Buffer) direct.slice());
        } catch (Throwable error) {
            throw new SerializationException("this JVM does not tell the address of memory: " + error, error);
        }
    }

    private static MethodHandle find() {
        try {
            return Runtime.version().feature() >= 22 ? ofSegment() : ofUnsafe();
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException("this JVM does not tell the address of memory", error);
        }
    }

    private static MethodHandle ofSegment() throws ReflectiveOperationException {
        MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
        MethodHandle make = lookup.findStatic(segment, "ofBuffer", MethodType.methodType(segment, Buffer.class));
        MethodHandle address = lookup.findVirtual(segment, "address", MethodType.methodType(long.class));
        return MethodHandles.filterReturnValue(make, address);
    }

    private static MethodHandle ofUnsafe() throws ReflectiveOperationException {
        Class<?> type = Class.forName("sun.misc.Unsafe");
        Field instance = type.getDeclaredField("theUnsafe");
        instance.setAccessible(true);
        Object unsafe = instance.get(null);
        long offset = (long) type.getMethod("objectFieldOffset", Field.class)
                .invoke(unsafe, Buffer.class.getDeclaredField("address"));
        MethodHandle read = MethodHandles.publicLookup()
                .findVirtual(type, "getLong", MethodType.methodType(long.class, Object.class, long.class))
                .bindTo(unsafe);
        return MethodHandles.insertArguments(read, 1, offset)
                .asType(MethodType.methodType(long.class, Buffer.class));
    }
}
