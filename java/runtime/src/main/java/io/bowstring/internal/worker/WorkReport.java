package io.bowstring.internal.worker;

import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Inspection;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.wire.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What this worker tells of the tasks that it was sent (spec section 8.2, rule 2). */
final class WorkReport implements Inspection.Work {
    private record Part(TaskQueue queue, TaskRunner runner) {}

    private final Map<TaskQueue, Part> parts = new ConcurrentHashMap<>();

    WorkReport(TaskQueue queue, TaskRunner runner) {
        add(queue, runner);
    }

    /** Tells of an actor's calls, too. */
    void add(TaskQueue queue, TaskRunner runner) {
        parts.put(queue, new Part(queue, runner));
    }

    /** The actor has ended. */
    void remove(TaskQueue queue) {
        parts.remove(queue);
    }

    @Override
    public List<Map<String, Object>> rows() {
        List<Map<String, Object>> rows = new ArrayList<>();
        parts.values().forEach(part -> describe(part.queue, part.runner, rows));
        return rows;
    }

    private static void describe(TaskQueue queue, TaskRunner runner, List<Map<String, Object>> rows) {
        String state = queue.isBlocked() ? "BLOCKED" : "RUNNING";
        for (Incoming incoming : queue.present()) {
            Task task = incoming.task;
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("place", "worker");
            row.put("task", incoming.id.toString());
            row.put("name", runner.labelOf(task));
            row.put("state", incoming.startNs == 0 ? "QUEUED" : state);
            row.put("attempt", task.attempt);
            row.put("function", Id.isZero(task.function) ? "" : Id.of(task.function).toString());
            row.put("actor", Id.isZero(task.actor) ? "" : Id.of(task.actor).toString());
            row.put("language", "JAVA");
            row.put("submitted_ns", task.submittedNs);
            row.put("start_ns", incoming.startNs);
            TaskContext context = incoming.context;
            row.put("waits_for", context == null ? List.of() : context.waitsFor());
            rows.add(row);
        }
    }

    @Override
    public Collection<Thread> virtualThreads() {
        return CallThreads.running();
    }

    @Override
    public String taskOf(Thread thread) {
        for (TaskQueue queue : parts.keySet()) {
            for (Incoming incoming : queue.present()) {
                if (incoming.runner == thread) {
                    return incoming.id.toString();
                }
            }
        }
        return "";
    }
}
