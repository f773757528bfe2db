package io.bowstring.internal.value;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorCause;
import io.bowstring.internal.wire.ErrorRecord;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Layout;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Exceptions as error records and back (spec chapter 7). */
public final class ErrorRecords {
    private static final int CAUSES_MAX = 16;
    private static final int TEXT_MAX = 256 << 10;
    private static final String CUT_NOTE = "\n[cut: the text was longer than 256 KiB]";
    private static final int NATIVE_BYTES_MAX = 64 << 10;

    /** The record of an error of the runtime. */
    public static ErrorRecord of(ErrorCode code, String message) {
        ErrorRecord record = new ErrorRecord();
        record.code = code.number();
        record.language = Language.JAVA;
        record.pid = ProcessHandle.current().pid();
        record.message = cut(message);
        return record;
    }

    /** The record of an error that the runtime itself raised or passes on. */
    public static ErrorRecord of(BowstringException error) {
        ErrorDetails details = error.details();
        ErrorRecord record = of(error.code(), details.message());
        record.language = languageOf(details.language());
        record.typeName = details.typeName();
        record.traceback = cut(details.traceback());
        record.functionName = details.functionName();
        record.retryable = details.retryable();
        record.mayHaveExecuted = details.mayHaveExecuted();
        record.pid = details.pid();
        List<ErrorCause> causes = new ArrayList<>();
        for (String text : details.causes()) {
            ErrorCause cause = new ErrorCause();
            int colon = text.indexOf(": ");
            cause.typeName = colon < 0 ? text : text.substring(0, colon);
            cause.message = colon < 0 ? "" : text.substring(colon + 2);
            cause.language = record.language;
            causes.add(cause);
        }
        record.causes = causes;
        if (error.getCause() != null && record.language == Language.JAVA) {
            record.nativeForm = nativeForm(error.getCause());
        }
        return record;
    }

    /** The record of what user code threw: code TASK. */
    public static ErrorRecord ofUserCode(Throwable error, String function, byte[] task, long node) {
        ErrorRecord record = of(ErrorCode.TASK, String.valueOf(error.getMessage()));
        record.message = cut(error.getMessage() == null ? "" : error.getMessage());
        record.typeName = error.getClass().getName();
        record.functionName = function;
        record.task = task;
        record.node = node;
        record.traceback = cut(withoutRuntime(traceback(error)));
        record.nativeForm = nativeForm(error);
        List<ErrorCause> causes = new ArrayList<>();
        for (Throwable each = error.getCause(); each != null && causes.size() < CAUSES_MAX; each = each.getCause()) {
            ErrorCause cause = new ErrorCause();
            cause.typeName = each.getClass().getName();
            cause.message = cut(each.getMessage() == null ? "" : each.getMessage());
            cause.language = Language.JAVA;
            causes.add(cause);
        }
        record.causes = causes;
        return record;
    }

    private static String traceback(Throwable error) {
        StringWriter text = new StringWriter();
        try {
            error.printStackTrace(new PrintWriter(text));
        } catch (StackOverflowError deep) { // so many causes; the outermost are printed by then
            text.append("\n[cut: the causes are nested too deep]\n");
        }
        return text.toString();
    }

    private static byte[] nativeForm(Throwable error) {
        byte[] bytes = JavaStreams.throwable(error);
        return bytes.length <= NATIVE_BYTES_MAX ? bytes : new byte[0];
    }

    /** The frames between user code and the runtime's own say nothing to the user. */
    private static String withoutRuntime(String traceback) {
        StringBuilder kept = new StringBuilder();
        for (String line : traceback.split("\n")) {
            String place = line.strip();
            if (!place.startsWith("at io.bowstring.internal.worker.")
                    && !place.startsWith("at io.bowstring.internal.testkit.")
                    && !place.startsWith("at java.base/jdk.internal.reflect.")
                    && !place.startsWith("at java.base/java.lang.reflect.")) {
                kept.append(line).append('\n');
            }
        }
        return kept.toString();
    }

    /** At most 256 KiB of UTF-8, with a line that says so if there was more (spec chapter 7, rule 3). */
    private static String cut(String text) {
        if (text.length() <= TEXT_MAX / 3) {
            return text;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= TEXT_MAX) {
            return text;
        }
        int end = TEXT_MAX - CUT_NOTE.length();
        while ((bytes[end] & 0xC0) == 0x80) {
            end--; // not in the middle of a character
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8) + CUT_NOTE;
    }

    /** The record as the payload of a value that is an error. */
    public static Payload payload(ErrorRecord record) {
        return new Payload(Encoding.ERROR, Layout.COMPACT, ByteBuffer.wrap(record.encode()));
    }

    /** The exception of a record; its native form is read if it is Java's and its classes are here. */
    public static BowstringException exception(ErrorRecord record) {
        return exception(record, ErrorRecords.class.getClassLoader());
    }

    /** The exception of a record, with the classes that a loader knows. */
    public static BowstringException exception(ErrorRecord record, ClassLoader loader) {
        ErrorCode code = ErrorCode.of(record.code);
        List<String> causes = new ArrayList<>();
        for (ErrorCause cause : record.causes) {
            causes.add(cause.message.isEmpty() ? cause.typeName : cause.typeName + ": " + cause.message);
        }
        ErrorDetails details = new ErrorDetails(code, record.message, languageName(record.language),
                record.typeName, record.traceback, record.functionName, record.retryable, record.mayHaveExecuted,
                record.pid, List.copyOf(causes));
        Throwable cause = record.language == Language.JAVA && record.nativeForm.length > 0
                ? JavaStreams.throwable(record.nativeForm, loader)
                : null;
        return code.exception(details, cause);
    }

    /** The same error as a new exception that also shows where it was asked for. */
    public static BowstringException again(BowstringException error) {
        return error.code().exception(error.details(), error.getCause());
    }

    private static String languageName(int language) {
        return switch (language) {
            case Language.PYTHON -> "python";
            case Language.JAVA -> "java";
            default -> "other";
        };
    }

    private static int languageOf(@Nullable String name) {
        if ("python".equals(name)) {
            return Language.PYTHON;
        }
        return "java".equals(name) ? Language.JAVA : Language.OTHER;
    }

    private ErrorRecords() {}
}
