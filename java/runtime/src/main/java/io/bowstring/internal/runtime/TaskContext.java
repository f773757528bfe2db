package io.bowstring.internal.runtime;

import io.bowstring.internal.function.Blake2b;
import io.bowstring.internal.wire.WireRef;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The task on whose behalf a thread submits, puts and gets: names its children and puts (spec section 2.1), and gathers
 * the references that it has taken over from others until its Result says so (section 6.3).
 */
public final class TaskContext {
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int PREFIX_BYTES = 12;
    private static final ThreadLocal<@Nullable TaskContext> CURRENT = new ThreadLocal<>();

    private final byte[] id;
    private final long attempt;
    /** 0: puts are counted by the task itself; else each is a child's. */
    private final long run;
    private final byte[] prefix;
    private final AtomicInteger children = new AtomicInteger();
    private final AtomicInteger puts = new AtomicInteger();
    private List<WireRef> read = new ArrayList<>();
    private final List<WireRef> kept = new ArrayList<>();
    private final List<CompletableFuture<?>> holds = new ArrayList<>();

    private volatile List<Id> waitsFor = List.of();
    private @Nullable List<Object> noted;
    private boolean notes;

    private TaskContext(byte[] id, long attempt, long run) {
        this.id = id;
        this.attempt = attempt;
        this.run = run;
        byte[] seed = Arrays.copyOf(id, Id.TASK_BYTES + 4);
        ByteBuffer.wrap(seed).order(ByteOrder.LITTLE_ENDIAN).putInt(Id.TASK_BYTES, (int) run);
        prefix = Arrays.copyOf(id, Id.TASK_BYTES);
        System.arraycopy(Blake2b.hash(seed), 0, prefix, 4, 8);
    }

    /** The context of an attempt that runs in a worker. */
    public static TaskContext ofTask(byte[] id, long attempt) {
        return new TaskContext(id, attempt, attempt);
    }

    /**
     * The context of one of several runs of a call that is logged: ids of puts and children come from the run, since two
     * runs must not make the same.
     */
    public static TaskContext ofRun(byte[] id, long attempt, int run) {
        TaskContext context = new TaskContext(id, attempt, run);
        context.noted = new ArrayList<>();
        return context;
    }

    /** The root of a driver, or of what belongs to no task: the job, random bytes, counter 0. */
    public static TaskContext root(long job) {
        byte[] id = new byte[Id.TASK_BYTES];
        RANDOM.nextBytes(id);
        ByteBuffer.wrap(id).order(ByteOrder.LITTLE_ENDIAN).putInt(0, (int) job).putInt(12, 0);
        return new TaskContext(id, 0, 0);
    }

    /** The context of this thread; null: it runs no task. */
    public static @Nullable TaskContext current() {
        return CURRENT.get();
    }

    /** Makes this the context of the current thread; null: none. */
    public static void enter(@Nullable TaskContext context) {
        if (context == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(context);
        }
    }

    /** The same; returns the context that there was. */
    public static @Nullable TaskContext swap(@Nullable TaskContext context) {
        TaskContext before = CURRENT.get();
        enter(context);
        return before;
    }

    /** Whether this is a run of a call that is logged. */
    public boolean isLogged() {
        return noted != null;
    }

    /** From here on, or no more, what is read counts as an argument of this call, if that is logged. */
    public void notes(boolean on) {
        notes = on && noted != null;
    }

    /** A reference or handle was read; it is kept while the context is. */
    void note(Object reference) {
        if (notes && noted != null) {
            noted.add(reference);
        }
    }

    /** The references among the arguments of a call that is logged. */
    public List<WireRef> noted() {
        List<WireRef> refs = new ArrayList<>();
        for (Object each : noted == null ? List.of() : noted) {
            refs.add(each instanceof ObjectReference<?> reference ? reference.entry().ref
                    : ((ActorReference) each).link().entry.ref);
        }
        return refs;
    }

    public byte[] id() {
        return id;
    }

    /** How often the task was tried before. */
    public long attempt() {
        return attempt;
    }

    /** Whether a task's id says that this attempt has submitted it. */
    public boolean isParentOf(byte[] task) {
        return Arrays.equals(task, 0, PREFIX_BYTES, prefix, 0, PREFIX_BYTES);
    }

    /** The id of the next task that this one submits. */
    public byte[] nextChild() {
        byte[] child = prefix.clone();
        ByteBuffer.wrap(child).order(ByteOrder.LITTLE_ENDIAN).putInt(12, children.incrementAndGet());
        return child;
    }

    /** What an earlier attempt has put may be freed, and its id known as freed (spec 2.2, rule 2). */
    public Id nextPut() {
        return run == 0 ? Id.put(id, puts.getAndIncrement()) : Id.put(nextChild(), 0);
    }

    /** The task waits for these objects, or for none any more. */
    void waits(List<Id> objects) {
        waitsFor = objects;
    }

    /** The objects that the task waits for, in hexadecimal. */
    public List<String> waitsFor() {
        return waitsFor.stream().map(Id::toString).toList();
    }

    synchronized void read(WireRef ref) {
        read.add(ref);
    }

    synchronized List<WireRef> takeRead() {
        if (read.isEmpty()) {
            return List.of();
        }
        List<WireRef> taken = read;
        read = new ArrayList<>();
        return taken;
    }

    synchronized void keeps(List<WireRef> refs, CompletableFuture<?> acknowledged) {
        kept.addAll(refs);
        holds.add(acknowledged);
    }

    /** The references that this task has taken over; empty for most. */
    public synchronized List<WireRef> kept() {
        return List.copyOf(kept);
    }

    /** Ends when the homes have acknowledged every hold. */
    public synchronized CompletableFuture<Void> held() {
        return CompletableFuture.allOf(holds.toArray(CompletableFuture[]::new));
    }
}
