package io.bowstring.internal.call;

import io.bowstring.errors.InvalidArgumentException;
import java.util.ArrayList;
import java.util.List;

/** Flags of a JVM in one text: words between blanks, quoted as in a POSIX shell (spec section 10.3, rule 2). */
public final class JvmFlags {
    private JvmFlags() {}

    /**
     * The words as they are written, quotation marks and all, so that they can be joined again.
     *
     * @throws InvalidArgumentException if a quotation does not end
     */
    public static List<String> words(String what, String flags) {
        List<String> words = new ArrayList<>();
        StringBuilder word = new StringBuilder();
        char quote = 0;
        for (int i = 0; i < flags.length(); i++) {
            char each = flags.charAt(i);
            if (quote == 0 && " \t\r\n".indexOf(each) >= 0) {
                end(word, words);
                continue;
            }
            word.append(each);
            if (each == '\\' && quote != '\'') {
                if (++i == flags.length()) {
                    throw new InvalidArgumentException(what + " is " + flags + "; behind the last backslash is nothing");
                }
                word.append(flags.charAt(i));
            } else if (quote == 0 && (each == '\'' || each == '"')) {
                quote = each;
            } else if (each == quote) {
                quote = 0;
            }
        }
        if (quote != 0) {
            throw new InvalidArgumentException(what + " is " + flags + "; its quotation with " + quote + " does not end");
        }
        end(word, words);
        return words;
    }

    private static void end(StringBuilder word, List<String> words) {
        if (word.length() > 0) {
            words.add(word.toString());
            word.setLength(0);
        }
    }

    /** Flags that are well written; else as {@link #words}. */
    public static String checked(String what, String flags) {
        words(what, Arguments.present(what, flags));
        return flags;
    }
}
