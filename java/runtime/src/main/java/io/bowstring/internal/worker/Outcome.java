package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.TaskStatus;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a task came to: its results (none for a stream), or an error, with the status that says which. */
record Outcome(int status, List<EncodedValue> values, @Nullable ErrorRecord error) {
    static Outcome of(List<EncodedValue> values) {
        return new Outcome(TaskStatus.OK, values, null);
    }

    static Outcome failed(ErrorRecord error) {
        return new Outcome(TaskStatus.ERROR, List.of(), error);
    }

    static Outcome failed(BowstringException error) {
        return failed(ErrorRecords.of(error));
    }

    /** True if user code has run out of heap: what it has left behind may fill it still. */
    boolean exhausted() {
        return error != null && error.typeName.equals(OutOfMemoryError.class.getName());
    }

    static Outcome cancelled(String name) {
        return new Outcome(TaskStatus.CANCELLED, List.of(),
                ErrorRecords.of(ErrorCode.TASK_CANCELLED, (name.isEmpty() ? "the task" : name) + " was cancelled"));
    }

    static Outcome timedOut(String name, long timeoutMs) {
        ErrorRecord record = ErrorRecords.of(ErrorCode.TASK_TIMEOUT, name + " ran past its limit of " + timeoutMs + " ms");
        record.mayHaveExecuted = true;
        return failed(record);
    }
}
