package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.net.Reactor;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Inspect;
import io.bowstring.internal.wire.LeaseEnded;
import io.bowstring.internal.wire.LeaseGrant;
import io.bowstring.internal.wire.LeaseRecall;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.SegmentDropped;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.Welcome;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One process's part in a runtime: what a driver and a worker have in common.
 *
 * <p>One lock guards objects, leases and actors. It is held for bookkeeping only: nothing waits, encodes or runs user code
 * under it. Frames come on the reactor's thread; user threads submit, and wait on futures.
 */
public final class Session implements NodeLink.Listener {
    private static final Logger LOGGER = System.getLogger(Session.class.getName());
    private static final SecureRandom RANDOM = new SecureRandom();
    /** Of all sessions: a thread that waits for garbage outlives its session for as long as there is some of it. */
    private static final Cleaner CLEANER = Cleaner.create();

    private final ReentrantLock lock = new ReentrantLock();
    private final Reactor reactor;
    private final Path folder;
    private final byte[] token;
    private final long process;
    private final int role;
    private final NodeLink node;
    private final ObjectTable objects = new ObjectTable(this);
    private final LeasePool leases = new LeasePool(this);
    private final ActorTable actors = new ActorTable(this);
    private final Submitter submitter = new Submitter(this);
    private final PendingArguments arguments = new PendingArguments(this);
    private final TaskEnds taskEnds = new TaskEnds(this);
    private final ObjectReader reader = new ObjectReader(this);
    private final StoreClient store = new StoreClient(this, CLEANER);
    private final SessionReferences references = new SessionReferences(this, CLEANER);
    private final ObjectWriter writer = new ObjectWriter(this);
    private final StateReader state = new StateReader(this);
    private final Peers peers = new Peers(this);
    private final ActorControl actorControl = new ActorControl(this);
    private final Environments environments = new Environments(this);
    private final Placing placing = new Placing(this);
    private final Inspection inspection = new Inspection(this);
    private final Consumer<Frame> otherFrames;
    private final Consumer<BowstringException> lost;

    private long nodeId;
    private long job;
    private long inlineBytesMax;
    private String namespace = "";
    private volatile @Nullable TaskContext root;
    private volatile @Nullable BowstringException ended;

    private Session(
            Path folder, Hello hello, Consumer<Frame> otherFrames, Consumer<BowstringException> lost)
            throws IOException {
        this.folder = folder;
        this.otherFrames = otherFrames;
        this.lost = lost;
        this.token = Files.readAllBytes(folder.resolve("token"));
        this.role = hello.role;
        this.process = hello.process;
        this.reactor = new Reactor("bowstring-io");
        this.node = new NodeLink(token, hello, this);
    }

    /**
     * Connects to the node of a session.
     *
     * @param hello role, slot and address of this process; the rest is filled in here
     * @param prepare runs before the node is told of this process
     * @param otherFrames takes the frames that only a driver or only a worker gets
     * @param lost hears once that the node is gone
     */
    public static Session connect(
            Path folder,
            Hello hello,
            Consumer<Session> prepare,
            Consumer<Frame> otherFrames,
            Consumer<BowstringException> lost)
            throws IOException {
        do {
            hello.process = RANDOM.nextLong();
        } while (hello.process == 0);
        Session session = new Session(folder, hello, otherFrames, lost);
        session.reactor.start(session.node::flushChanges);
        try {
            prepare.accept(session);
            // On the thread that reads, ahead of the frames behind it: a WorkerBind may follow at once.
            Future<Void> welcomed = session.node.welcome().thenAccept(session::welcomed);
            session.node.connected(session.reactor.connect(folder.resolve("node.sock"), session.node));
            welcomed.get(Handshake.TIMEOUT_MS, TimeUnit.MILLISECONDS);
            return session;
        } catch (ExecutionException error) {
            session.reactor.stop();
            throw error.getCause() instanceof BowstringException known ? ErrorRecords.again(known)
                    : new RuntimeStoppedException("the node can't be reached: " + error.getCause(), error.getCause());
        } catch (TimeoutException error) {
            session.reactor.stop();
            throw new RuntimeStoppedException("the node of " + folder + " takes connections and does not answer: it said"
                    + " nothing for " + Handshake.TIMEOUT_MS / 1000 + " s; it is stopped or overloaded", error);
        } catch (InterruptedException error) {
            session.reactor.stop();
            Thread.currentThread().interrupt();
            throw new RuntimeStoppedException("this thread was interrupted before the node of " + folder + " answered", error);
        } catch (IOException | RuntimeException error) {
            session.reactor.stop();
            throw error;
        }
    }

    private void welcomed(Welcome welcome) {
        nodeId = welcome.node;
        inlineBytesMax = welcome.inlineBytesMax;
        store.setOnes(welcome.onesPath);
        bind(welcome.job, welcome.namespace);
    }

    /** The job that this process serves from now on. */
    public void bind(long newJob, String newNamespace) {
        job = newJob;
        namespace = newNamespace;
        root = TaskContext.root(newJob);
    }

    // Facts ----------------------------------------------------------------------------------------------------------

    public long process() {
        return process;
    }

    public long nodeId() {
        return nodeId;
    }

    public long job() {
        return job;
    }

    public String namespace() {
        return namespace;
    }

    public Path folder() {
        return folder;
    }

    public byte[] token() {
        return token;
    }

    public Reactor reactor() {
        return reactor;
    }

    public long inlineBytesMax() {
        return inlineBytesMax;
    }

    boolean isWorker() {
        return role == Role.WORKER;
    }

    NodeLink node() {
        return node;
    }

    ObjectTable objects() {
        return objects;
    }

    LeasePool leases() {
        return leases;
    }

    /** What submits tasks and calls. */
    Submitter submitter() {
        return submitter;
    }

    PendingArguments arguments() {
        return arguments;
    }

    /** What ends what was submitted. */
    public TaskEnds taskEnds() {
        return taskEnds;
    }

    /** What reads values, and waits for them. */
    public ObjectReader reader() {
        return reader;
    }

    /** What makes objects of values. */
    public ObjectWriter writer() {
        return writer;
    }

    /** What knows the user's references and handles. */
    public SessionReferences references() {
        return references;
    }

    /** What asks the node about the runtime. */
    StateReader state() {
        return state;
    }

    Peers peers() {
        return peers;
    }

    /** What makes actors, finds them and ends them. */
    ActorControl actorControl() {
        return actorControl;
    }

    /** What answers the node's questions about this process. */
    public Inspection inspection() {
        return inspection;
    }

    /** The environments that this process uses. */
    public Environments environments() {
        return environments;
    }

    /** Where what this process submits is to run. */
    Placing placing() {
        return placing;
    }

    /** This worker uses a placement group's resources; {@code captures}: what it submits does too. */
    public void bindGroup(byte[] group, boolean captures) {
        placing.bind(group, captures);
    }

    ActorTable actors() {
        return actors;
    }

    public StoreClient store() {
        return store;
    }

    Hello callerHello() {
        Hello hello = new Hello();
        hello.role = role;
        hello.process = process;
        hello.job = job;
        return hello;
    }

    /** The task of this thread, or the root of what belongs to none. */
    public TaskContext context() {
        TaskContext context = TaskContext.current();
        if (context == null) {
            context = root;
        }
        if (context == null) {
            throw new RuntimeStoppedException("this process serves no job yet");
        }
        return context;
    }

    void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    void schedule(long delayMs, Runnable action) {
        reactor.schedule(delayMs, () -> locked(action));
    }

    void checkRunning() {
        BowstringException why = ended;
        if (why != null) {
            throw ErrorRecords.again(why);
        }
    }

    // Frames to the node ---------------------------------------------------------------------------------------------

    /** Sends a frame to the node now. */
    public void send(Table table) {
        node.send(table);
    }

    /** Sends a frame to the node soon, in order. */
    public void queue(Table table) {
        node.queue(table);
    }

    /** Sends an encoded frame to the node soon, in order. */
    public void queue(ByteBuffer frame) {
        node.queue(frame);
    }

    /** Writes what is queued for the node, as far as its socket takes it. */
    public void flushNode() {
        node.flush();
    }

    /** Waits until the node's socket has taken all but so many bytes, or the node is gone. */
    public void awaitWrittenToNode(long bytesMax) {
        node.awaitWritten(bytesMax);
    }

    /** Bytes for the node that its socket has not taken yet. */
    public long unwrittenToNode() {
        return node.unwrittenBytes();
    }

    /** Asks the node and waits for the answer. */
    NodeLink.Answer request(LongFunction<Table> make) {
        CompletableFuture<NodeLink.Answer> answered = new CompletableFuture<>();
        Table table = make.apply(node.number(answered::complete));
        node.send(table);
        return reader.await(answered, Long.MAX_VALUE, false);
    }

    /** Asks the node and waits for the answer's table and body. */
    public <T extends Table> Frame ask(LongFunction<Table> make, Class<T> type) {
        NodeLink.Answer answer = request(make);
        T table = answer.as(type);
        return new Frame(table.frameType(), table.encode(), answer.body());
    }

    @Override
    public void frame(Frame frame) {
        switch (frame.type()) {
            case FrameType.LEASE_GRANT -> {
                LeaseGrant grant = LeaseGrant.decode(frame.metadata());
                locked(() -> leases.granted(grant));
            }
            case FrameType.LEASE_RECALL -> {
                LeaseRecall recall = LeaseRecall.decode(frame.metadata());
                locked(() -> leases.recall(recall.lease));
            }
            case FrameType.LEASE_ENDED -> {
                LeaseEnded end = LeaseEnded.decode(frame.metadata());
                locked(() -> leases.ended(end.lease, end.error));
            }
            case FrameType.ACTOR_STATE -> {
                ActorState state = ActorState.decode(frame.metadata());
                locked(() -> actors.state(state));
            }
            case FrameType.SEGMENT_DROPPED -> {
                try {
                    store.dropped(SegmentDropped.decode(frame.metadata()).segment);
                } catch (IOException error) {
                    LOGGER.log(Level.DEBUG, "closing a dropped segment", error);
                }
            }
            case FrameType.INSPECT -> inspection.answer(Inspect.decode(frame.metadata()));
            case FrameType.OBJECT_VALUE -> store.unpin(ObjectValue.decode(frame.metadata()));
            default -> otherFrames.accept(frame);
        }
    }

    @Override
    public void failed(long request, BowstringException error) {
        locked(() -> leases.refused(request, error));
    }

    @Override
    public void lost(BowstringException why) {
        end(why);
        lost.accept(why);
    }

    /** Everything that waits fails, and nothing more can be started. */
    private void end(BowstringException why) {
        locked(() -> {
            if (ended == null) {
                ended = why;
            }
            leases.close();
            actors.close();
            objects.failAll(why);
        });
    }

    /** Leaves the runtime. */
    public void close() {
        end(new RuntimeStoppedException("the runtime was shut down"));
        reactor.stop();
        try {
            store.close();
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "closing the store", error);
        }
    }

    /** Why the session is over; null: it is not. */
    public @Nullable BowstringException ended() {
        return ended;
    }
}
