package io.bowstring.internal.worker;

import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskEvent;
import io.bowstring.internal.wire.TaskEvents;
import io.bowstring.internal.wire.TaskFailure;
import io.bowstring.internal.wire.TaskStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What this worker has run, told to the node in batches (spec chapter 8). */
final class EventLog {
    private static final long EVENTS_EVERY_MS = 500;
    private static final int EVENTS_MAX = 1024;
    private static final int FAILURE_CHARS_MAX = 200;

    private final Session session;
    private final Map<String, Integer> labels = new LinkedHashMap<>();
    private List<TaskEvent> events = new ArrayList<>();
    private List<TaskFailure> failures = new ArrayList<>();
    private boolean scheduled;

    EventLog(Session session) {
        this.session = session;
    }

    /** Notes the end of an attempt; {@code label} is what people call its task. */
    void record(Task task, String label, long startNs, long durationNs, Outcome outcome) {
        boolean full;
        synchronized (this) {
            int place = labels.computeIfAbsent(label, each -> labels.size() + 1);
            if (outcome.error() != null && outcome.status() == TaskStatus.ERROR) {
                TaskFailure failure = new TaskFailure();
                failure.event = events.size();
                failure.code = outcome.error().code;
                failure.typeName = outcome.error().typeName;
                String message = outcome.error().message;
                failure.message = message.length() > FAILURE_CHARS_MAX ? message.substring(0, FAILURE_CHARS_MAX) : message;
                failures.add(failure);
            }
            events.add(new TaskEvent(task.id, task.function, startNs, durationNs, task.attempt, outcome.status(),
                    Language.JAVA, place, task.owner, task.submittedNs));
            full = events.size() >= EVENTS_MAX;
            if (!scheduled) {
                scheduled = true;
                session.reactor().schedule(EVENTS_EVERY_MS, () -> {
                    synchronized (this) {
                        scheduled = false;
                    }
                    flush();
                });
            }
        }
        if (full) {
            flush();
        }
    }

    /** Sends the events that are buffered. */
    void flush() {
        TaskEvents batch = new TaskEvents();
        synchronized (this) {
            if (events.isEmpty()) {
                return;
            }
            batch.events = events;
            batch.labels = List.copyOf(labels.keySet());
            batch.failures = failures;
            events = new ArrayList<>();
            failures = new ArrayList<>();
            labels.clear();
        }
        session.queue(batch);
    }
}
