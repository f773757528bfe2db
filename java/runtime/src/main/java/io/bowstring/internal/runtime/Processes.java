package io.bowstring.internal.runtime;

import io.bowstring.RuntimeContext;
import io.bowstring.RuntimeLink;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.ProgressNote;
import io.bowstring.internal.wire.Progress;
import io.bowstring.internal.wire.WireHandle;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** What this process is, in which runtime. */
public final class Processes {
    /** What a worker that is an actor can do. */
    public interface Host {
        /** The actor of this process; null: none. */
        byte @Nullable [] actor();

        /** What handles of the actor of this process say; null: it is none. */
        @Nullable WireHandle handle();

        /** The name by which others find the actor; empty: none. */
        String actorName();

        /** Whether the actor was started before, in another process. */
        boolean isRestarted();

        /** What people call a task that runs; empty: it is none of this worker's. */
        String taskName(byte[] task);

        /** Where the job wants its workers to be. */
        String workingDirectory();

        /** The GPUs that this worker may use. */
        String visibleGpus();

        /** Ends the actor after the call that runs; does not return. */
        void exitActor();
    }

    private static volatile @Nullable Host host;

    private static void tell(Session session, ProgressNote note) {
        Progress progress = new Progress();
        progress.bar = note.bar();
        progress.description = note.description();
        progress.unit = note.unit();
        progress.total = note.total();
        progress.done = note.done();
        progress.over = note.over();
        session.send(progress);
    }

    /** Called once, by a worker. */
    public static void isWorker(Session session, Host of) {
        host = of;
        RuntimeLink.join(new SessionLink(session, () -> {}, note -> tell(session, note)));
    }

    static void exitActor() {
        Host of = host;
        if (of == null || of.actor() == null || TaskContext.current() == null) {
            throw new InvalidArgumentException("exitActor() is for the methods of actors");
        }
        of.exitActor();
    }

    static Object currentActor(Session session) {
        Host of = host;
        WireHandle handle = of == null ? null : of.handle();
        if (handle == null) {
            throw new InvalidArgumentException("currentActor() is for the methods of actors");
        }
        return session.references().handle(handle, false);
    }

    static RuntimeContext context(Session session) {
        Host of = host;
        byte[] actor = of == null ? null : of.actor();
        HexFormat hex = HexFormat.of();
        return new RuntimeContext(
                hex.toHexDigits((int) session.job()),
                hex.formatHex(session.context().id()),
                actor == null ? "" : hex.formatHex(actor),
                hex.toHexDigits(session.nodeId()),
                hex.toHexDigits(session.process()),
                session.namespace(),
                session.folder().toString(),
                session.isWorker(),
                session.context().attempt(),
                of == null ? Path.of("").toAbsolutePath().toString() : of.workingDirectory(),
                of == null ? "-" : of.visibleGpus(),
                session.environments().shown(),
                of == null ? "" : of.taskName(session.context().id()),
                of == null ? "" : of.actorName(),
                of != null && of.isRestarted());
    }

    private Processes() {}
}
