package io.bowstring.internal.value;

import org.jspecify.annotations.Nullable;

/**
 * Where a part stands in a value, as errors write it: {@code $.config[3]} (spec section 3.2, rule 3).
 *
 * @param step an element's index, a map's key, or the name of a field
 * @param depth number of steps from the whole value
 */
record ValuePath(@Nullable ValuePath parent, Object step, int depth) {
    static final ValuePath ROOT = new ValuePath(null, "$", 0);

    ValuePath then(Object next) {
        return new ValuePath(this, next, depth + 1);
    }

    @Override
    public String toString() {
        Object[] steps = new Object[depth];
        for (ValuePath each = this; each.parent != null; each = each.parent) {
            steps[each.depth - 1] = each.step;
        }
        StringBuilder text = new StringBuilder("$");
        for (Object one : steps) {
            append(text, one);
        }
        return text.toString();
    }

    static void append(StringBuilder text, Object step) {
        if (step instanceof String key && key.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            text.append('.').append(key);
        } else if (step instanceof String key) {
            text.append("[\"").append(key).append("\"]");
        } else {
            text.append('[').append(step).append(']');
        }
    }
}
