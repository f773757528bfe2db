package io.bowstring.internal.testkit;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.errors.TaskUnschedulableException;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.ErrorRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;

/**
 * Tasks from their submission to their end: they wait for their arguments, then for what they take of the machine, run,
 * and are tried again if they may. Everything here is done under the runtime's lock, but for user code.
 */
final class TaskBoard {
    private final LocalRuntime runtime;
    private final AttemptRunner runner;
    private final Capacity capacity;
    private final ExecutorService threads;
    private final Set<LocalTask> tasks = new LinkedHashSet<>();
    private final ArrayDeque<LocalTask> queue = new ArrayDeque<>();
    private final ArrayDeque<LocalActor> unplaced = new ArrayDeque<>();

    TaskBoard(LocalRuntime runtime, AttemptRunner runner, Capacity capacity, ExecutorService threads) {
        this.runtime = runtime;
        this.runner = runner;
        this.capacity = capacity;
        this.threads = threads;
    }

    Capacity capacity() {
        return capacity;
    }

    /** Tasks that have not ended. */
    Set<LocalTask> tasks() {
        return tasks;
    }

    /** Takes a task; it goes on once its arguments are there. */
    void submit(LocalTask task) {
        tasks.add(task);
        for (Object argument : task.arguments) {
            if (argument instanceof LocalObject object && !object.isReady()) {
                task.missing++;
                object.onReady(() -> {
                    if (--task.missing == 0 && !task.done) {
                        resolved(task);
                    }
                });
            }
        }
        if (task.missing == 0) {
            resolved(task);
        }
    }

    private void resolved(LocalTask task) {
        for (Object argument : task.arguments) {
            Payload payload = argument instanceof LocalObject object ? object.payload() : null;
            if (payload != null && payload.encoding() == Encoding.ERROR) {
                complete(task, payload);
                if (task.actor != null) {
                    task.actor.resolved(task);
                }
                return;
            }
        }
        if (task.actor != null) {
            task.actor.resolved(task);
            return;
        }
        String never = capacity.neverFits(task.options.resources());
        if (never.isEmpty()) {
            queue.add(task);
            pump();
        } else {
            fail(task, new TaskUnschedulableException(task.displayName() + " can't be run: " + never));
        }
    }

    /** An actor that is ready to be made waits until there is room for it. */
    void place(LocalActor actor) {
        unplaced.add(actor);
        pump();
    }

    /** Starts whatever there is room for, in order; a task that needs much lets smaller ones pass. */
    void pump() {
        for (Iterator<LocalActor> each = unplaced.iterator(); each.hasNext(); ) {
            LocalActor actor = each.next();
            if (actor.isDead()) {
                each.remove();
            } else if (capacity.take(actor.demand())) {
                each.remove();
                actor.placed();
            }
        }
        for (Iterator<LocalTask> each = queue.iterator(); each.hasNext(); ) {
            LocalTask task = each.next();
            if (task.done) {
                each.remove();
            } else if (capacity.take(task.options.resources())) {
                each.remove();
                threads.execute(() -> run(task));
            }
        }
    }

    private void run(LocalTask task) {
        Ending ending = runner.run(task, null);
        synchronized (runtime.lock()) {
            capacity.giveBack(task.options.resources());
            if (!finish(task, ending)) {
                queue.add(task);
            }
            pump();
        }
    }

    /** An attempt has ended; false: there is another one. */
    boolean finish(LocalTask task, Ending ending) {
        if (task.done) {
            return true; // it was ended without its thread
        }
        ErrorRecord error = ending.error();
        boolean again = error != null && !ending.isCancelled() && !task.cancelled && task.stream == null
                && task.retryRule != null && task.retriesLeft != 0 && task.retryRule.matches(error);
        if (again) {
            task.retry();
            return false;
        }
        if (error != null) {
            complete(task, ErrorRecords.payload(error));
            return true;
        }
        end(task);
        if (task.stream != null) {
            task.stream.end(null);
        }
        for (int i = 0; i < task.results.size(); i++) {
            LocalValues.Written value = ending.values().get(i);
            task.results.get(i).complete(value.payload(), value.contained());
        }
        return true;
    }

    void fail(LocalTask task, BowstringException error) {
        if (!task.done) {
            complete(task, ErrorRecords.payload(ErrorRecords.of(error)));
        }
    }

    /** A task ends with an error, which all its results are. */
    private void complete(LocalTask task, Payload error) {
        end(task);
        if (task.stream != null) {
            task.stream.end(new LocalValues.Written(error, List.of()));
        }
        for (LocalObject result : task.results) {
            result.complete(error, List.of());
        }
    }

    private void end(LocalTask task) {
        task.done = true;
        tasks.remove(task);
    }

    // Waiting --------------------------------------------------------------------------------------------------------

    /** A task waits in user code, or goes on: its CPU is free meanwhile. */
    void blocked(LocalTask task, boolean waits) {
        synchronized (runtime.lock()) {
            Map<String, Long> taken = task.actor == null ? task.options.resources() : task.actor.demand();
            capacity.blocked(taken, waits);
            if (waits) {
                pump();
            }
        }
    }

    // Cancelling -----------------------------------------------------------------------------------------------------

    /** Cancels a task: a waiting one never starts, a running one is interrupted. */
    void cancel(LocalTask task, boolean force, boolean recursive) {
        if (task.done) {
            return;
        }
        if (task.actor != null && force) {
            throw new InvalidArgumentException("a call on an actor can't be forced to end; kill the actor");
        }
        task.cancelled = true;
        TaskContext context = task.context;
        boolean runs = context != null;
        if (task.interruptible != null) {
            task.interruptible.interrupt();
        }
        if (!runs) {
            fail(task, new TaskCancelledException(task.displayName() + " was cancelled before it started"));
            if (task.actor != null) {
                task.actor.pump();
            }
        } else if (force) {
            fail(task, new TaskCancelledException(task.displayName() + " was cancelled"));
        }
        if (recursive && context != null) {
            for (LocalTask child : List.copyOf(tasks)) {
                if (context.isParentOf(child.id.bytes())) {
                    cancel(child, force && child.actor == null, true);
                }
            }
        }
    }

    /** Nothing goes on: all that waits or runs fails. */
    void close(BowstringException why) {
        for (LocalTask task : new ArrayList<>(tasks)) {
            fail(task, why);
        }
        queue.clear();
        unplaced.clear();
    }
}
