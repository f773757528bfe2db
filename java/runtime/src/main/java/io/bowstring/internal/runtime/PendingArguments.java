package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Language;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Tasks whose arguments are not there yet. Once they are it is decided how each is passed, and the task goes on: to the
 * leases, to its actor, or to the node, which makes an actor of it. Guarded by the session's lock.
 */
final class PendingArguments {
    private final Session session;
    /** Tasks, but no calls of actors. */
    private final Set<PendingTask> unresolved = new LinkedHashSet<>();

    PendingArguments(Session session) {
        this.session = session;
    }

    /** True if every argument is there; else the task goes on when the last one is. The lock is held. */
    boolean resolve(PendingTask task) {
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry != null && !entry.isReady()) {
                task.dependencies++;
                entry.onReady(() -> {
                    if (--task.dependencies > 0) {
                        return;
                    }
                    unresolved.remove(task);
                    if (!task.done && choosePayloads(task)) {
                        if (task.creation != null) {
                            task.creation.send().run();
                        } else if (task.actor != null) {
                            task.actor.pump();
                        } else {
                            session.leases().enqueue(task);
                        }
                    }
                });
                session.objects().watch(entry);
            }
        }
        if (task.dependencies > 0 && task.actor == null) {
            unresolved.add(task);
        }
        return task.dependencies == 0 && choosePayloads(task);
    }

    /** A task has ended before its arguments were there; the lock is held. */
    void forget(PendingTask task) {
        unresolved.remove(task);
    }

    /** Rows of the tasks that wait for their arguments; the lock is held. */
    void describe(List<Map<String, Object>> rows) {
        for (PendingTask task : unresolved) {
            if (!task.done) {
                rows.add(Inspection.call(task, "PENDING_ARGUMENTS", task.function.language()));
            }
        }
    }

    /** Decides how each resolved reference is passed; false: an argument is an error, which is the task's end. */
    private boolean choosePayloads(PendingTask task) {
        int own = task.function.language() == Language.JAVA ? Encoding.JAVA : Encoding.PYTHON;
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry == null) {
                continue;
            }
            Payload local = entry.local;
            if (local == null) {
                continue;
            }
            if (local.encoding() == Encoding.ERROR) {
                task.done = true;
                if (task.creation != null) {
                    task.creation.link().failed(exceptionOf(local));
                } else if (task.stream != null) {
                    task.stream.end(local);
                } else {
                    task.results.forEach(result -> session.objects().completeLocal(result, local, List.of()));
                }
                session.taskEnds().release(task);
                if (task.actor != null) {
                    task.actor.pump();
                }
                return false;
            }
            boolean foreign = (local.encoding() == Encoding.PYTHON || local.encoding() == Encoding.JAVA)
                    && local.encoding() != own;
            if (foreign || local.size() > session.inlineBytesMax()) {
                session.objects().publish(entry);
            } else {
                session.objects().publishAll(entry.nested);
                slot.payload = local;
            }
        }
        for (PendingTask.Slot slot : task.slots) {
            if (slot.payload == null) {
                session.objects().publish(Objects.requireNonNull(slot.entry));
            }
        }
        task.resolved = true;
        return true;
    }

    private BowstringException exceptionOf(Payload payload) {
        try {
            session.reader().decode(payload, null);
        } catch (BowstringException error) {
            return error;
        }
        throw new IllegalStateException("a payload of an error is none");
    }
}
