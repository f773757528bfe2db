package io.bowstring.internal.runtime;

import io.bowstring.RuntimeContext;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.RuntimeStoppedException;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** What this process is, in which runtime. */
public final class Processes {
    /** What a worker that is an actor can do. */
    public interface Host {
        /** The actor of this process; null: none. */
        byte @Nullable [] actor();

        /** Where the job wants its workers to be. */
        String workingDirectory();

        /** The GPUs that this worker may use. */
        String visibleGpus();

        /** Ends the actor after the call that runs; does not return. */
        void exitActor();
    }

    private static volatile @Nullable Session worker;
    private static volatile @Nullable Session driver;
    private static volatile @Nullable Host host;

    /** Called once, by a worker. */
    public static void isWorker(Session session, Host of) {
        host = of;
        worker = session;
    }

    /** The session of this worker; null: this process is none. */
    public static @Nullable Session worker() {
        return worker;
    }

    /** Called by a driver when it joins a runtime, and with null when it leaves. */
    public static void drives(@Nullable Session session) {
        driver = session;
    }

    /** The session of this process, whatever it is. */
    public static Session session() {
        Session session = worker != null ? worker : driver;
        if (session == null) {
            throw new RuntimeStoppedException("there is no runtime in this process; call Bowstring.init() first");
        }
        return session;
    }

    public static void exitActor() {
        Host of = host;
        if (of == null || of.actor() == null || TaskContext.current() == null) {
            throw new InvalidArgumentException("exitActor() is for the methods of actors");
        }
        of.exitActor();
    }

    public static RuntimeContext context(Session session) {
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
                of == null ? "-" : of.visibleGpus());
    }

    private Processes() {}
}
