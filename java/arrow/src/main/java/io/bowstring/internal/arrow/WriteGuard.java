package io.bowstring.internal.arrow;

import io.bowstring.arrow.ReadOnlyTableException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import java.security.ProtectionDomain;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BoundsChecking;
import org.apache.arrow.memory.ReferenceManager;
import org.jspecify.annotations.Nullable;

/**
 * Makes Arrow's buffers refuse writes into {@link ReadOnlyMemory}.
 *
 * <p>Arrow has no read-only buffers: {@code ArrowBuf} is final, goes straight to Unsafe, and makes the same checks before
 * a read as before a write. So its class is given one more check at the start of each method that writes, and a
 * read-only {@code nioBuffer}, when it is loaded: {@link BufferClass} makes the class's bytes, which are defined in
 * Arrow's own package and loader before anybody else has asked for the class. Workers do so before they run code of
 * users, drivers when they join a runtime. Where it is too late for that, or modules are closed to it, the library as
 * {@code -javaagent} does the same at any time.
 *
 * <p>A JVM without the guard is still safe: what is read is mapped privately, so that a write changes a copy of the page.
 */
public final class WriteGuard {
    private static final Logger LOGGER = System.getLogger(WriteGuard.class.getName());
    private static final String GUARDED = "org/apache/arrow/memory/ArrowBuf";

    private static volatile boolean active;
    private static boolean tried;

    private WriteGuard() {}

    /** True if writes into what was read are refused in this JVM. */
    public static boolean isActive() {
        return active;
    }

    /** Guards Arrow's buffers, if they can be and are not yet. Later calls cost nothing. */
    public static synchronized void install() {
        if (active || tried) {
            return;
        }
        tried = true;
        try {
            // A class of the same package that loads no buffers.
            Class<?> neighbour = BoundsChecking.class;
            ClassLoader loader = neighbour.getClassLoader();
            if (loader == null || Class.forName(WriteGuard.class.getName(), false, loader) != WriteGuard.class) {
                throw new IllegalAccessException("Arrow's class loader does not see Bowstring");
            }
            try (InputStream original = loader.getResourceAsStream(GUARDED + ".class")) {
                if (original == null) {
                    throw new IOException("Arrow's jar does not tell its classes");
                }
                byte[] guarded = BufferClass.guard(original.readAllBytes());
                MethodHandles.privateLookupIn(neighbour, MethodHandles.lookup()).defineClass(guarded);
            }
            active = true;
        } catch (NoClassDefFoundError absent) {
            LOGGER.log(Level.DEBUG, "Arrow is not here", absent);
        } catch (LinkageError | ReflectiveOperationException | IOException | RuntimeException error) {
            LOGGER.log(
                    Level.INFO,
                    "Arrow vectors that are read do not refuse writes here, which stay private: {0}; call"
                            + " Bowstring.init() before Arrow is used, or start with -javaagent:<the jar of Bowstring>",
                    error.toString());
        }
    }

    /** Entry of the library as an agent. */
    public static void premain(@Nullable String options, Instrumentation instrumentation) throws Exception {
        instrumentation.addTransformer(
                new ClassFileTransformer() {
                    @Override
                    public byte @Nullable [] transform(
                            ClassLoader loader,
                            String name,
                            Class<?> redefined,
                            ProtectionDomain domain,
                            byte[] original) {
                        if (!GUARDED.equals(name)) {
                            return null;
                        }
                        byte[] guarded = BufferClass.guard(original);
                        active = true;
                        return guarded;
                    }
                },
                true);
        for (Class<?> loaded : instrumentation.getAllLoadedClasses()) {
            if (loaded.getName().equals(GUARDED.replace('/', '.'))) {
                instrumentation.retransformClasses(loaded);
            }
        }
        tried = true;
    }

    /** What each method of Arrow's buffers does before it writes. */
    public static void check(ArrowBuf buffer) {
        if (isReadOnly(buffer)) {
            throw new ReadOnlyTableException();
        }
    }

    private static boolean isReadOnly(ArrowBuf buffer) {
        ReferenceManager memory = buffer.getReferenceManager();
        return memory instanceof ReadOnlyMemory || ArenaLife.isAnySealed() && ArenaAllocator.isSealed(memory);
    }

    /** What Arrow's buffers give as a buffer of java.nio's. */
    public static ByteBuffer view(ByteBuffer view, ArrowBuf buffer) {
        return isReadOnly(buffer)
                ? view.asReadOnlyBuffer().order(view.order())
                : view;
    }
}
