package io.bowstring.internal.runtime;

import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Failure;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Inspect;
import io.bowstring.internal.wire.InspectKind;
import io.bowstring.internal.wire.Inspected;
import io.bowstring.internal.wire.Language;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Tells the node what only this process knows: its calls, its work, the stacks of its threads (spec section 8.2).
 *
 * <p>It answers on the thread that reads the connections, and waits for no user code.
 */
public final class Inspection {
    /** What a worker tells of its tasks and threads. */
    public interface Work {
        /** The tasks that were sent to it and not answered. */
        List<Map<String, Object>> rows();

        /** Threads that run tasks and that the JVM does not list. */
        Collection<Thread> virtualThreads();

        /** The id of the task that a thread runs, in hexadecimal; empty: none. */
        String taskOf(Thread thread);
    }

    /** In one frame of an answer; some 2 MB. */
    private static final int PART_ROWS = 5_000;

    private static final Work NONE = new Work() {
        @Override
        public List<Map<String, Object>> rows() {
            return List.of();
        }

        @Override
        public Collection<Thread> virtualThreads() {
            return List.of();
        }

        @Override
        public String taskOf(Thread thread) {
            return "";
        }
    };

    private final Session session;
    private volatile Work work = NONE;

    Inspection(Session session) {
        this.session = session;
    }

    /** This process is a worker. */
    public void setWork(Work worker) {
        work = worker;
    }

    void answer(Inspect inspect) {
        List<Map<String, Object>> rows = new ArrayList<>();
        switch (inspect.kind) {
            case InspectKind.TASKS -> {
                session.locked(() -> {
                    session.arguments().describe(rows);
                    session.leases().describe(rows);
                    session.actors().describe(rows);
                });
                rows.addAll(work.rows());
            }
            case InspectKind.STACKS -> stacks(rows);
            case InspectKind.REFERENCES -> session.locked(() -> session.objects().describe(rows));
            default -> {
                String message = "Inspect.kind " + inspect.kind + " is not known to this process";
                Failure failure = new Failure();
                failure.request = inspect.request;
                failure.error = ErrorRecords.of(ErrorCode.INVALID_ARGUMENT.exception(
                        ErrorDetails.of(ErrorCode.INVALID_ARGUMENT, message), null));
                session.send(failure);
                return;
            }
        }
        int at = 0;
        do {
            int end = Math.min(at + PART_ROWS, rows.size());
            EncodedValue encoded = Values.encodePortable(rows.subList(at, end), session.references());
            Inspected inspected = new Inspected();
            inspected.request = inspect.request;
            inspected.length = encoded.inlineSize();
            inspected.more = end < rows.size();
            session.queue(Frame.encode(inspected, encoded.inline().data()));
            at = end;
        } while (at < rows.size());
        session.reactor().flush();
    }

    private void stacks(List<Map<String, Object>> rows) {
        Thread here = Thread.currentThread();
        Map<Thread, StackTraceElement[]> stacks = new HashMap<>(Thread.getAllStackTraces());
        for (Thread each : work.virtualThreads()) {
            stacks.put(each, each.getStackTrace());
        }
        stacks.entrySet().stream()
                .sorted(Comparator.comparing((Map.Entry<Thread, StackTraceElement[]> each) ->
                        work.taskOf(each.getKey()).isEmpty()).thenComparing(each -> each.getKey().getName()))
                .filter(each -> each.getKey() != here && each.getValue().length > 0)
                .forEach(each -> {
                    Map<String, Object> row = new LinkedHashMap<>();
                    row.put("thread", each.getKey().getName());
                    row.put("task", work.taskOf(each.getKey()));
                    row.put("stack", text(each.getKey(), each.getValue()));
                    rows.add(row);
                });
    }

    private static String text(Thread thread, StackTraceElement[] stack) {
        StringBuilder text = new StringBuilder(thread.getState().toString()).append('\n');
        for (StackTraceElement frame : stack) {
            text.append("  at ").append(frame).append('\n');
        }
        return text.toString();
    }

    /** A row of a call that this process has made. */
    static Map<String, Object> call(PendingTask task, String state, int language) {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("place", "caller");
        row.put("task", task.id.toString());
        row.put("name", task.displayName());
        row.put("state", state);
        row.put("attempt", task.attempt);
        row.put("function", Id.of(task.function.key()).toString());
        row.put("language", Language.name(language));
        row.put("submitted_ns", task.submittedNs);
        row.put("waits_for", task.waitsFor());
        return row;
    }
}
