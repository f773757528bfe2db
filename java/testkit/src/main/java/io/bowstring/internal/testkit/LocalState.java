package io.bowstring.internal.testkit;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.wire.FilterOp;
import io.bowstring.internal.wire.StateKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Answers questions about the state, with the fields of spec section 8.1 that a testkit has. */
final class LocalState {
    private LocalState() {}

    static List<Map<String, @Nullable Object>> rows(
            LocalRuntime runtime, int kind, List<StateFilter> filters, long limit) {
        List<Map<String, @Nullable Object>> rows = new ArrayList<>();
        synchronized (runtime.lock()) {
            switch (kind) {
                case StateKind.NODES -> rows.add(node(runtime));
                case StateKind.RESOURCES -> runtime.board().capacity().amounts().forEach((name, amounts) ->
                        rows.add(row("name", name, "total", amounts[0], "available", amounts[1])));
                case StateKind.ACTORS -> actors(runtime.actors().all(), rows);
                case StateKind.TASKS -> tasks(runtime.board().tasks(), rows);
                default -> throw new InvalidArgumentException("the testkit has no processes, and can't tell of "
                        + StateKind.name(kind) + "; it knows nodes, resources, actors and tasks");
            }
        }
        List<Map<String, @Nullable Object>> passed = new ArrayList<>();
        for (Map<String, @Nullable Object> row : rows) {
            if ((limit == 0 || passed.size() < limit) && filters.stream().allMatch(filter -> passes(row, filter))) {
                passed.add(row);
            }
        }
        return passed;
    }

    private static Map<String, @Nullable Object> row(@Nullable Object... fields) {
        Map<String, @Nullable Object> row = new LinkedHashMap<>();
        for (int i = 0; i < fields.length; i += 2) {
            row.put(String.valueOf(fields[i]), fields[i + 1]);
        }
        return row;
    }

    private static Map<String, @Nullable Object> node(LocalRuntime runtime) {
        Map<String, Object> totals = new LinkedHashMap<>();
        runtime.board().capacity().amounts().forEach((name, amounts) -> totals.put(name, amounts[0]));
        return row("node", HexFormat.of().toHexDigits(runtime.nodeId()), "address", "", "pid",
                ProcessHandle.current().pid(), "alive", true, "resources", totals);
    }

    private static void actors(Collection<LocalActor> actors, List<Map<String, @Nullable Object>> rows) {
        for (LocalActor actor : actors) {
            rows.add(row("actor", actor.id().toString(), "class", actor.className(), "name", actor.name(), "life",
                    actor.lifeName(), "restarts_left", (long) actor.restartsLeft()));
        }
    }

    private static void tasks(Collection<LocalTask> tasks, List<Map<String, @Nullable Object>> rows) {
        for (LocalTask task : tasks) {
            String state = task.missing > 0 ? "PENDING_ARGUMENTS"
                    : task.interruptible != null ? "RUNNING"
                    : task.actor != null ? "PENDING_ACTOR" : "PENDING_LEASE";
            rows.add(row("task", task.id.toString(), "name", task.displayName(), "state", state, "attempt", task.attempt));
        }
    }

    private static boolean passes(Map<String, @Nullable Object> row, StateFilter filter) {
        if (!row.containsKey(filter.field())) {
            throw new InvalidArgumentException("no row has the field " + filter.field() + "; there are "
                    + Arrays.toString(row.keySet().toArray()));
        }
        Object value = row.get(filter.field());
        if (filter.op() == FilterOp.CONTAINS) {
            return String.valueOf(value).contains(filter.value());
        }
        int order = compare(value, filter.value());
        return switch (filter.op()) {
            case FilterOp.EQ -> order == 0;
            case FilterOp.NE -> order != 0;
            case FilterOp.LT -> order < 0;
            case FilterOp.LE -> order <= 0;
            case FilterOp.GT -> order > 0;
            case FilterOp.GE -> order >= 0;
            default -> throw new InvalidArgumentException("no filter has the number " + filter.op());
        };
    }

    private static int compare(@Nullable Object value, String wanted) {
        if (value instanceof Number number) {
            try {
                return Double.compare(number.doubleValue(), Double.parseDouble(wanted));
            } catch (NumberFormatException text) {
                return String.valueOf(value).compareTo(wanted);
            }
        }
        return String.valueOf(value).compareTo(wanted);
    }
}
