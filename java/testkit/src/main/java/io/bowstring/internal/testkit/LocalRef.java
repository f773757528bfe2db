package io.bowstring.internal.testkit;

import io.bowstring.internal.value.HeldRef;
import java.io.Serial;
import java.lang.reflect.Type;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A handle of the user's on a value. */
final class LocalRef<T extends @Nullable Object> extends HeldRef<T> {
    @Serial private static final long serialVersionUID = 1L;

    private final transient LocalRuntime runtime;
    private final transient LocalObject object;

    LocalRef(LocalRuntime runtime, LocalObject object, @Nullable Type type) {
        super(type);
        this.runtime = runtime;
        this.object = object;
    }

    LocalRuntime runtime() {
        return runtime;
    }

    LocalObject object() {
        checkHeld();
        return object;
    }

    @Override
    protected Object key() {
        return object.id;
    }

    @Override
    protected @Nullable Object read(long timeoutNs) {
        return runtime.reads().get(this, timeoutNs);
    }

    @Override
    protected CompletableFuture<@Nullable Object> future() {
        return runtime.reads().future(this);
    }

    @Override
    protected HeldRef<?> typed(Type wanted) {
        return new LocalRef<>(runtime, object(), wanted);
    }

    @Override
    protected void letGo() {}
}
