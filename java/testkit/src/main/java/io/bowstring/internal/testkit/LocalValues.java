package io.bowstring.internal.testkit;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.value.Conversions;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.References;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.value.ViewWatch;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Values as bytes and back, by the encodings of the runtime. What has the layout of an image, as tensors and tables have,
 * lies in direct memory, so that views of it behave as views of the store do.
 *
 * <p>A reference inside a value is an id. The objects and actors of those ids are known here weakly: what holds them are
 * the user's references, and the values that contain them.
 */
final class LocalValues implements References {
    private static final int ALIGNMENT = 64;
    private static final int VALUE_BYTES_MAX = Integer.MAX_VALUE - 2 * ALIGNMENT;

    private final LocalRuntime runtime;
    private final ClassLoader loader;
    private final Map<Id, Known> known = new ConcurrentHashMap<>();
    private final ReferenceQueue<Object> forgotten = new ReferenceQueue<>();

    LocalValues(LocalRuntime runtime, ClassLoader loader) {
        this.runtime = runtime;
        this.loader = loader;
    }

    private static final class Known extends WeakReference<Object> {
        private final Id id;

        Known(Id id, Object target, ReferenceQueue<Object> queue) {
            super(target, queue);
            this.id = id;
        }
    }

    /** An object or actor that values may name from here on. */
    void know(Id id, Object target) {
        known.put(id, new Known(id, target, forgotten));
        while (forgotten.poll() instanceof Known gone) {
            known.remove(gone.id, gone);
        }
    }

    private Object find(byte[] id) {
        Known weak = known.get(Id.of(id));
        Object target = weak == null ? null : weak.get();
        if (target == null) {
            throw new ProtocolException("a value names " + Id.of(id) + ", which nobody holds");
        }
        return target;
    }

    /** The bytes of a value, and what they keep alive. */
    record Written(Payload payload, List<Object> contained) {}

    Written write(@Nullable Object value) {
        return written(Values.encode(value, this));
    }

    /** The same for an argument, which errors name by its index. */
    Written writeArgument(@Nullable Object value, int index) {
        return written(Values.encodeArgument(value, index, false, this));
    }

    private Written written(EncodedValue encoded) {
        List<Object> contained = new ArrayList<>(encoded.references().size());
        for (Object each : encoded.references()) {
            contained.add(each instanceof LocalRef<?> ref ? ref.object() : each);
        }
        if (encoded.inlineLayout() == Layout.COMPACT) {
            return new Written(encoded.inline(), contained);
        }
        ByteBuffer image = memory(encoded.imageSize());
        encoded.writeImage(image);
        return new Written(new Payload(encoded.encoding(), Layout.IMAGE, image.flip()), contained);
    }

    /** Fresh memory outside of the heap. */
    static ByteBuffer memory(long size) {
        if (size > VALUE_BYTES_MAX) {
            throw new InvalidArgumentException("a value of " + size + " bytes; the testkit holds values below 2 GiB");
        }
        int whole = ((int) size + ALIGNMENT - 1) & -ALIGNMENT;
        return ByteBuffer.allocateDirect(whole + ALIGNMENT)
                .alignedSlice(ALIGNMENT)
                .limit((int) size)
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The value of bytes, converted if a type is wanted. An error is thrown. */
    @Nullable Object read(Payload payload, @Nullable Type type) {
        Class<?> wanted = type == null ? null : Conversions.erase(type);
        ClassLoader threads = Thread.currentThread().getContextClassLoader();
        ClassLoader classes = threads == null ? loader : threads;
        Object value = Conversions.holdsPrimitives(wanted)
                ? ViewWatch.lend(() -> Values.decode(payload, this, classes, wanted))
                : Values.decode(payload, this, classes, wanted);
        return type == null || wanted == Object.class || wanted == void.class ? value : Conversions.convert(value, type);
    }

    @Override
    public @Nullable WireRef refOf(Object value) {
        return value instanceof LocalRef<?> ref
                ? new WireRef(runtime.own(ref.runtime(), ref).object().id.bytes(), 0, 0, 0)
                : null;
    }

    @Override
    public @Nullable WireHandle handleOf(Object value) {
        return value instanceof LocalHandle<?> handle
                ? runtime.own(handle.actor().runtime(), handle).actor().wire()
                : null;
    }

    @Override
    public @Nullable Class<?> typeOf(Object reference) {
        Type type = ((LocalRef<?>) reference).type();
        return type == null ? null : Conversions.erase(type);
    }

    @Override
    public Object readRef(WireRef ref, @Nullable Class<?> type) {
        return new LocalRef<>(runtime, (LocalObject) find(ref.id()), type);
    }

    @Override
    public Object readHandle(WireHandle handle) {
        return new LocalHandle<>((LocalActor) find(handle.ref.id()));
    }
}
