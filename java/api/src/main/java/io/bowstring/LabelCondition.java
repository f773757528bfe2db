package io.bowstring;

import io.bowstring.internal.call.Arguments;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a label of a node must be; see {@link SchedulingStrategy#nodeLabels}. */
public final class LabelCondition {
    private enum Kind { IN, NOT_IN, EXISTS, DOES_NOT_EXIST }

    private final Kind kind;
    private final List<String> values;

    private LabelCondition(Kind kind, List<String> values) {
        this.kind = kind;
        this.values = values;
    }

    /**
     * It is one of these.
     *
     * @param values at least one
     * @return the condition
     */
    public static LabelCondition in(String... values) {
        return new LabelCondition(Kind.IN, List.of(Arguments.some("values", values)));
    }

    /**
     * It is none of these, or not there.
     *
     * @param values at least one
     * @return the condition
     */
    public static LabelCondition notIn(String... values) {
        return new LabelCondition(Kind.NOT_IN, List.of(Arguments.some("values", values)));
    }

    /**
     * It is there.
     *
     * @return the condition
     */
    public static LabelCondition exists() {
        return new LabelCondition(Kind.EXISTS, List.of());
    }

    /**
     * It is not there.
     *
     * @return the condition
     */
    public static LabelCondition doesNotExist() {
        return new LabelCondition(Kind.DOES_NOT_EXIST, List.of());
    }

    /**
     * Asks whether a node will do.
     *
     * @param value the value of its label; null: it has no such label
     * @return whether it fulfils the condition
     */
    public boolean holds(@Nullable String value) {
        return switch (kind) {
            case IN -> value != null && values.contains(value);
            case NOT_IN -> value == null || !values.contains(value);
            case EXISTS -> value != null;
            case DOES_NOT_EXIST -> value == null;
        };
    }

    @Override
    public String toString() {
        return switch (kind) {
            case IN -> "one of " + String.join(", ", values);
            case NOT_IN -> "none of " + String.join(", ", values);
            case EXISTS -> "there";
            case DOES_NOT_EXIST -> "not there";
        };
    }
}
