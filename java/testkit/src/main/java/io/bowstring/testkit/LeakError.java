package io.bowstring.testkit;

import java.io.Serial;
import java.util.List;
import java.util.stream.Collectors;

/** A test left views open, or tasks that do not end. */
public final class LeakError extends AssertionError {
    @Serial private static final long serialVersionUID = 1L;

    private final transient List<Leak> leaks;

    LeakError(List<Leak> leaks) {
        super(leaks.size() + (leaks.size() == 1 ? " leak:" : " leaks:")
                + leaks.stream().map(leak -> "\n    " + leak).collect(Collectors.joining()));
        this.leaks = leaks;
    }

    /** {@return all of them, the oldest first} */
    public List<Leak> leaks() {
        return leaks;
    }
}
