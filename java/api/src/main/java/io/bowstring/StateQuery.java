package io.bowstring;

import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.StateFilter;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A question about the state of the runtime, which the node filters and answers (spec section 8.1).
 *
 * <pre>{@code
 * List<Map<String, Object>> failed = StateQuery.of(StateQuery.Kind.TASKS).where("state", StateQuery.Op.EQ, "FAILED").rows();
 * }</pre>
 */
public final class StateQuery {
    /** What can be asked for; the fields of the rows stand in the specification. */
    public enum Kind {
        /** Nodes: node, address, pid, alive, resources. */
        NODES(1),
        /** Processes that run tasks: process, pid, language, state, job, lease, actor, ... */
        WORKERS(2),
        /** Workers that callers have: lease, worker, pid, holder, resources, blocked, ... */
        LEASES(3),
        /** Actors: actor, class, name, life, incarnation, restarts_left, pid, reason, ... */
        ACTORS(4),
        /** Values: object, owner, state, encoding, size, holders, pins. */
        OBJECTS(5),
        /** Tasks that are not over, then those that are: task, name, state, attempt, start_ns, error, ... */
        TASKS(6),
        /** Resources: name, total, available. */
        RESOURCES(7),
        /** The shared memory: capacity, allocated, in_use, spilled_bytes, ... */
        STORE(8),
        /** Who keeps which object: object, kind, process, pid, count, size. */
        HOLDS(9),
        /** Drivers: job, driver, pid, namespace, language, alive, started_ns. */
        JOBS(10),
        /** The stacks of all threads of all drivers and workers: process, pid, thread, task, stack. */
        STACKS(11),
        /** What a task or an object waits for; wants the filter task EQ or object EQ. */
        BLOCKERS(12),
        /** Every process's references: object, kind, state, size, count. */
        REFERENCES(14),
        /** Placement groups: group, name, namespace, job, strategy, state, detached, bundles, reason. */
        PLACEMENT_GROUPS(15);

        private final int number;

        Kind(int number) {
            this.number = number;
        }
    }

    /** How a filter compares a field with a value: numbers as numbers, else as text. */
    public enum Op {
        /** Equal. */
        EQ(1),
        /** Not equal. */
        NE(2),
        /** Less. */
        LT(3),
        /** Less or equal. */
        LE(4),
        /** Greater. */
        GT(5),
        /** Greater or equal. */
        GE(6),
        /** The field's text has the value in it. */
        CONTAINS(7);

        private final int number;

        Op(int number) {
            this.number = number;
        }
    }

    private final Kind kind;
    private final List<StateFilter> filters = new ArrayList<>();
    private long limit;

    private StateQuery(Kind kind) {
        this.kind = kind;
    }

    /**
     * A question for all rows of a kind.
     *
     * @param kind not null
     * @return a question without filters
     */
    public static StateQuery of(Kind kind) {
        return new StateQuery(Arguments.present("kind", kind));
    }

    /**
     * Wants only rows whose field compares so with the value, besides what was said before.
     *
     * @param field a field of the rows
     * @param op how it is compared
     * @param value a number, or what is compared as text
     * @return this
     */
    public StateQuery where(String field, Op op, Object value) {
        filters.add(new StateFilter(
                Arguments.text("field", field), Arguments.present("op", op).number, String.valueOf(value)));
        return this;
    }

    /**
     * Wants at most so many rows. Default: all.
     *
     * @param rows 1 or more
     * @return this
     */
    public StateQuery limit(int rows) {
        limit = Arguments.positive("rows", rows);
        return this;
    }

    /**
     * Asks the node page by page, as the pages are wanted: for what would not fit into memory.
     *
     * @return pages of rows, to go through once; one may be empty
     * @throws io.bowstring.errors.InvalidArgumentException if a filter's field is none of the rows'
     */
    public Iterator<List<Map<String, @Nullable Object>>> pages() {
        return Bowstring.link().statePages(kind.number, filters, limit);
    }

    /**
     * Asks the node, page by page.
     *
     * @return the rows, by names of fields; integers are Long, lists List, maps Map
     * @throws io.bowstring.errors.InvalidArgumentException if a filter's field is none of the rows'
     */
    public List<Map<String, @Nullable Object>> rows() {
        return Bowstring.link().state(kind.number, filters, limit);
    }
}
