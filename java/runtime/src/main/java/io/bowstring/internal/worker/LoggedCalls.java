package io.bowstring.internal.worker;

import io.bowstring.Checkpointed;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.ObjectReference;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ActorLog;
import io.bowstring.internal.wire.ActorStart;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.CallerMark;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.WireRef;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Calls of an actor with checkpoints: applied once each, whenever the process is killed (spec section 5.4).
 *
 * <p>What protects a call is an order of writes. Its ActorLog goes to the node's socket to the end before its Result goes
 * to the caller's; a process that is killed leaves behind what it has written and nothing else. So either the node has the
 * log, and the next incarnation runs the call again to come to the same state, and has its Result; or the node has no log,
 * neither the state nor the caller has heard of the call, and the caller sends it again.
 *
 * <p>Results wait in {@code held} until the log is written; a batch of calls is logged with one write. A state travels in
 * the log of the call after which it was saved: there is no moment in which one is there and the other is not.
 *
 * <p>Calls run one after the other on the task thread. The lock is for what the reactor's timer sees too: the Results on
 * their way. Nothing of the user's runs under it.
 */
final class LoggedCalls {
    private static final Logger LOGGER = System.getLogger(LoggedCalls.class.getName());
    /** A log of this size has the state saved (spec 5.4/3). */
    private static final long SAVE_BYTES = 4 << 20;
    /** Calls, and bytes, that are logged while the state can't be saved (spec 5.4/4). */
    private static final int LOG_CALLS_MAX = 16_384;
    private static final long LOG_BYTES_MAX = 32 << 20;
    /** Workers that may end while a call is next in line (spec 5.4/7). */
    private static final int LOSSES_MAX = 16;
    /** Results do not wait longer for their log while a call runs (spec 4.4/6 allows 5 ms). */
    private static final long HELD_MS = 4;
    /** Between calls, results of this time are written together. */
    private static final long BATCH_NS = 1_000_000;
    /** A node that reads slowly must not make the log pile up here. */
    private static final long UNWRITTEN_BYTES_MAX = 1 << 20;

    private record Held(Connection connection, ByteBuffer result, CallerMark mark) {}

    private record Entry(ActorLog message, byte[] body) {}

    private final Session session;
    private final TaskRunner runner;
    private final Answers answers;
    private final TaskQueue queue;
    private final ActorStart start;
    private final byte[] actorId;
    private final long interval;
    private final int lossesMax;
    private final List<Entry> history = new ArrayList<>();
    private final CompletableFuture<@Nullable Void> historyIsHere = new CompletableFuture<>();
    private final Map<Long, Long> marks = new HashMap<>();
    /** Results of earlier incarnations, by caller and sequence. */
    private final Map<Long, NavigableMap<Long, byte[]>> kept = new HashMap<>();
    /** Results whose log is not written. */
    private final List<Held> held = new ArrayList<>();
    /** Results that a full socket did not take. */
    private final Map<Connection, List<CallerMark>> unsent = new HashMap<>();
    /** Ids of children and puts come from the attempt: no two runs of one call may make the same. */
    private int nextRun = new SecureRandom().nextInt() & 0x3FFF_FFFF | 1;

    private @Nullable Checkpointed<Object> actor;
    private int calls; // in the log since the state was saved
    private long bytes;
    private long saveAtCalls;
    private long saveAtBytes = SAVE_BYTES;
    private String saveFailure = "";
    private boolean timerRuns;
    private long flushedNs = System.nanoTime();

    LoggedCalls(Session session, TaskRunner runner, Answers answers, TaskQueue queue, ActorStart start) {
        this.session = session;
        this.runner = runner;
        this.answers = answers;
        this.queue = queue;
        this.start = start;
        actorId = Id.of(start.handle.ref.id()).task();
        interval = start.handle.checkpointInterval;
        lossesMax = start.handle.maxTaskRetries == 0 ? LOSSES_MAX : start.handle.maxTaskRetries;
        saveAtCalls = interval;
        start.callers.forEach(mark -> marks.put(mark.process(), mark.sequence()));
        if (start.replay == 0) {
            historyIsHere.complete(null);
        }
    }

    // The life before ------------------------------------------------------------------------------------------------

    /** An entry of the log of earlier incarnations; on the reactor's thread. */
    void before(ActorLog message, byte[] body) {
        history.add(new Entry(message, body));
        if (history.size() == start.replay) {
            historyIsHere.complete(null);
        }
    }

    /** Once the constructor is done: comes to where the last incarnation was. Null, or why there is no actor. */
    @Nullable BowstringException begin(@Nullable Object made, ClassLoader loader) {
        try {
            resume(made);
            return null;
        } catch (BowstringException error) {
            return error;
        } catch (Throwable error) {
            return ErrorRecords.exception(ErrorRecords.ofUserCode(
                    error, Checkpointed.class.getSimpleName(), actorId, session.nodeId()), loader);
        }
    }

    @SuppressWarnings("unchecked")
    private void resume(@Nullable Object made) throws Exception {
        if (!(made instanceof Checkpointed<?>)) {
            throw new InvalidArgumentException((made == null ? "null" : made.getClass().getName()) + " is made with a checkpoint interval, and must"
                    + " implement " + Checkpointed.class.getName());
        }
        actor = (Checkpointed<Object>) made;
        session.reader().await(historyIsHere);
        boolean saved = !Id.isZero(start.state.id());
        if (saved) {
            ObjectReference<?> reference = (ObjectReference<?>) session.references().readRef(start.state, null);
            actor.restoreCheckpoint(((Object[]) reference.get())[0]);
            reference.release();
        }
        for (Entry entry : history) {
            ActorLog message = entry.message;
            int length = (int) message.taskLength;
            if (!message.applied) {
                runner.replay(FrameParser.only(entry.body, 0, length), nextRun++);
            }
            if (entry.body.length > length) {
                byte[] result = Arrays.copyOfRange(entry.body, length, entry.body.length);
                kept.computeIfAbsent(message.caller, each -> new TreeMap<>()).put(message.sequence, result);
                marks.merge(message.caller, message.sequence, Math::max);
            }
            bytes += entry.body.length;
        }
        calls = history.size();
        history.clear();
        if (!saved || calls > 0) {
            boolean first = !saved && calls == 0;
            ObjectReference<?> state = save();
            if (state != null) {
                logState(state);
            } else if (first) {
                throw error(ErrorCode.INTERNAL, "saveCheckpoint failed: " + saveFailure);
            }
        }
    }

    // Calls ----------------------------------------------------------------------------------------------------------

    /** On the task thread: answers a call that is applied already; else applies it. */
    void run(Incoming incoming) {
        Task task = incoming.task;
        NavigableMap<Long, byte[]> results = kept.get(task.owner);
        if (results != null) {
            results.headMap(task.sequence).clear(); // the caller has them, or has asked and is being answered
        }
        BowstringException refused;
        if (task.sequence <= marks.getOrDefault(task.owner, -1L)) {
            answerAgain(incoming, results == null ? null : results.get(task.sequence));
        } else if (incoming.cancelled) {
            runner.cancelled(incoming);
        } else if ((refused = refusal(incoming)) != null) {
            runner.refuse(incoming, refused);
        } else {
            session.awaitWrittenToNode(UNWRITTEN_BYTES_MAX);
            apply(incoming);
        }
        if (task.attempt != 0) {
            // A worker ended when this was next in line. If the one behind it is to blame, this must be seen to be done.
            stop();
        } else if (!queue.hasWaiting() || System.nanoTime() - flushedNs > BATCH_NS) {
            flush();
        }
    }

    private void answerAgain(Incoming incoming, byte @Nullable [] result) {
        Task task = incoming.task;
        if (result == null) {
            runner.refuse(incoming, error(ErrorCode.INTERNAL,
                    runner.labelOf(task) + " was applied before, and its result is gone"));
            return;
        }
        Frame frame = FrameParser.only(result, 0, result.length);
        Result answer = Result.decode(frame.metadata());
        answer.attempt = task.attempt;
        // Among those that are held, so that the next state is told that it may not have been written.
        hold(incoming, Frame.encode(answer, frame.body()));
    }

    /** Why a call is not to be started. */
    private @Nullable BowstringException refusal(Incoming incoming) {
        Task task = incoming.task;
        String name = runner.labelOf(task);
        if (task.numReturns < 0) {
            return new InvalidArgumentException(name + ": a method of an actor with checkpoints can't stream");
        }
        if (lossesMax >= 0 && task.attempt >= lossesMax) {
            return error(ErrorCode.WORKER_CRASHED, name + " was next in line " + task.attempt
                    + " times when the actor's process ended; it is not applied");
        }
        if (incoming.body.length > Frame.BODY_BYTES_MAX / 2) {
            return new InvalidArgumentException(
                    name + ": " + incoming.body.length + " bytes of arguments can't be logged; put them first");
        }
        if (calls >= LOG_CALLS_MAX || bytes >= LOG_BYTES_MAX) {
            int logged = calls;
            ObjectReference<?> state = save();
            if (state == null) {
                return error(ErrorCode.INTERNAL, name + " is not started: " + logged
                        + " calls are logged and the actor's state can't be saved: " + saveFailure);
            }
            logState(state);
        }
        return null;
    }

    private static BowstringException error(ErrorCode code, String message) {
        return code.exception(ErrorDetails.of(code, message), null);
    }

    private void apply(Incoming incoming) {
        Task task = incoming.task;
        TaskContext context = TaskContext.ofRun(task.id, task.attempt, nextRun++);
        TaskRunner.Ended ended = Objects.requireNonNull(runner.perform(incoming, context));
        try {
            ByteBuffer result = answers.frame(incoming, ended.outcome(), context, ended.durationNs());
            if (ended.exits()) {
                stop();
                incoming.caller.connection().send(result);
            } else {
                log(incoming, result, ended.durationNs(), context);
            }
        } finally {
            runner.over(incoming, ended);
            Reference.reachabilityFence(context);
        }
        if (ended.exits()) {
            runner.exit(incoming);
        }
    }

    // The log --------------------------------------------------------------------------------------------------------

    /** Logs a call that was applied, with the state if that is due, and holds its Result until the log is written. */
    private void log(Incoming incoming, ByteBuffer made, long durationNs, TaskContext context) {
        Task task = incoming.task;
        ByteBuffer result = made;
        ByteBuffer asked = Frame.encode(task, incoming.body);
        if (asked.remaining() + result.remaining() > Frame.BODY_BYTES_MAX) {
            Outcome refused = Outcome.failed(ErrorRecords.of(ErrorCode.INTERNAL,
                    runner.labelOf(task) + ": " + result.remaining() + " bytes of results can't be logged"));
            result = answers.frame(incoming, refused, context, durationNs);
        }
        marks.put(task.owner, task.sequence);
        calls++;
        bytes += asked.remaining() + result.remaining();
        ObjectReference<?> state = calls >= saveAtCalls || bytes >= saveAtBytes ? save() : null;
        ActorLog entry = entry();
        entry.caller = task.owner;
        entry.sequence = task.sequence;
        entry.taskLength = asked.remaining();
        entry.contains = different(context.noted());
        ByteBuffer body = ByteBuffer.allocate(asked.remaining() + result.remaining());
        body.put(asked.duplicate()).put(result.duplicate()).flip();
        synchronized (this) {
            if (state != null) {
                entry.state = Objects.requireNonNull(session.references().refOf(state));
                entry.unanswered = unanswered();
            }
            session.queue(Frame.encode(entry, body));
            hold(incoming, result);
        }
        if (state != null) {
            state.release(); // the node holds it as soon as it reads the entry
        }
    }

    private static List<WireRef> different(List<WireRef> refs) {
        Set<Id> known = new HashSet<>();
        List<WireRef> contains = new ArrayList<>(refs.size());
        for (WireRef ref : refs) {
            if (known.add(Id.of(ref.id()))) {
                contains.add(ref);
            }
        }
        return contains;
    }

    /** References that stand alone among a call's arguments. */
    static List<WireRef> referencesOf(Task task) {
        List<WireRef> refs = new ArrayList<>();
        for (Arg arg : task.args) {
            if (arg.kind() == ArgKind.REF) {
                refs.add(new WireRef(arg.refId(), arg.refFlags(), arg.refOwner(), arg.refHome()));
            }
        }
        return refs;
    }

    /** Logs a state between two calls. */
    private void logState(ObjectReference<?> state) {
        ActorLog entry = entry();
        synchronized (this) {
            entry.state = Objects.requireNonNull(session.references().refOf(state));
            entry.unanswered = unanswered();
            session.queue(entry);
        }
        state.release();
    }

    private ActorLog entry() {
        ActorLog entry = new ActorLog();
        entry.actor = actorId;
        entry.incarnation = start.incarnation;
        return entry;
    }

    /** Calls whose Results may not have reached their callers; the lock is held. */
    private List<CallerMark> unanswered() {
        List<CallerMark> found = new ArrayList<>();
        held.forEach(each -> found.add(each.mark));
        unsent.values().forEach(found::addAll);
        kept.forEach((caller, results) ->
                results.keySet().forEach(sequence -> found.add(new CallerMark(caller, sequence))));
        return found;
    }

    /** Makes an object of the actor's state; null: it can't be saved now. */
    private @Nullable ObjectReference<?> save() {
        Checkpointed<Object> saved = Objects.requireNonNull(actor);
        TaskContext before = TaskContext.swap(null); // the state's id must not depend on the call before it
        try {
            ObjectReference<?> state = session.writer().putPublished(new Object[] {saved.saveCheckpoint()});
            saveFailure = "";
            calls = 0;
            bytes = 0;
            saveAtCalls = interval;
            saveAtBytes = SAVE_BYTES;
            return state;
        } catch (Exception | StackOverflowError | LinkageError error) {
            if (saveFailure.isEmpty()) {
                LOGGER.log(Level.WARNING, "the state of " + saved.getClass().getSimpleName()
                        + " can't be saved, and is tried again later", error);
            }
            saveFailure = error.toString();
            saveAtCalls = calls + interval;
            saveAtBytes = bytes + SAVE_BYTES;
            return null;
        } finally {
            TaskContext.swap(before);
        }
    }

    // Results --------------------------------------------------------------------------------------------------------

    private synchronized void hold(Incoming incoming, ByteBuffer result) {
        Task task = incoming.task;
        held.add(new Held(incoming.caller.connection(), result, new CallerMark(task.owner, task.sequence)));
        flushLater();
    }

    /** Writes the log; then, if it is written to its end, the Results that wait for it. */
    private synchronized void flush() {
        flushedNs = System.nanoTime();
        session.flushNode();
        if (session.unwrittenToNode() > 0) {
            flushLater();
        } else {
            for (Held each : held) {
                each.connection.queue(each.result);
                unsent.computeIfAbsent(each.connection, unused -> new ArrayList<>()).add(each.mark);
            }
            held.clear();
        }
        unsent.keySet().forEach(Connection::flush);
        unsent.keySet().removeIf(connection -> connection.unwrittenBytes() == 0);
    }

    /** A call that runs for long must not hold up the Results before it; the lock is held. */
    private void flushLater() {
        if (!timerRuns) {
            timerRuns = true;
            session.reactor().schedule(HELD_MS, () -> {
                synchronized (this) {
                    timerRuns = false;
                    if (!held.isEmpty()) {
                        flush();
                    }
                }
            });
        }
    }

    /** Sees every Result off. */
    void stop() {
        while (true) {
            flush();
            synchronized (this) {
                if (held.isEmpty()) {
                    return;
                }
            }
            session.awaitWrittenToNode(0);
        }
    }
}
