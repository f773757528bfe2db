package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.call.StateFilter;
import io.bowstring.internal.net.Reactor;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.References;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.ActorInfo;
import io.bowstring.internal.wire.ActorKill;
import io.bowstring.internal.wire.ActorLookup;
import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Inspect;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.LeaseEnded;
import io.bowstring.internal.wire.LeaseGrant;
import io.bowstring.internal.wire.LeaseRecall;
import io.bowstring.internal.wire.ObjectUnpin;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.SegmentDropped;
import io.bowstring.internal.wire.StateQuery;
import io.bowstring.internal.wire.StateReply;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.ValueState;
import io.bowstring.internal.wire.Welcome;
import io.bowstring.internal.wire.WireHandle;
import io.bowstring.internal.wire.WireRef;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
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
public final class Session implements NodeLink.Listener, References {
    private static final Logger LOGGER = System.getLogger(Session.class.getName());
    private static final SecureRandom RANDOM = new SecureRandom();

    private final ReentrantLock lock = new ReentrantLock();
    private final Cleaner cleaner = Cleaner.create();
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
    private final ObjectReader reader = new ObjectReader(this);
    private final StoreClient store = new StoreClient(this, cleaner);
    private final Map<String, PeerLink> peers = new HashMap<>();
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
            session.node.connected(session.reactor.connect(folder.resolve("node.sock"), session.node));
            Welcome welcome = session.node.welcome().get(30, TimeUnit.SECONDS);
            session.welcomed(welcome);
            return session;
        } catch (ExecutionException error) {
            session.reactor.stop();
            throw error.getCause() instanceof BowstringException known ? ErrorRecords.again(known)
                    : new RuntimeStoppedException("the node can't be reached: " + error.getCause(), error.getCause());
        } catch (TimeoutException | InterruptedException error) {
            session.reactor.stop();
            throw new RuntimeStoppedException("the node of " + folder + " did not answer", error);
        } catch (IOException | RuntimeException error) {
            session.reactor.stop();
            throw error;
        }
    }

    private void welcomed(Welcome welcome) {
        nodeId = welcome.node;
        inlineBytesMax = welcome.inlineBytesMax;
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

    /** What submits, and ends what was submitted. */
    public Submitter submitter() {
        return submitter;
    }

    /** What reads values, and waits for them. */
    public ObjectReader reader() {
        return reader;
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
            case FrameType.OBJECT_VALUE -> unpin(ObjectValue.decode(frame.metadata()));
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

    // Peers ----------------------------------------------------------------------------------------------------------

    /** The connection to a worker, with a new listener; null if it can't be made. The lock is held. */
    @Nullable PeerLink peer(String address, PeerLink.Listener listener) {
        PeerLink known = peers.get(address);
        if (known != null) {
            known.attach(listener);
            return known;
        }
        PeerLink link = new PeerLink(this, address, listener);
        try {
            link.connected(reactor.connect(Path.of(address), link));
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "a worker at " + address + " can't be reached", error);
            return null;
        }
        peers.put(address, link);
        return link;
    }

    void peerClosed(String address, PeerLink link) {
        peers.remove(address, link);
    }

    // Objects --------------------------------------------------------------------------------------------------------

    /** Runs an action once an object is garbage. */
    public void whenUnreachable(Object object, Runnable action) {
        cleaner.register(object, action);
    }

    /** Gives back the handle of an entry when its owner is garbage, or is told to by what this returns. */
    Cleaner.Cleanable releaseWhenUnreachable(Object handle, ObjectEntry entry) {
        return cleaner.register(handle, new Release(this, entry));
    }

    private record Release(Session session, ObjectEntry entry) implements Runnable {
        @Override
        public void run() {
            session.locked(() -> session.objects.release(entry));
            session.reactor.wake();
        }
    }

    @Override
    public @Nullable WireRef refOf(Object value) {
        return value instanceof ObjectReference<?> reference ? own(reference.session(), reference.entry().ref) : null;
    }

    @Override
    public @Nullable WireHandle handleOf(Object value) {
        return value instanceof ActorReference reference ? own(reference.session(), reference.link().handle) : null;
    }

    <T> T own(Session other, T value) {
        if (other != this) {
            throw new InvalidArgumentException("a reference or handle is of a runtime that was shut down");
        }
        return value;
    }

    @Override
    public @Nullable Class<?> typeOf(Object reference) {
        return ((ObjectReference<?>) reference).type();
    }

    @Override
    public Object readRef(WireRef ref, @Nullable Class<?> type) {
        if (Id.isZero(ref.id())) {
            throw new ProtocolException("a reference to no object");
        }
        ObjectEntry[] entry = new ObjectEntry[1];
        locked(() -> entry[0] = objects.borrow(ref));
        return noted(new ObjectReference<>(this, entry[0], type));
    }

    private static <T> T noted(T reference) {
        TaskContext context = TaskContext.current();
        if (context != null) {
            context.note(reference);
        }
        return reference;
    }

    /** Takes over references that stand alone among a call's arguments, as if they had been read out of a value. */
    public void keep(List<WireRef> refs) {
        refs.forEach(ref -> readRef(ref, null));
        TaskContext context = TaskContext.current();
        if (context != null) {
            locked(() -> objects.holdRead(context));
        }
    }

    @Override
    public Object readHandle(WireHandle handle) {
        return noted(handle(handle, false));
    }

    /** A handle of the user's for an actor; {@code held}: the node counts it already. */
    public ActorReference handle(WireHandle handle, boolean held) {
        if (Id.isZero(handle.ref.id())) {
            throw new ProtocolException("a handle of no actor");
        }
        ActorLink[] link = new ActorLink[1];
        locked(() -> link[0] = actors.know(handle, held));
        return ActorReference.of(this, link[0]);
    }

    private ObjectEntry entryOf(Object reference) {
        return reference instanceof ObjectReference<?> ref ? ref.entry() : ((ActorReference) reference).link().entry;
    }

    /** Handles on everything that a value contains; the lock is held. */
    List<ObjectEntry> nested(EncodedValue value) {
        List<ObjectEntry> nested = new ArrayList<>(value.references().size());
        for (Object reference : value.references()) {
            ObjectEntry entry = entryOf(reference);
            objects.acquire(entry);
            nested.add(entry);
        }
        return nested;
    }

    /** Puts a value; the caller gets the only handle. */
    public <T extends @Nullable Object> ObjectReference<T> put(T value) {
        checkRunning();
        EncodedValue encoded = Values.encode(value, this);
        return new ObjectReference<>(this, putEncoded(encoded), value == null ? null : value.getClass());
    }

    /** Puts a value whose reference is about to leave this process. */
    public <T> ObjectReference<T> putPublished(T value) {
        ObjectReference<T> reference = put(value);
        locked(() -> objects.publish(reference.entry()));
        return reference;
    }

    ObjectEntry putEncoded(EncodedValue encoded) {
        Id id = context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        if (encoded.inlineSize() <= inlineBytesMax) {
            Payload payload = encoded.inline();
            locked(() -> {
                entry[0] = objects.own(id);
                objects.completeLocal(entry[0], payload, nested(encoded));
            });
        } else {
            StoreClient.Extent extent = writeImage(encoded);
            locked(() -> {
                entry[0] = objects.own(id);
                objects.seal(entry[0], extent, encoded.imageSize(), encoded.encoding(), nested(encoded));
            });
        }
        return entry[0];
    }

    /** Puts an image that was built where it lies. */
    public <T> ObjectReference<T> sealInPlace(
            StoreClient.Extent extent, long length, int encoding, Class<T> type) {
        checkRunning();
        Id id = context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        locked(() -> {
            entry[0] = objects.own(id);
            objects.seal(entry[0], extent, length, encoding, List.of());
        });
        return new ObjectReference<>(this, entry[0], type);
    }

    /**
     * The same, and the image is pinned where it is before anything can move it.
     *
     * @param pinned gets what ends the pin, once the node has answered
     */
    public <T> ObjectReference<T> sealPinned(
            StoreClient.Extent extent, long length, int encoding, Class<T> type, Consumer<Runnable> pinned) {
        checkRunning();
        Id id = context().nextPut();
        ObjectEntry[] entry = new ObjectEntry[1];
        locked(() -> {
            entry[0] = objects.own(id);
            // Asked before it is sealed, so that the seal itself pins it.
            objects.ask(entry[0], answer -> {
                if (answer.table() instanceof ObjectValue value && value.state == ValueState.STORED) {
                    pinned.accept(() -> unpin(value));
                }
            });
            objects.seal(entry[0], extent, length, encoding, List.of());
        });
        return new ObjectReference<>(this, entry[0], type);
    }

    /** Writes an image into fresh memory of the store. */
    public StoreClient.Extent writeImage(EncodedValue encoded) {
        return store.write(encoded);
    }

    /** What a worker tells of references inside a value that it made: as they travel, each known at its home. */
    public List<WireRef> publishContained(EncodedValue value) {
        if (value.references().isEmpty()) {
            return List.of();
        }
        List<WireRef> refs = new ArrayList<>();
        locked(() -> {
            for (Object reference : value.references()) {
                ObjectEntry entry = entryOf(reference);
                objects.publish(entry);
                refs.add(entry.ref);
            }
        });
        return refs;
    }

    void unpin(ObjectUnpin unpin) {
        if (ended == null) {
            node.queue(unpin);
        }
    }

    void unpin(ObjectValue value) {
        if (value.state == ValueState.STORED && value.pin != 0) {
            ObjectUnpin unpin = new ObjectUnpin();
            unpin.pins = new long[] {value.pin};
            unpin(unpin);
        }
    }

    // State ----------------------------------------------------------------------------------------------------------

    /** Rows of a kind that pass all filters; at most so many, or all if {@code limit} is 0. */
    List<Map<String, @Nullable Object>> state(int kind, List<StateFilter> filters, long limit) {
        List<Map<String, @Nullable Object>> rows = new ArrayList<>();
        statePages(kind, filters, limit).forEachRemaining(rows::addAll);
        return rows;
    }

    /** The same page by page; the first one is asked for now. */
    Iterator<List<Map<String, @Nullable Object>>> statePages(int kind, List<StateFilter> filters, long limit) {
        checkRunning();
        StateQuery query = new StateQuery();
        query.kind = kind;
        query.limit = limit;
        query.filters = filters.stream().map(Session::wireFilter).toList();
        return new Iterator<>() {
            private @Nullable List<Map<String, @Nullable Object>> page = ask();

            @SuppressWarnings("unchecked")
            private List<Map<String, @Nullable Object>> ask() {
                NodeLink.Answer answer = request(number -> {
                    query.request = number;
                    return query;
                });
                StateReply reply = answer.as(StateReply.class);
                query.cursor = reply.cursor;
                Payload rows = Payload.inBody(Encoding.PORTABLE, Layout.COMPACT, answer.body(), 0, reply.length);
                return (List<Map<String, @Nullable Object>>) Objects.requireNonNull(reader.decode(rows, null));
            }

            @Override
            public boolean hasNext() {
                return page != null;
            }

            @Override
            public List<Map<String, @Nullable Object>> next() {
                List<Map<String, @Nullable Object>> current = page;
                if (current == null) {
                    throw new NoSuchElementException("the last page was taken");
                }
                page = query.cursor == 0 ? null : ask();
                return current;
            }
        };
    }

    private static io.bowstring.internal.wire.StateFilter wireFilter(StateFilter each) {
        io.bowstring.internal.wire.StateFilter filter = new io.bowstring.internal.wire.StateFilter();
        filter.field = each.field();
        filter.op = each.op();
        filter.value = each.value();
        return filter;
    }

    // Actors ---------------------------------------------------------------------------------------------------------

    /** The handle of a named actor. */
    public ActorReference lookup(String name, String inNamespace) {
        checkRunning();
        ActorLookup lookup = new ActorLookup();
        lookup.name = name;
        lookup.namespace = inNamespace;
        ActorInfo info = request(number -> {
            lookup.request = number;
            return lookup;
        }).as(ActorInfo.class);
        return handle(info.handle, true);
    }

    /** Ends an actor's process. */
    public void kill(ActorReference actor, boolean noRestart) {
        checkRunning();
        ActorKill kill = new ActorKill();
        kill.actor = own(actor.session(), actor).link().id();
        kill.noRestart = noRestart;
        request(number -> {
            kill.request = number;
            return kill;
        }).as(Table.class);
    }
}
