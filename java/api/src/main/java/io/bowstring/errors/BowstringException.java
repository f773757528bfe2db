package io.bowstring.errors;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * Base of every error of the runtime; there is one class for each {@link ErrorCode}. Unchecked, because most calls can
 * fail for reasons that the caller cannot mend.
 *
 * <p>The message of an error that came from user code in another process shows its type and its traceback, whatever its
 * language. If that code was Java and its exception could be read here, it is the {@linkplain #getCause cause}.
 */
public class BowstringException extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final ErrorDetails details;

    /**
     * An error with all that is known of it.
     *
     * @param details what kind of error it is, and what it says
     * @param cause what led to it, if that can be read here; null: nothing
     */
    public BowstringException(ErrorDetails details, @Nullable Throwable cause) {
        super(text(details), cause);
        this.details = details;
    }

    private static String text(ErrorDetails details) {
        StringBuilder text = new StringBuilder();
        if (details.typeName().isEmpty()) {
            text.append(details.message());
        } else {
            if (!details.functionName().isEmpty()) {
                text.append(details.functionName()).append(": ");
            }
            text.append(details.typeName());
            if (!details.message().isEmpty()) {
                text.append(": ").append(details.message());
            }
        }
        for (String cause : details.causes()) {
            text.append("\n  caused by ").append(cause);
        }
        if (!details.traceback().isEmpty()) {
            text.append("\n\nThe ").append(details.language()).append(" process");
            if (details.pid() != 0) {
                text.append(' ').append(details.pid());
            }
            text.append(" says:\n").append(details.traceback().stripTrailing());
        }
        if (details.mayHaveExecuted()) {
            text.append("\nThe work may have run, in part or whole, before it failed.");
        }
        return text.toString();
    }

    /** {@return what kind of error this is} */
    public ErrorCode code() {
        return details.code();
    }

    /** {@return all that is known of the error} */
    public ErrorDetails details() {
        return details;
    }
}
