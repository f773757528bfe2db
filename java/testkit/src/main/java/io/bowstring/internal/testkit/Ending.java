package io.bowstring.internal.testkit;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.ErrorRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt came to: a value, none (a stream), or an error.
 *
 * @param isCancelled whether the error is that somebody cancelled it, which nothing tries again
 * @param exits whether the actor leaves with this call
 */
record Ending(LocalValues.@Nullable Written value, @Nullable ErrorRecord error, boolean isCancelled, boolean exits) {

    static Ending of(LocalValues.@Nullable Written value) {
        return new Ending(value, null, false, false);
    }

    static Ending exit(LocalValues.Written value) {
        return new Ending(value, null, false, true);
    }

    static Ending failed(ErrorRecord error) {
        return new Ending(null, error, false, false);
    }

    static Ending failed(BowstringException error) {
        return failed(ErrorRecords.of(error));
    }

    static Ending cancelled(String name) {
        return new Ending(null, ErrorRecords.of(ErrorCode.TASK_CANCELLED, name + " was cancelled"), true, false);
    }

    static Ending timedOut(String name, long timeoutMs) {
        return failed(ErrorRecords.of(ErrorCode.TASK_TIMEOUT, name + " ran past its limit of " + timeoutMs + " ms"));
    }

    /** The value as it is kept. */
    LocalValues.Written written() {
        if (error != null) {
            Payload payload = ErrorRecords.payload(error);
            return new LocalValues.Written(payload, List.of());
        }
        if (value == null) {
            throw new IllegalStateException("a stream's end has no value");
        }
        return value;
    }
}
