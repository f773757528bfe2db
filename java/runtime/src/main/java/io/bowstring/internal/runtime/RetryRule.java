package io.bowstring.internal.runtime;

import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.call.RetriedErrors;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Return;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which errors of user code are tried again. It is asked under the session's lock, where no user code may run: what was
 * thrown is not read for it. Its class is found by the name in the record, without being initialized; one that is not
 * here counts as what its name says, and is a subclass of nothing.
 *
 * @param types names of classes; none: every error
 * @param loader where the classes are
 */
public record RetryRule(Set<String> types, ClassLoader loader) {
    private static final String TIMEOUT = "io.bowstring.errors.TaskTimeoutException";

    /** The rule that a caller asked for; null: nothing is tried again. */
    public static @Nullable RetryRule of(@Nullable RetriedErrors errors) {
        return errors == null ? null : new RetryRule(errors.types(), errors.loader());
    }

    /** Whether a Result that is an error should be tried again. */
    boolean matches(List<Return> returns, byte[] body) {
        if (returns.isEmpty() || returns.get(0).encoding() != Encoding.ERROR) {
            return false;
        }
        Return first = returns.get(0);
        ByteBuffer data = Payload.inBody(first.encoding(), first.layout(), body, first.offset(), first.length()).data();
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        return matches(ErrorRecord.decode(bytes));
    }

    /** Whether an error should be tried again. */
    public boolean matches(ErrorRecord error) {
        if (error.code != ErrorCode.TASK.number()) {
            // Of what the runtime itself says only a limit that was too short is worth another attempt.
            return error.code == ErrorCode.TASK_TIMEOUT.number() && (types.isEmpty() || holds(TIMEOUT));
        }
        return types.isEmpty() || types.contains(error.typeName)
                || error.language == Language.JAVA && holds(error.typeName);
    }

    private boolean holds(String name) {
        try {
            for (Class<?> each = Class.forName(name, false, loader); each != null; each = each.getSuperclass()) {
                if (types.contains(each.getName())) {
                    return true;
                }
            }
        } catch (ClassNotFoundException | LinkageError elsewhere) {
            return types.contains(name);
        }
        return false;
    }
}
