package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.TaskStatus;
import org.jspecify.annotations.Nullable;

/** What a task came to: a value (none for a stream), or an error, with the status that says which. */
record Outcome(int status, @Nullable EncodedValue value, @Nullable ErrorRecord error) {
    static Outcome of(@Nullable EncodedValue value) {
        return new Outcome(TaskStatus.OK, value, null);
    }

    static Outcome failed(ErrorRecord error) {
        return new Outcome(TaskStatus.ERROR, null, error);
    }

    static Outcome failed(BowstringException error) {
        return failed(ErrorRecords.of(error));
    }

    static Outcome cancelled(String name) {
        return new Outcome(TaskStatus.CANCELLED, null,
                ErrorRecords.of(ErrorCode.TASK_CANCELLED, (name.isEmpty() ? "the task" : name) + " was cancelled"));
    }

    static Outcome timedOut(String name, long timeoutMs) {
        return failed(ErrorRecords.of(ErrorCode.TASK_TIMEOUT, name + " ran past its limit of " + timeoutMs + " ms"));
    }
}
