package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.net.VirtualThreads;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ActorLog;
import io.bowstring.internal.wire.ActorStart;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The threads that take tasks from a queue and run them: function, arguments, user code, answer (spec sections 4.1 to 4.4).
 *
 * <p>A Result is written at once if nothing waits behind its task; else it goes out with the reactor's next round, which
 * is within a millisecond or so.
 */
final class TaskRunner {
    private static final Logger LOGGER = System.getLogger(TaskRunner.class.getName());
    /** Code that does not heed the end of its time has this long after it (spec section 4.9, rule 1). */
    private static final long DEAF_MS = 1000;
    /** How long a task that was cancelled waits for its children's end (spec section 4.6, rule 2). */
    private static final long CHILDREN_NS = TimeUnit.SECONDS.toNanos(5);
    /** With more calls at once than this, each has a virtual thread: fewer can keep their carriers busy for long. */
    private static final int CROWD = 16;
    private static final String TERMINATE = "__bowstring_terminate__"; // spec 5.2/8

    /** What ends with a task. */
    interface Ends {
        /** The process has run what it was for; it ends once it has answered. */
        void retire();

        /** User code can't be ended but with the process, which has nothing more to say. */
        void leave();

        /** The runtime can't go on. */
        void fatal(Throwable error);
    }

    private final Session session;
    private final TaskQueue queue;
    private final FunctionTable functions;
    private final EventLog events;
    private final Ends ends;
    private final ArgumentReader arguments;
    private final Answers answers;
    private final StreamWriter streams;
    private final Map<String, CallThreads> crowds = new ConcurrentHashMap<>();
    private volatile @Nullable HostedActor actor;
    private volatile @Nullable LoggedCalls logged;

    TaskRunner(Session session, TaskQueue queue, FunctionTable functions, EventLog events, Ends ends) {
        this.session = session;
        this.queue = queue;
        this.functions = functions;
        this.events = events;
        this.ends = ends;
        arguments = new ArgumentReader(session);
        answers = new Answers(session);
        streams = new StreamWriter(session, answers);
    }

    /** Starts the thread that takes tasks. */
    void start() {
        queue.allow("", 1, 1);
    }

    /** Starts one more thread of a group; {@code number}: how many it has. */
    void startThread(String group, int number) {
        String name = group.isEmpty() ? "bowstring-task" : "bowstring-" + group;
        new Thread(() -> loop(group), number == 0 ? name : name + "-" + number).start();
    }

    /** Returns once nothing waits or runs, and every answer that waited for its log is on its way. */
    void awaitIdle() throws InterruptedException {
        queue.awaitIdle(Long.MAX_VALUE);
        LoggedCalls calls = logged;
        if (calls != null) {
            calls.stop();
        }
    }

    private void loop(String group) {
        while (true) {
            try {
                Incoming incoming = queue.next(group);
                if (incoming == null) {
                    return;
                }
                CallThreads threads = crowds.get(group);
                if (threads == null) {
                    runAndForget(incoming);
                } else {
                    threads.run(() -> runAndForget(incoming));
                }
            } catch (InterruptedException late) {
                LOGGER.log(Level.TRACE, "an interrupt came after its task had ended", late);
            } catch (Throwable defect) {
                ends.fatal(defect); // a task has no answer: who waits for one must hear of an end
            }
        }
    }

    private void runAndForget(Incoming incoming) {
        boolean over = true;
        try {
            queue.enter();
            over = run(incoming);
        } catch (Throwable defect) {
            ends.fatal(defect);
        } finally {
            if (over) {
                queue.done(incoming);
            }
        }
    }

    /** So many calls of a group may overlap, on virtual threads if they are many and there are such, else on the system's. */
    private void allow(String group, long count) {
        if (count > CROWD && VirtualThreads.areThere()) {
            crowds.put(group, new CallThreads(
                    group.isEmpty() ? "bowstring-call-" : "bowstring-" + group + "-", Math.toIntExact(count)));
            queue.allow(group, Long.MAX_VALUE, 1); // the one that starts them, and waits when there are so many
        } else {
            queue.allow(group, count, count);
        }
    }

    // Running --------------------------------------------------------------------------------------------------------

    /** How a call's user code has ended, and when; {@code exits}: the actor wants to end. */
    record Ended(Outcome outcome, long startNs, long durationNs, boolean exits) {}

    /** Runs a task to its end; false: its stage goes on by itself, and somebody else may have it already. */
    private boolean run(Incoming incoming) {
        LoggedCalls calls = logged;
        if (calls != null) {
            calls.run(incoming);
            return true;
        }
        if (incoming.is(TaskFlag.EXACT)) {
            writeOut(incoming);
        }
        TaskContext context = incoming.awaited != null
                ? Objects.requireNonNull(incoming.context)
                : TaskContext.ofTask(incoming.task.id, incoming.task.attempt);
        Ended ended = perform(incoming, context);
        if (ended == null) {
            TaskContext.enter(null);
            return false;
        }
        if (incoming.recursive && ended.outcome.status() == TaskStatus.CANCELLED) {
            session.taskEnds().awaitChildren(context, CHILDREN_NS);
        }
        try {
            answers.answer(incoming, ended.outcome, context, ended.durationNs, queue.hasWaiting());
        } finally {
            over(incoming, ended);
        }
        if (ended.exits) {
            exit(incoming);
        } else if (incoming.is(TaskFlag.RETIRE) || ended.outcome.exhausted()) {
            retire(incoming);
        }
        return true;
    }

    /**
     * Runs user code; what this thread submits from here on, until {@link #over}, is the call's. Null: it has returned a
     * stage that goes on by itself, which no call does that is logged.
     */
    @Nullable Ended perform(Incoming incoming, TaskContext context) {
        Task task = incoming.task;
        Thread.currentThread().setContextClassLoader(functions.loader());
        incoming.context = context;
        TaskContext.enter(context);
        AwaitedStage awaited = incoming.awaited;
        long startNs = awaited == null ? System.currentTimeMillis() * 1_000_000 : incoming.startNs;
        incoming.startNs = startNs;
        incoming.runner = Thread.currentThread();
        long began = awaited == null ? System.nanoTime() : awaited.beganNs();
        boolean exits = false;
        Outcome outcome;
        try {
            outcome = attempt(incoming, began);
            if (outcome == null) {
                return null;
            }
        } catch (Worker.ActorExitSignal exit) {
            exits = true;
            queue.drain(false);
            outcome = answers.encode(Collections.nCopies(Math.max(0, task.numReturns), null), task);
        }
        return new Ended(outcome, startNs, System.nanoTime() - began, exits);
    }

    /** A call has been answered, or will be. */
    void over(Incoming incoming, Ended ended) {
        TaskContext.enter(null);
        events.record(incoming.task, labelOf(incoming.task), ended.startNs, ended.durationNs, ended.outcome);
    }

    /** The actor's last call is answered. */
    void exit(Incoming incoming) {
        events.flush();
        writeOut(incoming);
        Worker.exitAfterLastCall(session, Objects.requireNonNull(actor).id());
    }

    /** This was the last task of a worker that is no actor (spec section 4.9, rule 3). */
    private void retire(Incoming incoming) {
        if (!incoming.is(TaskFlag.METHOD)) {
            queue.drain(false);
            events.flush();
            writeOut(incoming);
            ends.retire();
        }
    }

    /** Its time is over: user code is interrupted, and if it does not heed that, the process ends under it. */
    private void expire(Incoming incoming, String name) {
        if (queue.timeOut(incoming) && !incoming.is(TaskFlag.METHOD)) {
            session.reactor().schedule(DEAF_MS, () -> {
                if (queue.isInUserCode(incoming)) {
                    new Thread(() -> endDeaf(incoming, name), "bowstring-deaf").start();
                }
            });
        }
    }

    /** Answers for user code that does not end, and ends the process; on a thread of its own, because it waits. */
    private void endDeaf(Incoming incoming, String name) {
        Outcome outcome = Outcome.timedOut(name, incoming.task.timeoutMs);
        // What the task keeps ends with the process; a fresh context keeps nothing.
        TaskContext nothingKept = TaskContext.ofTask(incoming.task.id, incoming.task.attempt);
        answers.answer(incoming, outcome, nothingKept, TimeUnit.MILLISECONDS.toNanos(incoming.task.timeoutMs), true);
        queue.drain(false);
        events.record(incoming.task, labelOf(incoming.task), incoming.startNs, incoming.task.timeoutMs * 1_000_000, outcome);
        events.flush();
        session.reactor().flush();
        try {
            incoming.caller.connection().awaitWritten(0, TimeUnit.MILLISECONDS.toNanos(DEAF_MS));
        } catch (InterruptedException error) {
            LOGGER.log(Level.TRACE, "ending at once", error);
        }
        ends.leave();
    }

    /** Every result so far is in the socket, or nobody reads them (spec section 4.4, rule 3). */
    private static void writeOut(Incoming incoming) {
        incoming.caller.connection().awaitWritten(0);
    }

    private @Nullable Outcome attempt(Incoming incoming, long began) {
        Task task = incoming.task;
        AwaitedStage awaited = incoming.awaited;
        List<Object> held = awaited == null ? new ArrayList<>() : awaited.held();
        String name = awaited == null ? task.name : awaited.name();
        try {
            HostedActor receiver = incoming.is(TaskFlag.METHOD) ? actor() : null;
            if (receiver != null) {
                receiver.checkGroup(task);
            }
            if (awaited != null && (incoming.cancelled || incoming.timedOut)) {
                awaited.future().cancel(true); // on this thread, since others may be told of it by user code
                return incoming.timedOut ? Outcome.timedOut(name, task.timeoutMs) : Outcome.cancelled(name);
            }
            // A call that is logged is not interrupted (spec 5.4/2).
            if (logged == null && !queue.enterUserCode(incoming)) {
                return Outcome.cancelled(name);
            }
            List<@Nullable Object> values = List.of();
            try {
                if (receiver != null && task.method.equals(TERMINATE)) {
                    throw new Worker.ActorExitSignal();
                }
                Invocation.Ready ready = null;
                if (awaited == null) {
                    Invocation invocation = receiver == null ? functions.invocation(task) : receiver.invocation(task);
                    name = name.isEmpty() ? invocation.name() : name;
                    ready = invocation.prepare(arguments.read(task, invocation, incoming.body, held));
                    if (task.timeoutMs > 0) {
                        String known = name;
                        session.reactor().schedule(task.timeoutMs, () -> expire(incoming, known));
                    }
                }
                try {
                    Object value = ready == null
                            ? Objects.requireNonNull(awaited).future()
                            : ready.call(receiver == null ? null : receiver.instance());
                    if (value instanceof CompletionStage<?> stage) {
                        CompletableFuture<?> future = stage.toCompletableFuture();
                        if (receiver != null && mayLeave(future)) {
                            future.whenComplete((result, error) -> queue.stageEnded(incoming));
                            queue.suspend(incoming, new AwaitedStage(future, name, held, began));
                            return null;
                        }
                        value = settled(future);
                    }
                    if (incoming.items != null) {
                        streams.write(incoming, value, name);
                    } else {
                        values = Results.of(task.numReturns, value, name);
                    }
                } catch (Worker.ActorExitSignal exit) {
                    throw exit;
                } catch (Results.Misfit misfit) {
                    return Outcome.failed(misfit.why());
                } catch (StreamWriter.Unsent unsent) {
                    return Outcome.failed(unsent.why);
                } catch (Throwable error) {
                    return thrown(incoming, name, error);
                }
            } finally {
                queue.leaveUserCode(incoming);
            }
            if (incoming.timedOut) {
                return Outcome.timedOut(name, task.timeoutMs);
            }
            return answers.encode(values, task);
        } catch (TaskCancelledException error) {
            return incoming.cancelled ? Outcome.cancelled(name)
                    : incoming.timedOut ? Outcome.timedOut(name, task.timeoutMs)
                    : Outcome.failed(error);
        } catch (BowstringException error) {
            return Outcome.failed(error);
        } catch (Worker.ActorExitSignal exit) {
            throw exit;
        } catch (Throwable error) {
            return Outcome.failed(ErrorRecords.ofUserCode(error, name, task.id, session.nodeId()));
        } finally {
            Reference.reachabilityFence(held);
        }
    }

    private HostedActor actor() {
        HostedActor hosted = actor;
        if (hosted == null) {
            throw new FunctionNotFoundException("this worker is no actor");
        }
        return hosted;
    }

    /**
     * Whether this thread need not wait for what an actor's method has returned. A virtual one may as well, and the next
     * call that is logged must not start before this one has ended.
     */
    private boolean mayLeave(CompletableFuture<?> future) {
        return !future.isDone() && logged == null && !VirtualThreads.isCurrent();
    }

    /** The value that an asynchronous method ends with; an interrupt cancels it. */
    private static @Nullable Object settled(CompletableFuture<?> future) throws Throwable {
        try {
            return future.get();
        } catch (ExecutionException error) {
            throw error.getCause();
        } catch (InterruptedException cancelled) {
            future.cancel(true);
            throw cancelled;
        }
    }

    private Outcome thrown(Incoming incoming, String name, Throwable error) {
        boolean interrupted = error instanceof InterruptedException || error instanceof TaskCancelledException;
        if (incoming.timedOut) {
            return Outcome.timedOut(name, incoming.task.timeoutMs);
        }
        if (incoming.cancelled && interrupted) {
            return Outcome.cancelled(name);
        }
        return Outcome.failed(ErrorRecords.ofUserCode(error, name, incoming.task.id, session.nodeId()));
    }

    /** Answers a call that is not started. */
    void refuse(Incoming incoming, BowstringException why) {
        TaskContext context = TaskContext.ofTask(incoming.task.id, 0);
        answers.answer(incoming, Outcome.failed(why), context, 0, queue.hasWaiting());
    }

    /** Runs a call of an earlier life of the actor again for its effect; its result, or its error, is known. */
    void replay(Frame call, int run) {
        Task task = Task.decode(call.metadata());
        TaskContext before = TaskContext.swap(TaskContext.ofRun(task.id, task.attempt, run));
        List<Object> held = new ArrayList<>();
        try {
            HostedActor receiver = actor();
            Invocation invocation = receiver.invocation(task);
            Object value = invocation.prepare(arguments.read(task, invocation, call.body(), held))
                    .call(receiver.instance());
            if (value instanceof CompletionStage<?> stage) {
                value = settled(stage.toCompletableFuture());
            }
            Results.of(task.numReturns, value, "");
        } catch (Throwable sameAsBefore) {
            LOGGER.log(Level.TRACE, "a call ended so before", sameAsBefore);
        } finally {
            TaskContext.swap(before);
            Reference.reachabilityFence(held);
        }
    }

    /** A task that was cancelled before it started. */
    void cancelled(Incoming incoming) {
        TaskContext context = TaskContext.ofTask(incoming.task.id, 0);
        answers.answer(incoming, Outcome.cancelled(incoming.task.name), context, 0, queue.hasWaiting());
    }

    /** What people call a task. */
    String labelOf(Task task) {
        if (!task.name.isEmpty()) {
            return task.name;
        }
        if (task.method.isEmpty()) {
            return functions.labelOf(task);
        }
        HostedActor hosted = actor;
        return hosted == null ? task.method : hosted.labelOf(task);
    }

    // Actors ---------------------------------------------------------------------------------------------------------

    /** The actor that this runner is made for has checkpoints. */
    void logs(ActorStart start) {
        logged = new LoggedCalls(session, this, answers, queue, start);
    }

    /** An entry of the log of the actor's earlier lives. */
    void replays(ActorLog entry, byte[] body) {
        LoggedCalls calls = logged;
        if (calls == null) {
            throw new ProtocolException("ActorLog for an actor without checkpoints");
        }
        calls.before(entry, body);
    }

    /** Runs the constructor on a thread of its own, then lets calls run; {@code done} hears null or the error. */
    void construct(HostedActor made, Task task, byte[] body, Consumer<@Nullable BowstringException> done) {
        actor = made;
        Thread thread = new Thread(() -> {
            queue.enter();
            Thread.currentThread().setContextClassLoader(functions.loader());
            BowstringException error = made.construct(session, functions, task, body);
            LoggedCalls calls = logged;
            if (error == null && calls != null) {
                error = calls.begin(made.instance(), functions.loader());
            }
            if (error == null) {
                if (!made.groups().isEmpty()) {
                    queue.setGroups(call -> made.groupOf(call.task));
                }
                allow("", made.maxConcurrency());
                made.groups().forEach(this::allow);
            }
            done.accept(error);
        }, "bowstring-constructor");
        thread.start();
    }
}
