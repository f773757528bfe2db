package io.bowstring.internal.value;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.ObjectRef;
import io.bowstring.errors.InvalidArgumentException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.time.Duration;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What handles on objects have in common, whichever runtime they are of. */
class HeldRefTest {
    private static final class Named extends HeldRef<String> {
        private static final long serialVersionUID = 1L;
        private final transient String name;
        final transient List<Long> timeouts = new ArrayList<>();

        Named(String name) {
            super(String.class);
            this.name = name;
        }

        @Override
        protected Object key() {
            return name;
        }

        @Override
        protected Object read(long timeoutNs) {
            checkHeld();
            timeouts.add(timeoutNs);
            return name;
        }

        @Override
        protected CompletableFuture<@Nullable Object> future() {
            return CompletableFuture.completedFuture(name);
        }

        @Override
        protected void letGo() {
            timeouts.clear();
        }

        @Override
        protected HeldRef<?> typed(Type wanted) {
            throw new UnsupportedOperationException();
        }
    }

    @Test
    void handlesOnOneObjectAreEqual() {
        assertEquals(new Named("a"), new Named("a"));
        assertEquals(new Named("a").hashCode(), new Named("a").hashCode());
        assertNotEquals(new Named("a"), new Named("b"));
        assertNotEquals("a", new Named("a"));
        assertEquals("a", new Named("a").id());
    }

    @Test
    void aTimeLimitIsNeverTooLongAndIsRefusedIfItIsNegativeOrNull() {
        Named ref = new Named("a");
        assertEquals("a", ref.get());
        assertEquals("a", ref.get(Duration.ofMillis(1)));
        ref.get(Duration.ofSeconds(Long.MAX_VALUE));
        assertEquals(List.of(Long.MAX_VALUE, 1_000_000L, Long.MAX_VALUE), ref.timeouts);
        assertThrows(InvalidArgumentException.class, () -> ref.get(Duration.ofMillis(-1)));
        assertThrows(InvalidArgumentException.class, () -> ref.get((Duration) null));
        assertEquals("a", ref.toCompletableFuture().join());
    }

    @Test
    void aHandleThatWasReleasedCanNotBeUsed() {
        Named ref = new Named("a");
        ref.get();
        ref.release();
        assertTrue(ref.timeouts.isEmpty());
        InvalidArgumentException error = assertThrows(InvalidArgumentException.class, ref::get);
        assertTrue(error.getMessage().contains("ObjectRef(a) was released"), error.getMessage());
    }

    @Test
    void aHandleIsNotSerialized() throws IOException {
        try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
            assertThrows(NotSerializableException.class, () -> out.writeObject(new Named("a")));
        }
    }
}
