package io.bowstring.internal.runtime;

import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.WireRef;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One task from its submission to its end, with everything that is held for it. Guarded by the session's lock.
 */
final class PendingTask {
    /** An argument: a payload, or a reference that is resolved before the task is sent. */
    static final class Slot {
        @Nullable Payload payload;
        final @Nullable ObjectEntry entry;

        Slot(@Nullable Payload payload, @Nullable ObjectEntry entry) {
            this.payload = payload;
            this.entry = entry;
        }
    }

    final Id id;
    final FunctionDescriptor function;
    final List<Slot> slots;
    /** The results by index. A stream, and a task without results, has one that nobody reads. */
    final List<ObjectEntry> results;
    /** Number of results, as the Task says it: -1 if it makes a stream. */
    final int numReturns;
    /** Everything that must live until the task's end: arguments and what is nested in them. */
    final List<ObjectEntry> holds = new ArrayList<>();
    final LeasePool.@Nullable Key leaseKey;
    final @Nullable ActorLink actor;
    /** What is made of it, if it is the making of an actor. */
    ActorControl.@Nullable Creation creation;
    /** Where the items go, if the task makes a stream. */
    @Nullable PendingStream stream;

    String method = "";
    String name = "";
    String concurrencyGroup = "";
    long flags;
    int attempt;
    int retriesLeft;
    @Nullable RetryRule retryRule;
    long timeoutMs;
    final long submittedNs = System.currentTimeMillis() * 1_000_000;

    int dependencies;
    boolean resolved;
    boolean cancelled;
    boolean deliverSent;
    boolean done;
    @Nullable Lease lease;
    long sequence = -1;
    long sequenceIncarnation = -1;

    PendingTask(
            Id id,
            FunctionDescriptor function,
            List<Slot> slots,
            List<ObjectEntry> results,
            int numReturns,
            LeasePool.@Nullable Key leaseKey,
            @Nullable ActorLink actor) {
        this.id = id;
        this.function = function;
        this.slots = slots;
        this.results = results;
        this.numReturns = numReturns;
        this.leaseKey = leaseKey;
        this.actor = actor;
    }

    String displayName() {
        return name.isEmpty() ? function.displayName() + (method.isEmpty() ? "" : "." + method) : name;
    }

    /** The objects that its arguments are and that are not there yet. */
    List<String> waitsFor() {
        List<String> objects = new ArrayList<>();
        for (Slot slot : slots) {
            if (slot.entry != null && !slot.entry.isReady()) {
                objects.add(slot.entry.id.toString());
            }
        }
        return objects;
    }

    /** True if an attempt that may have run can be made again. */
    boolean mayRetry() {
        return !cancelled && retriesLeft != 0;
    }

    /** True if an attempt that ended so is made again. A stream whose items were read is not. */
    boolean retries(Result result, byte[] body) {
        return retryRule != null && result.status == TaskStatus.ERROR && stream == null && mayRetry()
                && retryRule.matches(result.returns, body);
    }

    /** Counts one more attempt. */
    void retry() {
        attempt++;
        if (retriesLeft > 0) {
            retriesLeft--;
        }
        flags |= TaskFlag.EXACT;
    }

    /** The Task frame of the next attempt. */
    ByteBuffer frame(long owner, long home, byte[] actorId, long epoch) {
        Task task = new Task();
        task.id = id.bytes();
        task.function = function.key();
        task.actor = actorId;
        task.owner = owner;
        task.home = home;
        task.sequence = Math.max(sequence, 0);
        task.flags = flags;
        task.attempt = attempt;
        task.epoch = epoch;
        task.numReturns = numReturns;
        task.maxRetries = retriesLeft;
        task.timeoutMs = timeoutMs;
        task.callerLanguage = Language.JAVA;
        task.method = method;
        task.name = name;
        task.concurrencyGroup = concurrencyGroup;
        task.submittedNs = submittedNs;
        int size = 0;
        List<Arg> args = new ArrayList<>(slots.size());
        for (Slot slot : slots) {
            Payload payload = slot.payload;
            if (payload != null) {
                int at = align(size, payload.layout());
                args.add(new Arg(ArgKind.VALUE, payload.encoding(), payload.layout(), 0, at, payload.size(), 0,
                        new byte[20], 0, 0, 0));
                size = at + payload.size();
            } else {
                WireRef ref = Objects.requireNonNull(slot.entry).ref;
                args.add(new Arg(ArgKind.REF, 0, 0, 0, 0, 0, 0, ref.id(), ref.flags(), ref.owner(), ref.home()));
            }
        }
        task.args = args;
        ByteBuffer body = ByteBuffer.allocate(size);
        for (int i = 0; i < slots.size(); i++) {
            Payload payload = slots.get(i).payload;
            if (payload != null) {
                body.put((int) args.get(i).offset(), payload.data(), payload.data().position(), payload.size());
            }
        }
        return Frame.encode(task, body);
    }

    private static int align(int at, int layout) {
        int to = layout == Layout.IMAGE ? 64 : 8;
        return (at + to - 1) & -to;
    }
}
