package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.StateFilter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Why something is not there yet: what it waits for, and what that waits for, down to what nobody can hurry. As text it is
 * a tree of lines; {@link Bowstring#why(ObjectRef)} makes it.
 */
public final class Explanation implements Iterable<Blocker> {
    private static final int BLOCKERS = 12; // StateKind of spec section 8.1
    private static final int EQ = 1;
    private static final int TASK_DIGITS = 32;
    private static final int OBJECT_DIGITS = 40;

    private final List<Blocker> blockers;

    private Explanation(List<Blocker> blockers) {
        this.blockers = List.copyOf(blockers);
    }

    static Explanation of(ObjectRef<?> ref) {
        RuntimeLink link = Bowstring.link();
        String id = Arguments.present("ref", ref).id();
        String here = link.readiness(ref);
        if (here.isEmpty()) {
            return asked(link, "object", id);
        }
        boolean failed = here.equals("FAILED");
        return new Explanation(List.of(
                new Blocker(0, id, "", here, failed ? "has failed: get() throws its error" : "is ready")));
    }

    static Explanation of(String id) {
        Arguments.text("id", id);
        if (id.length() != TASK_DIGITS && id.length() != OBJECT_DIGITS || !id.matches("[0-9a-f]+")) {
            throw new InvalidArgumentException("id is '" + id + "'; it is the id of a task, " + TASK_DIGITS
                    + " hexadecimal digits, or of an object, " + OBJECT_DIGITS);
        }
        return asked(Bowstring.link(), id.length() == TASK_DIGITS ? "task" : "object", id);
    }

    private static Explanation asked(RuntimeLink link, String field, String id) {
        List<Blocker> found = new ArrayList<>();
        for (Map<String, @Nullable Object> row : link.state(BLOCKERS, List.of(new StateFilter(field, EQ, id)), 0)) {
            int depth = row.get("depth") instanceof Number number ? number.intValue() : 0;
            found.add(new Blocker(depth, text(row, "subject"), text(row, "name"),
                    text(row, "reason"), text(row, "text")));
        }
        return new Explanation(found);
    }

    private static String text(Map<String, @Nullable Object> row, String field) {
        return String.valueOf(row.get(field));
    }

    /**
     * The lines, the subject's first.
     *
     * @return an unchangeable list of one line or more
     */
    public List<Blocker> blockers() {
        return blockers;
    }

    /** {@return the reason of the first line} */
    public String reason() {
        return blockers.get(0).reason();
    }

    @Override
    public Iterator<Blocker> iterator() {
        return blockers.iterator();
    }

    @Override
    public String toString() {
        return blockers.stream().map(Blocker::toString).collect(Collectors.joining("\n"));
    }
}
