package io.bowstring.internal.testkit;

import io.bowstring.Checkpointed;
import io.bowstring.errors.ActorDiedException;
import io.bowstring.errors.ActorUnavailableException;
import io.bowstring.errors.ActorUnschedulableException;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.PendingCallsLimitException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.MethodDeclarations;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.worker.Invocation;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * An actor: it waits for its constructor's arguments and for room, is made, and runs its calls on threads of its own, each
 * caller's in order. Its end, by {@code kill} or by leaving, gives back what it took; if it may it is made anew, from
 * its constructor, and calls that may be retried are made again.
 *
 * <p>A thread that is in a call when the actor ends is interrupted, and what it makes afterwards is dropped: its number of
 * the life is not the present one. Guarded by the runtime's lock.
 */
final class LocalActor {
    private static final Logger LOGGER = System.getLogger(LocalActor.class.getName());

    private enum Life {
        PENDING, ALIVE, RESTARTING, DEAD
    }

    private final LocalRuntime runtime;
    private final WireHandle wire;
    private final CallOptions options;
    private final Id id;
    private final Map<Id, ArrayDeque<LocalTask>> callers = new LinkedHashMap<>();
    private final ArrayDeque<LocalTask> ready = new ArrayDeque<>();
    private final List<LocalTask> running = new ArrayList<>();
    private final Map<String, Integer> free = new HashMap<>();
    private final Map<String, ExecutorService> threads = new HashMap<>();
    /** Answered calls since the state was saved, of an actor with checkpoints. */
    private final List<LocalTask> logged = new ArrayList<>();
    private LocalValues.@Nullable Written saved;
    private @Nullable LocalTask creation;
    private @Nullable Living living;
    private @Nullable BowstringException why;
    private Life life = Life.PENDING;
    private boolean placed;
    private int handles;
    private int restartsLeft;
    private boolean restarted;
    private long incarnation;

    LocalActor(LocalRuntime runtime, WireHandle wire, CallOptions options) {
        this.runtime = runtime;
        this.wire = wire;
        this.options = options;
        id = Id.of(Id.of(wire.ref.id()).task());
        restartsLeft = options.maxRestarts;
    }

    /** The actor as it is between its constructor and its end. */
    final class Living {
        private final Object instance;
        private final Map<String, Invocation> methods = new ConcurrentHashMap<>();
        private final Map<String, String> declaredGroups;

        Living(Object instance) {
            this.instance = instance;
            declaredGroups = options.concurrencyGroups.isEmpty()
                    ? Map.of()
                    : MethodDeclarations.groups(instance.getClass());
        }

        Object instance() {
            return instance;
        }

        Invocation method(String named) {
            return methods.computeIfAbsent(named, each -> Invocation.ofInstance(instance.getClass(), each));
        }

        /** Refuses a call that names a group which the actor does not have (spec section 5.2, rule 4). */
        void checkGroup(LocalTask call) {
            String group = call.options.concurrencyGroup;
            if (!group.isEmpty() && !options.concurrencyGroups.containsKey(group)) {
                throw new InvalidArgumentException("the actor has no concurrency group " + group
                        + (options.concurrencyGroups.isEmpty()
                                ? ""
                                : "; it has " + String.join(", ", options.concurrencyGroups.keySet())));
            }
        }

        private String groupOf(LocalTask call) {
            int descriptor = call.method.indexOf('(');
            String method = descriptor < 0 ? call.method : call.method.substring(0, descriptor);
            String group = call.options.concurrencyGroup.isEmpty()
                    ? declaredGroups.getOrDefault(method, "")
                    : call.options.concurrencyGroup;
            return options.concurrencyGroups.containsKey(group) ? group : "";
        }
    }

    // Facts ----------------------------------------------------------------------------------------------------------

    LocalRuntime runtime() {
        return runtime;
    }

    WireHandle wire() {
        return wire;
    }

    Id id() {
        return id;
    }

    String className() {
        return wire.module;
    }

    String name() {
        return options.name;
    }

    String lifeName() {
        return life.name();
    }

    boolean wasRestarted() {
        return restarted;
    }

    int restartsLeft() {
        return restartsLeft;
    }

    boolean isDead() {
        return life == Life.DEAD;
    }

    /** What it takes while it lives. */
    Map<String, Long> demand() {
        return options.resources();
    }

    void addHandle() {
        handles++;
    }

    void dropHandle() {
        handles--;
        retire();
    }

    /** An actor that nobody can call any more ends after its last call. */
    private void retire() {
        boolean idle = callers.isEmpty() && ready.isEmpty() && running.isEmpty();
        if (handles == 0 && idle && !options.detached && life == Life.ALIVE) {
            end(new ActorDiedException("the last handle of the actor is gone"), false);
        }
    }

    // Calls ----------------------------------------------------------------------------------------------------------

    /** The task whose end makes the actor. */
    void madeBy(LocalTask task) {
        creation = task;
    }

    /** Takes a call, behind the earlier ones of its caller. */
    void call(LocalTask call) {
        if (options.maxPendingCalls > 0) {
            long pending = runtime.board().tasks().stream()
                    .filter(each -> each.actor == this && each != creation && each.caller.equals(call.caller))
                    .count();
            if (pending >= options.maxPendingCalls) {
                throw new PendingCallsLimitException("this process has " + options.maxPendingCalls + " calls pending on"
                        + " the actor " + wire.module + ", which is its limit; wait for some of them first");
            }
        }
        callers.computeIfAbsent(call.caller, each -> new ArrayDeque<>()).add(call);
        runtime.board().submit(call);
        pump();
    }

    /** The arguments of a call, or of the constructor, are there. */
    void resolved(LocalTask task) {
        if (task != creation) {
            pump();
        } else if (task.done) {
            end(failure(task), false);
        } else {
            String never = runtime.board().capacity().neverFits(demand());
            if (never.isEmpty()) {
                runtime.board().place(this);
            } else {
                end(new ActorUnschedulableException("the actor " + wire.module + " can't be made: " + never), false);
            }
        }
    }

    private BowstringException failure(LocalTask task) {
        try {
            Payload payload = task.results.get(0).payload();
            if (payload != null) {
                runtime.values().read(payload, null);
            }
        } catch (BowstringException error) {
            return error;
        }
        return new ActorDiedException("its constructor did not run");
    }

    /** There is room for it. */
    void placed() {
        placed = true;
        construct();
    }

    private void construct() {
        LocalTask task = creation;
        if (task == null) {
            throw new IllegalStateException("an actor that nobody makes");
        }
        long of = incarnation;
        runtime.thread("bowstring-constructor", () -> {
            Living made = null;
            BowstringException error = null;
            try {
                made = runtime.runner().construct(task, this);
            } catch (BowstringException failed) {
                error = failed;
            }
            synchronized (runtime.lock()) {
                if (of == incarnation && made != null) {
                    started(made);
                } else if (of == incarnation && error != null) {
                    end(error, false);
                }
            }
        });
    }

    /** What the constructor made, brought to where the actor was (spec section 5.4). */
    @SuppressWarnings({"unchecked", "NullAway"}) // the actor's class says whether its state can be null
    Living resumed(Object instance) throws Exception {
        Living made = new Living(instance);
        LocalValues.Written state;
        List<LocalTask> again;
        synchronized (runtime.lock()) {
            state = saved;
            again = List.copyOf(logged);
        }
        if (state != null) {
            ((Checkpointed<@Nullable Object>) instance).restoreCheckpoint(runtime.values().read(state.payload(), null));
        }
        again.forEach(call -> runtime.runner().replay(call, made));
        return made;
    }

    /** A call of an actor with checkpoints is over: its state is saved as often as its maker said. */
    private void log(LocalTask call, Living now, long of) {
        int count;
        synchronized (runtime.lock()) {
            if (of != incarnation) {
                return; // it is made again by another life, which did not see it
            }
            logged.add(call);
            count = logged.size();
        }
        if (count < options.checkpointInterval) {
            return;
        }
        try {
            LocalValues.Written state = runtime.values().write(((Checkpointed<?>) now.instance()).saveCheckpoint());
            synchronized (runtime.lock()) {
                if (of == incarnation) {
                    saved = state;
                    logged.clear();
                }
            }
        } catch (Exception | StackOverflowError | LinkageError error) {
            LOGGER.log(Level.WARNING, "the state of " + wire.module + " can't be saved, and is tried again later", error);
        }
    }

    private void started(Living made) {
        living = made;
        life = Life.ALIVE;
        LocalTask task = creation;
        if (task != null && !task.done) {
            runtime.board().finish(task, Ending.of(List.of(runtime.values().write(null))));
        }
        group("", options.maxConcurrency);
        options.concurrencyGroups.forEach(this::group);
        pump();
    }

    private void group(String name, int size) {
        free.put(name, size);
        threads.put(name, runtime.threads(size, "bowstring-" + (name.isEmpty() ? "actor" : name)));
    }

    /** Starts the calls that can be. */
    void pump() {
        for (Iterator<ArrayDeque<LocalTask>> lanes = callers.values().iterator(); lanes.hasNext(); ) {
            ArrayDeque<LocalTask> lane = lanes.next();
            while (!lane.isEmpty() && (lane.peek().done || lane.peek().missing == 0)) {
                LocalTask call = lane.poll();
                if (!call.done) {
                    ready.add(call);
                }
            }
            if (lane.isEmpty()) {
                lanes.remove();
            }
        }
        if (life == Life.DEAD) {
            failAll();
            return;
        }
        Living now = living;
        if (life != Life.ALIVE || now == null) {
            return;
        }
        long of = incarnation;
        for (Iterator<LocalTask> calls = ready.iterator(); calls.hasNext(); ) {
            LocalTask call = calls.next();
            String group = now.groupOf(call);
            int idle = free.getOrDefault(group, 0);
            ExecutorService pool = threads.get(group);
            if (call.done) {
                calls.remove();
            } else if (idle > 0 && pool != null) {
                calls.remove();
                free.put(group, idle - 1);
                running.add(call);
                pool.execute(() -> run(call, now, group, of));
            }
        }
        retire();
    }

    private void run(LocalTask call, Living now, String group, long of) {
        Ending ending = runtime.runner().run(call, now);
        if (options.checkpointInterval > 0) {
            log(call, now, of);
        }
        synchronized (runtime.lock()) {
            if (of != incarnation) {
                return; // this life is over, and the call was answered or made again
            }
            running.remove(call);
            free.merge(group, 1, Integer::sum);
            if (!runtime.board().finish(call, ending)) {
                ready.addFirst(call);
            }
            if (ending.exits()) {
                end(new ActorDiedException("the actor exited by itself"), false);
            }
            pump();
        }
    }

    // Ends -----------------------------------------------------------------------------------------------------------

    /** Ends its process, as it were. */
    void kill(boolean noRestart) {
        if (life != Life.DEAD) {
            end(new ActorDiedException("the actor was killed"), !noRestart);
        }
    }

    private void end(BowstringException reason, boolean mayRestart) {
        incarnation++;
        living = null;
        threads.values().forEach(ExecutorService::shutdownNow);
        threads.clear();
        free.clear();
        boolean restarts = mayRestart && restartsLeft != 0;
        life = restarts ? Life.RESTARTING : Life.DEAD;
        why = reason;
        List<LocalTask> cut = new ArrayList<>(running);
        running.clear();
        for (int i = cut.size() - 1; i >= 0; i--) {
            LocalTask call = cut.get(i);
            call.interruptible = null;
            boolean again = call.retriesLeft != 0 || options.checkpointInterval > 0;
            if (restarts && again && !call.cancelled) {
                call.retry();
                ready.addFirst(call);
            } else {
                runtime.board().fail(call, ended(true));
            }
        }
        if (restarts) {
            restarted = true;
            if (restartsLeft > 0) {
                restartsLeft--;
            }
            construct();
            return;
        }
        if (placed) {
            placed = false;
            runtime.board().capacity().giveBack(demand());
        }
        LocalTask task = creation;
        if (task != null) {
            runtime.board().fail(task, reason);
        }
        runtime.actors().forget(this);
        failAll();
        runtime.board().pump();
    }

    private void failAll() {
        List<LocalTask> waiting = new ArrayList<>(ready);
        callers.values().forEach(waiting::addAll);
        ready.clear();
        callers.clear();
        for (LocalTask call : waiting) {
            runtime.board().fail(call, ended(false));
        }
    }

    private BowstringException ended(boolean mayHaveRun) {
        boolean dead = life == Life.DEAD;
        if (dead && !mayHaveRun && why instanceof ActorUnschedulableException) {
            return why;
        }
        ErrorDetails details = ErrorDetails.of(
                dead ? ErrorCode.ACTOR_DIED : ErrorCode.ACTOR_UNAVAILABLE,
                "the actor " + wire.module + (dead ? " is dead" : " restarts") + (why == null ? "" : ": " + why.getMessage()));
        if (mayHaveRun) {
            details = details.withMayHaveExecuted();
        }
        return dead ? new ActorDiedException(details, null) : new ActorUnavailableException(details, null);
    }
}
