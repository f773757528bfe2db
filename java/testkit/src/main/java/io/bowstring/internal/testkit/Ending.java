package io.bowstring.internal.testkit;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ErrorRecord;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt came to: its values (a stream has none), or an error.
 *
 * @param isCancelled whether the error is that somebody cancelled it, which nothing tries again
 * @param exits whether the actor leaves with this call
 */
record Ending(List<LocalValues.Written> values, @Nullable ErrorRecord error, boolean isCancelled, boolean exits) {

    static Ending of(List<LocalValues.Written> values) {
        return new Ending(values, null, false, false);
    }

    static Ending exit(List<LocalValues.Written> values) {
        return new Ending(values, null, false, true);
    }

    static Ending failed(ErrorRecord error) {
        return new Ending(List.of(), error, false, false);
    }

    static Ending failed(BowstringException error) {
        return failed(ErrorRecords.of(error));
    }

    static Ending cancelled(String name) {
        return new Ending(List.of(), ErrorRecords.of(ErrorCode.TASK_CANCELLED, name + " was cancelled"), true, false);
    }

    static Ending timedOut(String name, long timeoutMs) {
        return failed(ErrorRecords.of(ErrorCode.TASK_TIMEOUT, name + " ran past its limit of " + timeoutMs + " ms"));
    }
}
