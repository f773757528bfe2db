package io.bowstring.errors;

import java.io.Serializable;
import java.util.List;

/**
 * What an error says of itself, wherever it was raised (spec chapter 7).
 *
 * @param code what kind of error
 * @param message one sentence or more, for people
 * @param language language of the process that raised it: "python", "java", "other"
 * @param typeName fully qualified class of the cause in its own language; empty: none
 * @param traceback the remote traceback or stack trace as text; empty: none
 * @param functionName the function or method that failed; empty: none
 * @param retryable true if trying again may succeed
 * @param mayHaveExecuted true if the failed work may have had effects
 * @param pid operating system's process id where it was raised; 0: unknown
 * @param causes the cause chain as text, nearest first, each "type: message"; at most 16
 */
public record ErrorDetails(
        ErrorCode code,
        String message,
        String language,
        String typeName,
        String traceback,
        String functionName,
        boolean retryable,
        boolean mayHaveExecuted,
        long pid,
        List<String> causes)
        implements Serializable {

    /**
     * An error that is raised in this process.
     *
     * @param code what kind of error
     * @param message what was expected, what came, and what to do
     * @return details with this process's id, and nothing of a cause
     */
    public static ErrorDetails of(ErrorCode code, String message) {
        return new ErrorDetails(
                code, message, "java", "", "", "", false, false, ProcessHandle.current().pid(), List.of());
    }

    /**
     * The same, of failed work that may have had effects.
     *
     * @return a copy whose {@link #mayHaveExecuted} is true
     */
    public ErrorDetails withMayHaveExecuted() {
        return new ErrorDetails(
                code, message, language, typeName, traceback, functionName, retryable, true, pid, causes);
    }
}
