package io.bowstring.internal.worker;

import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskFlag;
import org.jspecify.annotations.Nullable;

/** One attempt of a task that came, until its end. Fields that change are guarded by the task queue. */
final class Incoming {
    final CallerLink caller;
    final Task task;
    final byte[] body;
    final Id id;
    boolean cancelled;
    /** Its children are cancelled with it. */
    volatile boolean recursive;
    boolean deliverHome;
    boolean timedOut;
    /** What names this task's children, once it runs. */
    @Nullable TaskContext context;
    /** When it began to run, in nanoseconds since 1970 UTC; 0: it waits. */
    volatile long startNs;
    /** The thread that runs it. */
    volatile @Nullable Thread runner;
    /** The thread that runs user code of this task now, and may be interrupted. */
    @Nullable Thread interruptible;
    /** Its place among the calls that may overlap, from when it was taken. */
    TaskQueue.@Nullable Group group;
    /** The stage that its method has returned, if that goes on without a thread. */
    @Nullable AwaitedStage awaited;
    /** The stage has ended. */
    boolean stageDone;
    /** No thread has it: it waits for its stage. */
    boolean suspended;
    /** How fast items may be made, if this makes a stream. */
    final @Nullable ItemStream items;

    Incoming(CallerLink caller, Task task, byte[] body) {
        this.caller = caller;
        this.task = task;
        this.body = body;
        this.id = Id.of(task.id);
        this.items = task.numReturns < 0 ? new ItemStream(is(TaskFlag.PACED)) : null;
        this.deliverHome = (task.flags & TaskFlag.DELIVER_HOME) != 0;
    }

    boolean is(int flag) {
        return (task.flags & flag) != 0;
    }
}
