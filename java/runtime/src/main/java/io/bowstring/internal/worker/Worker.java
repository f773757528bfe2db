package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.internal.log.WorkerLogging;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.ObjectReader;
import io.bowstring.internal.runtime.Processes;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.TableFormat;
import io.bowstring.internal.wire.ActorEnd;
import io.bowstring.internal.wire.ActorExit;
import io.bowstring.internal.wire.ActorLog;
import io.bowstring.internal.wire.ActorStart;
import io.bowstring.internal.wire.ActorStarted;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.LeaseRevoke;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.Shutdown;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.Transcode;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WorkerBind;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A worker's process: takes what the node says, and gives tasks to the threads that run them.
 *
 * <p>It serves one job, whose class path is one class loader. It ends with its node, whose death is the end of the
 * connection to it. A task that ends the JVM is a crash of the worker, as any other end of it.
 */
@SuppressWarnings("NullAway.Init") // prepare() comes before everything else
final class Worker implements Processes.Host {
    private static final Logger LOGGER = System.getLogger(Worker.class.getName());
    /** Shutdown hooks of user code have this long. */
    private static final long HOOKS_MS = 2_000;

    private final TaskQueue queue;
    private Session session;
    private FunctionTable functions;
    private EventLog events;
    private TaskRunner runner;
    private Transcoder transcoder;
    private Rehearsal rehearsal;
    private TaskRunner.Ends ends;
    private WorkReport report;
    private final Map<Id, SharedActor> shared = new ConcurrentHashMap<>();
    private Endings endings;
    private volatile String workingDirectory = "";
    private volatile String visibleGpus = "-";
    private byte @Nullable [] actor;
    private volatile @Nullable ActorStart start;

    private Worker() {
        queue = new TaskQueue(new TaskQueue.Ends() {
            @Override
            public void cancelled(Incoming incoming) {
                runner.cancelled(incoming);
            }

            @Override
            public void forced() {
                Runtime.getRuntime().halt(1);
            }

            @Override
            public void startThread(String group, int number) {
                runner.startThread(group, number);
            }

            @Override
            public void revoking() {
                events.flush(); // a worker whose job is over is ended as soon as it is free (spec section 8.3, rule 1)
            }
        });
    }

    static void start(Path folder, long slot) throws IOException {
        new Worker().run(folder, slot);
    }

    private void run(Path folder, long slot) throws IOException {
        Path address = folder.resolve("w" + slot + ".sock");
        Hello hello = new Hello();
        hello.role = Role.WORKER;
        hello.workerSlot = slot;
        hello.address = address.toString();
        Thread guard = new Thread(() -> TableFormat.FOUND.guard(), "bowstring-guard");
        guard.start();
        Session connected = Session.connect(folder, hello, made -> prepare(made, address), this::frame, why -> {
            LOGGER.log(Level.DEBUG, "the node is gone", why);
            Runtime.getRuntime().halt(0);
        });
        rehearsal.welcomed();
        join(guard); // before the first code of a user's
        runner.start();
        LOGGER.log(Level.DEBUG, "worker {0} is ready", connected.process());
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException error) {
            throw new IllegalStateException("nobody interrupts a worker that starts", error);
        }
    }

    /** Everything is in place before the node can send the first frame. */
    private void prepare(Session made, Path address) {
        session = made;
        queue.connected(made);
        functions = new FunctionTable(made);
        events = new EventLog(made);
        endings = new Endings(made, queue, events);
        made.reactor().setFatal(endings::fatal);
        ends = new TaskRunner.Ends() {
            @Override
            public void retire() {
                end(true);
            }

            @Override
            public void leave() {
                Runtime.getRuntime().halt(1);
            }

            @Override
            public void fatal(Throwable error) {
                endings.fatal(error);
            }
        };
        runner = new TaskRunner(made, queue, functions, events, ends);
        transcoder = new Transcoder(made);
        made.reader().setBlocking(queue);
        Processes.isWorker(made, this);
        report = new WorkReport(queue, runner);
        made.inspection().setWork(report);
        rehearsal = new Rehearsal(made);
        try {
            made.reactor().listen(address, this::accept);
        } catch (IOException error) {
            throw new java.io.UncheckedIOException(error);
        }
    }

    private void accept(SocketChannel channel) {
        CallerLink link = new CallerLink(session, queue);
        try {
            Connection connection = session.reactor().register(channel, link);
            link.accepted(connection);
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "a caller went away at once", error);
        }
    }

    private void frame(Frame frame) {
        switch (frame.type()) {
            case FrameType.WORKER_BIND -> bind(WorkerBind.decode(frame.metadata()));
            case FrameType.LEASE_REVOKE -> {
                LeaseRevoke revoke = LeaseRevoke.decode(frame.metadata());
                queue.revoke(revoke.lease, revoke.epoch);
            }
            case FrameType.ACTOR_START -> startActor(ActorStart.decode(frame.metadata()), frame.body());
            case FrameType.ACTOR_LOG -> {
                ActorLog log = ActorLog.decode(frame.metadata());
                SharedActor one = shared.get(Id.of(log.actor));
                (one == null ? runner : one.runner()).replays(log, frame.body());
            }
            case FrameType.ACTOR_END -> {
                ActorEnd end = ActorEnd.decode(frame.metadata());
                SharedActor one = shared.remove(Id.of(end.actor));
                if (one != null) {
                    report.remove(one.queue());
                    one.end(end.graceful);
                }
            }
            case FrameType.TRANSCODE -> {
                Transcode transcode = Transcode.decode(frame.metadata());
                transcoder.start(transcode, frame.body());
            }
            case FrameType.SHUTDOWN -> end(Shutdown.decode(frame.metadata()).graceful);
            default -> LOGGER.log(Level.DEBUG, "a frame of type {0} from the node", FrameType.name(frame.type()));
        }
    }

    private void bind(WorkerBind bind) {
        JobClasses loader = loader(bind);
        if (loader.logsByItself()) {
            WorkerLogging.yield();
        }
        workingDirectory = bind.workingDirectory;
        visibleGpus = bind.visibleGpus;
        session.reader().setClassLoader(loader);
        session.bind(bind.job, bind.namespace);
        session.environments().bind(bind.environmentKey, bind.environment);
        session.bindGroup(bind.placementGroup, bind.captureChildren);
        functions.bind(loader);
    }

    /** The classes of a job. */
    static JobClasses loader(WorkerBind bind) {
        List<URL> places = new ArrayList<>();
        for (String entry : bind.classPath) {
            try {
                places.add(new File(entry).toURI().toURL());
            } catch (MalformedURLException error) {
                LOGGER.log(Level.WARNING, "an entry of the class path is no place: " + entry, error);
            }
        }
        return new JobClasses("job-" + bind.job, places.toArray(URL[]::new),
                Worker.class.getClassLoader());
    }

    private void startActor(ActorStart start, byte[] body) {
        Frame creation = FrameParser.only(body, 0, body.length);
        byte[] id = Id.of(start.handle.ref.id()).task();
        if (creation.type() != FrameType.TASK) {
            started(id, start.incarnation, new io.bowstring.errors.ProtocolException("an ActorStart without a Task"));
            return;
        }
        Task task = Task.decode(creation.metadata());
        if (!start.address.isEmpty()) {
            startShared(start, task, creation.body(), id);
            return;
        }
        actor = id;
        this.start = start;
        if (start.handle.checkpointInterval != 0) {
            runner.logs(start);
        }
        queue.becomeActor(id, start.incarnation);
        runner.construct(new HostedActor(start.handle), task, creation.body(), error -> started(id, start.incarnation, error));
    }

    private void startShared(ActorStart start, Task task, byte[] body, byte[] id) {
        session.reader().setBlocking(new ObjectReader.Blocking() {
            @Override
            public void blocked() {
                of().blocked();
            }

            @Override
            public void unblocked() {
                of().unblocked();
            }

            private TaskQueue of() {
                TaskQueue current = TaskQueue.current();
                return current == null ? queue : current;
            }
        });
        SharedActor made = new SharedActor(session, functions, events, ends, start);
        shared.put(Id.of(id), made);
        report.add(made.queue(), made.runner());
        made.construct(task, body, error -> started(id, start.incarnation, error));
    }

    private void started(byte[] id, long incarnation, @Nullable BowstringException error) {
        ActorStarted started = new ActorStarted();
        started.actor = id;
        started.incarnation = incarnation;
        started.ok = error == null;
        if (error != null) {
            started.error = ErrorRecords.of(error);
        }
        if (started.ok) {
            queue.actorIsReady();
        }
        session.send(started);
    }

    /** The actor of several that this thread runs a call of; null: none, or the process is one. */
    private @Nullable SharedActor sharer() {
        TaskQueue current = TaskQueue.current();
        byte[] id = current == null ? null : current.actor();
        return id == null ? null : shared.get(Id.of(id));
    }

    private @Nullable ActorStart present() {
        SharedActor one = sharer();
        return one == null ? start : one.start();
    }

    @Override
    public @Nullable WireHandle handle() {
        ActorStart as = present();
        return as == null ? null : as.handle;
    }

    @Override
    public String actorName() {
        ActorStart as = present();
        return as == null ? "" : as.name;
    }

    @Override
    public boolean isRestarted() {
        ActorStart as = present();
        return as != null && as.incarnation > 0;
    }

    @Override
    public String taskName(byte[] task) {
        Id id = Id.of(task);
        SharedActor one = sharer();
        for (Incoming incoming : (one == null ? queue : one.queue()).present()) {
            if (incoming.id.equals(id)) {
                return (one == null ? runner : one.runner()).labelOf(incoming.task);
            }
        }
        return "";
    }

    @Override
    public byte @Nullable [] actor() {
        TaskQueue current = TaskQueue.current();
        return current == null ? actor : current.actor();
    }

    @Override
    public String workingDirectory() {
        return workingDirectory.isEmpty() ? Path.of("").toAbsolutePath().toString() : workingDirectory;
    }

    @Override
    public String visibleGpus() {
        return visibleGpus;
    }

    @Override
    public void exitActor() {
        throw new ActorExitSignal();
    }

    /** Thrown through user code to end the call that runs; not an exception, so that few handlers stop it. */
    static final class ActorExitSignal extends Error {
        private static final long serialVersionUID = 1L;

        ActorExitSignal() {
            super("the actor exits", null, false, false);
        }
    }

    /** The actor's last call has been answered. */
    static void exitAfterLastCall(Session session, byte[] id) {
        ActorExit exit = new ActorExit();
        exit.actor = id;
        session.send(exit);
        session.reactor().flush();
    }

    private void end(boolean graceful) {
        endings.expected();
        queue.drain(graceful);
        shared.values().forEach(each -> each.queue().drain(graceful));
        Thread ender = new Thread(() -> {
            try {
                if (graceful) {
                    runner.awaitIdle();
                    for (SharedActor each : shared.values()) {
                        each.runner().awaitIdle();
                    }
                    rehearsal.await(); // the archive is to have what it loads
                }
            } catch (InterruptedException error) {
                LOGGER.log(Level.TRACE, "ending at once", error);
            }
            endProcess(session);
        }, "bowstring-end");
        ender.setDaemon(true);
        ender.start();
    }

    /** Ends this process; shutdown hooks of user code that are not done in time end with it. */
    static void endProcess(Session session) {
        session.reactor().flush();
        Thread hard = new Thread(() -> {
            try {
                // A watchdog: it depends on nothing else of the runtime, and the end of the process is the end of it.
                Thread.sleep(HOOKS_MS);
            } catch (InterruptedException error) {
                LOGGER.log(Level.TRACE, "ending at once", error);
            }
            Runtime.getRuntime().halt(0);
        }, "bowstring-halt");
        hard.setDaemon(true);
        hard.start();
        System.exit(0);
    }

    static BowstringException internal(String message, Throwable cause) {
        return cause instanceof BowstringException known
                ? known
                : ErrorCode.INTERNAL.exception(
                        io.bowstring.errors.ErrorDetails.of(ErrorCode.INTERNAL, message + ": " + cause), cause);
    }
}
