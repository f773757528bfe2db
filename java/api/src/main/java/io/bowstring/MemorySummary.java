package io.bowstring;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the object store is used for, and the largest objects with who keeps them; {@link Bowstring#memorySummary} makes it.
 *
 * @param store what the store has and what is used of it, in bytes and numbers: the fields of {@link StateQuery.Kind#STORE}
 * @param largest the largest objects, the largest first
 */
public record MemorySummary(Map<String, @Nullable Object> store, List<Held> largest) {
    /** Indexes of puts have this bit (spec section 2.2). */
    private static final int PUT_SPACE = 0x40;

    /**
     * An object and who keeps it.
     *
     * @param object its id: 40 hexadecimal digits
     * @param size bytes
     * @param state inline, stored, spilled, pending, failed or unknown
     * @param keptBy who holds it and how, as "worker 4711 (handle)"
     * @param madeBy "put", or the name of the task that made it; empty: not known any more
     */
    public record Held(String object, long size, String state, List<String> keptBy, String madeBy) {}

    static MemorySummary of(int objects) {
        Map<String, @Nullable Object> store = StateQuery.of(StateQuery.Kind.STORE).rows().get(0);
        List<Map<String, @Nullable Object>> rows = new ArrayList<>(StateQuery.of(StateQuery.Kind.OBJECTS).rows());
        rows.sort((one, other) -> Long.compare(number(other, "size"), number(one, "size")));
        List<Map<String, @Nullable Object>> largest = rows.subList(0, Math.min(objects, rows.size()));
        Map<String, List<String>> holders = new HashMap<>();
        largest.forEach(row -> holders.put(text(row, "object"), new ArrayList<>()));
        for (Map<String, @Nullable Object> hold : StateQuery.of(StateQuery.Kind.HOLDS).rows()) {
            List<String> who = holders.get(text(hold, "object"));
            if (who != null) {
                long pid = number(hold, "pid");
                long count = number(hold, "count");
                who.add((text(hold, "role") + (pid == 0 ? "" : " " + pid)).strip() + " (" + text(hold, "kind")
                        + (count > 1 ? " x" + count : "") + ")");
            }
        }
        List<Held> held = new ArrayList<>();
        for (Map<String, @Nullable Object> row : largest) {
            String object = text(row, "object");
            held.add(new Held(object, number(row, "size"), text(row, "state"), List.copyOf(holders.get(object)),
                    madeBy(object)));
        }
        return new MemorySummary(store, List.copyOf(held));
    }

    private static String madeBy(String object) {
        if ((Integer.parseInt(object.substring(38), 16) & 0xC0) == PUT_SPACE) {
            return "put";
        }
        List<Map<String, @Nullable Object>> made = StateQuery.of(StateQuery.Kind.TASKS)
                .where("task", StateQuery.Op.EQ, object.substring(0, 32))
                .limit(1)
                .rows();
        return made.isEmpty() ? "" : text(made.get(0), "name");
    }

    private static long number(Map<String, ? extends @Nullable Object> row, String field) {
        return row.get(field) instanceof Number number ? number.longValue() : 0;
    }

    private static String text(Map<String, ? extends @Nullable Object> row, String field) {
        return String.valueOf(row.get(field));
    }

    /** For people: a line for the store, and one for each object. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("store: ");
        text.append(number(store, "in_use")).append(" of ").append(number(store, "capacity")).append(" bytes in use, ")
                .append(number(store, "spilled_bytes")).append(" on disk, ")
                .append(number(store, "objects")).append(" objects");
        for (Held each : largest) {
            text.append('\n').append(each.object).append("  ").append(each.size).append(" bytes, ").append(each.state)
                    .append(", made by ").append(each.madeBy.isEmpty() ? "a task that is forgotten" : each.madeBy)
                    .append(", kept by ")
                    .append(each.keptBy.isEmpty() ? "nobody" : String.join(", ", each.keptBy));
        }
        return text.toString();
    }
}
