package io.bowstring.internal.runtime;

import io.bowstring.ObjectRef;
import io.bowstring.errors.BowstringException;
import io.bowstring.errors.GetTimeoutException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.net.Reactor;
import io.bowstring.internal.value.Conversions;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.References;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.ActorCreate;
import io.bowstring.internal.wire.ActorInfo;
import io.bowstring.internal.wire.ActorKill;
import io.bowstring.internal.wire.ActorLookup;
import io.bowstring.internal.wire.ActorState;
import io.bowstring.internal.wire.Encoding;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Layout;
import io.bowstring.internal.wire.LeaseEnded;
import io.bowstring.internal.wire.LeaseGrant;
import io.bowstring.internal.wire.LeaseRecall;
import io.bowstring.internal.wire.ObjectUnpin;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.Resource;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Return;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.SegmentDropped;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.TaskFlag;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
    private static final long WAIT_UNBLOCKED_MS = 2;

    /** What a worker does around a wait, so that its CPU is free meanwhile (spec section 4.5). */
    public interface Blocking {
        void blocked();

        void unblocked();
    }

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
    private final StoreClient store = new StoreClient(this, cleaner);
    private final Map<String, PeerLink> peers = new HashMap<>();
    private final Set<Id> functions = new HashSet<>();
    /** Creations of actors whose arguments are not there yet. */
    private final Map<PendingTask, Creation> creations = new HashMap<>();
    private final Consumer<Frame> otherFrames;
    private final Consumer<BowstringException> lost;

    private long nodeId;
    private long job;
    private long inlineBytesMax;
    private String namespace = "";
    private volatile @Nullable TaskContext root;
    private volatile ClassLoader classLoader = Session.class.getClassLoader();
    private volatile @Nullable Blocking blocking;
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

    public void setClassLoader(ClassLoader loader) {
        classLoader = loader;
    }

    public void setBlocking(Blocking hooks) {
        blocking = hooks;
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

    private void checkRunning() {
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

    /** Asks the node and waits for the answer. */
    NodeLink.Answer request(LongFunction<Table> make) {
        CompletableFuture<NodeLink.Answer> answered = new CompletableFuture<>();
        Table table = make.apply(node.number(answered::complete));
        node.send(table);
        return await(answered, Long.MAX_VALUE, false);
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

    void releaseWhenUnreachable(Object handle, ObjectEntry entry) {
        cleaner.register(handle, new Release(this, entry));
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

    private <T> T own(Session other, T value) {
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
        return new ObjectReference<>(this, entry[0], type);
    }

    @Override
    public Object readHandle(WireHandle handle) {
        return handle(handle, false);
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
    private List<ObjectEntry> nested(EncodedValue value) {
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

    private ObjectEntry putEncoded(EncodedValue encoded) {
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

    /** Writes an image into fresh memory of the store. */
    public StoreClient.Extent writeImage(EncodedValue encoded) {
        StoreClient.Extent extent = store.allocate(encoded.imageSize());
        try {
            encoded.writeImage(extent.memory().duplicate().order(java.nio.ByteOrder.LITTLE_ENDIAN));
        } catch (RuntimeException error) {
            store.giveBack(extent.grant());
            throw error;
        }
        return extent;
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

    // Reading --------------------------------------------------------------------------------------------------------

    static long nanos(Duration timeout) {
        try {
            return Math.max(0, timeout.toNanos());
        } catch (ArithmeticException error) {
            return Long.MAX_VALUE;
        }
    }

    private Fetch fetch(ObjectEntry entry) {
        Fetch fetch = new Fetch(this, entry);
        locked(() -> {
            if (entry.isActor) {
                throw new InvalidArgumentException("an actor has no value; call its methods");
            }
            fetch.start();
        });
        return fetch;
    }

    private ObjectReference<?> own(ObjectRef<?> ref) {
        if (!(ref instanceof ObjectReference<?> reference)) {
            throw new InvalidArgumentException("an ObjectRef of " + ref.getClass() + ", which is not the runtime's");
        }
        return own(reference.session(), reference);
    }

    @Nullable Object get(ObjectReference<?> reference, long timeoutNs) {
        own(reference);
        Fetch fetch = fetch(reference.entry());
        boolean mine = reference.entry().owned;
        try {
            return Fetch.decode(this, await(fetch.done(), timeoutNs, mine), reference.type());
        } catch (GetTimeoutException | TaskCancelledException error) {
            fetch.abandon();
            throw error;
        }
    }

    /** The values of several references, in order; all are asked for before the first is waited for. */
    public List<@Nullable Object> get(List<? extends ObjectRef<?>> refs, long timeoutNs) {
        long deadline = deadline(timeoutNs);
        List<Fetch> fetches = new ArrayList<>(refs.size());
        for (ObjectRef<?> ref : refs) {
            fetches.add(fetch(own(ref).entry()));
        }
        List<@Nullable Object> values = new ArrayList<>(refs.size());
        try {
            for (int i = 0; i < fetches.size(); i++) {
                ObjectReference<?> reference = own(refs.get(i));
                long left = timeoutNs == Long.MAX_VALUE ? timeoutNs : Math.max(0, deadline - System.nanoTime());
                Object fetched = await(fetches.get(i).done(), left, reference.entry().owned);
                values.add(Fetch.decode(this, fetched, reference.type()));
            }
        } finally {
            fetches.forEach(Fetch::abandon);
        }
        return values;
    }

    private static long deadline(long timeoutNs) {
        return timeoutNs == Long.MAX_VALUE ? Long.MAX_VALUE : System.nanoTime() + timeoutNs;
    }

    /** Waits for a future; a worker says so meanwhile, at once if it waits for work of its own. */
    private <T> T await(CompletableFuture<T> future, long timeoutNs, boolean mine) {
        if (reactor.isCurrentThread()) {
            throw new InvalidArgumentException("the connection thread must not wait");
        }
        Blocking hooks = blocking;
        boolean told = false;
        try {
            if (!future.isDone()) {
                reactor.flush();
                if (hooks != null && TaskContext.current() != null) {
                    if (!mine && timeoutNs > TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS)) {
                        try {
                            return reactor.await(future, TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS));
                        } catch (TimeoutException stillOut) {
                            timeoutNs = timeoutNs == Long.MAX_VALUE ? timeoutNs
                                    : timeoutNs - TimeUnit.MILLISECONDS.toNanos(WAIT_UNBLOCKED_MS);
                        }
                    }
                    told = true;
                    hooks.blocked();
                }
            }
            return reactor.await(future, timeoutNs);
        } catch (TimeoutException error) {
            throw new GetTimeoutException("the value was not there in time");
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new TaskCancelledException("the wait was interrupted", error);
        } catch (CancellationException error) {
            throw new TaskCancelledException("the wait was given up", error);
        } catch (ExecutionException error) {
            throw error.getCause() instanceof BowstringException known ? ErrorRecords.again(known)
                    : new CompletionException(error.getCause());
        } finally {
            if (told) {
                hooks.unblocked();
            }
        }
    }

    /** Waits for what a worker must have before it can go on. */
    public <T> T await(CompletableFuture<T> future) {
        return await(future, Long.MAX_VALUE, false);
    }

    CompletableFuture<@Nullable Object> future(ObjectReference<?> reference) {
        own(reference);
        Fetch fetch = fetch(reference.entry());
        reactor.wake();
        return fetch.done().thenApplyAsync(fetched -> {
            Object value = Fetch.decode(this, fetched, reference.type());
            java.lang.ref.Reference.reachabilityFence(reference);
            return value;
        });
    }

    /** Reads a reference that is an argument: the value, as its encoding has it. The caller holds the reference. */
    public CompletableFuture<Object> fetchArgument(WireRef ref) {
        ObjectEntry entry = new ObjectEntry(Id.of(ref.id()), ref, false);
        Fetch fetch = new Fetch(this, entry);
        locked(fetch::start);
        return fetch.done();
    }

    /** Decodes what {@link #fetchArgument} gave. */
    public @Nullable Object decodeFetched(Object fetched) {
        return Fetch.decode(this, fetched, null);
    }

    /** Decodes a payload as a type that may be known. */
    public @Nullable Object decode(Payload payload, @Nullable Runnable unpin, @Nullable Class<?> type) {
        ClassLoader loader = classLoader;
        ClassLoader threads = Thread.currentThread().getContextClassLoader();
        if (!isWorker() && threads != null) {
            loader = threads;
        }
        Object value;
        try {
            value = Values.decode(payload, this, loader, unpin);
        } finally {
            TaskContext context = TaskContext.current();
            if (context != null && isWorker()) {
                locked(() -> objects.holdRead(context));
            }
        }
        return type == null || type == Object.class || type == void.class ? value : Conversions.convert(value, type);
    }

    @Nullable Object decodeStored(ObjectValue value, @Nullable Class<?> type) {
        StoreClient.Mapped mapped = store.map(value.location.segment(), value.segmentPath, value.location, value.pin);
        try {
            Object decoded = decode(new Payload(value.encoding, Layout.IMAGE, mapped.memory()), mapped.unpin(), type);
            if (value.encoding == Encoding.JAVA || value.encoding == Encoding.BYTES) {
                java.lang.ref.Reference.reachabilityFence(mapped);
            }
            return decoded;
        } catch (RuntimeException error) {
            mapped.unpin().run();
            throw error;
        }
    }

    // Waiting --------------------------------------------------------------------------------------------------------

    /** Splits references into those that are ready and the rest, once enough are or the time is over. */
    public <T extends @Nullable Object> List<List<ObjectRef<T>>> wait(
            List<? extends ObjectRef<T>> refs, int numReturns, long timeoutNs) {
        if (numReturns < 0 || numReturns > refs.size()) {
            throw new InvalidArgumentException(
                    "numReturns is " + numReturns + "; it is from 0 to the number of references, " + refs.size());
        }
        List<ObjectReference<?>> all = new ArrayList<>(refs.size());
        refs.forEach(ref -> all.add(own(ref)));
        CompletableFuture<Boolean> enough = new CompletableFuture<>();
        int[] missing = {numReturns};
        Runnable one = () -> {
            if (--missing[0] == 0) {
                enough.complete(true);
            }
        };
        locked(() -> {
            for (ObjectReference<?> reference : all) {
                ObjectEntry entry = reference.entry();
                if (entry.isReady()) {
                    one.run();
                } else {
                    entry.onReady(one);
                    objects.watch(entry);
                }
            }
        });
        if (numReturns > 0) {
            try {
                await(enough, timeoutNs, true);
            } catch (GetTimeoutException late) {
                LOGGER.log(Level.TRACE, "wait ran out of time", late);
            }
        }
        List<ObjectRef<T>> ready = new ArrayList<>();
        List<ObjectRef<T>> unready = new ArrayList<>();
        locked(() -> {
            for (int i = 0; i < all.size(); i++) {
                ObjectEntry entry = all.get(i).entry();
                entry.forget(one);
                (entry.isReady() && ready.size() < numReturns ? ready : unready).add(refs.get(i));
            }
        });
        return List.of(ready, unready);
    }

    // Submitting -----------------------------------------------------------------------------------------------------

    /** Submits a task; the arguments are values or references. */
    public ObjectReference<?> submit(
            FunctionDescriptor function,
            List<?> arguments,
            CallOptions options,
            @Nullable Class<?> type) {
        checkRunning();
        LeasePool.Key key = new LeasePool.Key(function.language(), options.resources(), options.jvmFlags);
        PendingTask task = prepare(function, arguments, options, key, null, options.maxRetries);
        ObjectReference<?> reference = new ObjectReference<>(this, task.result, type);
        locked(() -> {
            publishFunction(function);
            if (resolve(task)) {
                leases.enqueue(task);
            }
        });
        return reference;
    }

    /** Calls a method of an actor. */
    public ObjectReference<?> call(
            ActorReference actor,
            String method,
            List<?> arguments,
            CallOptions options,
            @Nullable Class<?> type) {
        checkRunning();
        own(actor.session(), actor);
        ActorLink link = actor.link();
        FunctionDescriptor function = new FunctionDescriptor(link.handle.language, link.handle.module,
                link.handle.className, "", link.handle.classKey);
        PendingTask task = prepare(function, arguments, options, null, link, options.maxTaskRetries);
        task.method = method;
        task.flags |= TaskFlag.METHOD;
        ObjectReference<?> reference = new ObjectReference<>(this, task.result, type);
        locked(() -> {
            objects.acquire(link.entry);
            task.holds.add(link.entry);
            try {
                link.call(task);
            } catch (RuntimeException error) {
                task.done = true;
                release(task);
                throw error;
            }
            if (resolve(task)) {
                link.pump();
            }
        });
        return reference;
    }

    /** Makes an actor; its handle can be used at once. */
    public ActorReference create(
            FunctionDescriptor type, String constructor, List<?> arguments, CallOptions options) {
        checkRunning();
        if (options.getIfExists && options.name.isEmpty()) {
            throw new InvalidArgumentException("an actor without a name can't be looked for; call setName(...)");
        }
        CallOptions creation = new CallOptions();
        creation.name = "";
        PendingTask task = prepare(type, arguments, creation, null, null, 0);
        task.method = constructor;
        task.flags |= TaskFlag.CREATION;
        WireHandle handle = new WireHandle();
        handle.ref = task.result.ref;
        handle.language = type.language();
        handle.maxConcurrency = options.maxConcurrency;
        handle.maxTaskRetries = options.maxTaskRetries;
        handle.maxPendingCalls = options.maxPendingCalls;
        handle.module = type.module();
        handle.className = type.name();
        handle.classKey = type.key();
        ActorLink[] link = new ActorLink[1];
        ActorReference[] reference = new ActorReference[1];
        CompletableFuture<NodeLink.Answer> named = new CompletableFuture<>();
        locked(() -> link[0] = actors.make(handle, task.result));
        reference[0] = ActorReference.of(this, link[0]);
        locked(() -> {
            publishFunction(type);
            task.result.producer = null;
            task.result.onReady(() -> {});
            creations.put(task, new Creation(link[0], () -> sendCreate(task, handle, options, link[0], named)));
            if (resolve(task)) {
                creations.remove(task).send.run();
            }
        });
        if (!options.name.isEmpty()) {
            // A name that is taken is the caller's error, at once; or the actor that has it is who is wanted.
            Table answer = await(named, Long.MAX_VALUE, false).as(Table.class);
            if (answer instanceof ActorInfo info) {
                locked(() -> link[0].entry.held = false); // nothing was made that could be held
                return handle(info.handle, true);
            }
        }
        return reference[0];
    }

    private record Creation(ActorLink link, Runnable send) {}

    private void sendCreate(
            PendingTask task,
            WireHandle handle,
            CallOptions options,
            ActorLink link,
            CompletableFuture<NodeLink.Answer> named) {
        ActorCreate create = new ActorCreate();
        create.handle = handle;
        create.maxRestarts = options.maxRestarts;
        create.detached = options.detached;
        create.getIfExists = options.getIfExists;
        create.name = options.name;
        create.namespace = options.namespace;
        create.jvmFlags = options.jvmFlags;
        List<Resource> resources = new ArrayList<>();
        options.resources().forEach((name, units) -> {
            Resource resource = new Resource();
            resource.name = name;
            resource.units = units;
            resources.add(resource);
        });
        create.resources = resources;
        List<WireRef> contains = new ArrayList<>();
        for (ObjectEntry entry : task.holds) {
            contains.add(entry.ref);
        }
        create.contains = contains;
        create.request = node.number(answer -> {
            BowstringException error = answer.error();
            locked(() -> {
                if (error != null) {
                    link.entry.held = false; // nothing was made that could be held
                    link.failed(error);
                }
                release(task);
            });
            named.complete(answer);
        });
        node.queue(Frame.encode(create, task.frame(process, nodeId, task.id.bytes(), 0)));
        link.created();
    }

    private PendingTask prepare(
            FunctionDescriptor function,
            List<?> arguments,
            CallOptions options,
            LeasePool.@Nullable Key key,
            @Nullable ActorLink actor,
            int retries) {
        List<EncodedValue> encoded = new ArrayList<>(arguments.size());
        List<@Nullable ObjectEntry> stored = new ArrayList<>(arguments.size());
        for (int i = 0; i < arguments.size(); i++) {
            Object argument = arguments.get(i);
            if (argument instanceof ObjectReference<?> reference) {
                encoded.add(null);
                stored.add(own(reference.session(), reference).entry());
                continue;
            }
            EncodedValue value = encodeArgument(argument, function.language(), i);
            boolean fits = value.inlineSize() <= inlineBytesMax;
            encoded.add(fits ? value : null);
            stored.add(fits ? null : putEncoded(value));
        }
        List<Payload> payloads = new ArrayList<>();
        for (EncodedValue value : encoded) {
            payloads.add(value == null ? null : value.inline());
        }
        byte[] id = context().nextChild();
        PendingTask[] made = new PendingTask[1];
        locked(() -> {
            List<PendingTask.Slot> slots = new ArrayList<>(arguments.size());
            List<ObjectEntry> holds = new ArrayList<>();
            for (int i = 0; i < encoded.size(); i++) {
                slots.add(new PendingTask.Slot(payloads.get(i), stored.get(i)));
                ObjectEntry entry = stored.get(i);
                if (entry != null) {
                    if (arguments.get(i) instanceof ObjectReference<?>) {
                        objects.acquire(entry);
                    }
                    holds.add(entry);
                } else {
                    List<ObjectEntry> nested = nested(encoded.get(i));
                    objects.publishAll(nested);
                    holds.addAll(nested);
                }
            }
            PendingTask task = new PendingTask(
                    Id.of(id), function, slots, objects.own(Id.result(id, 0)), key, actor);
            task.holds.addAll(holds);
            task.name = options.name;
            task.concurrencyGroup = options.concurrencyGroup;
            task.retriesLeft = retries;
            task.retryExceptions = options.retryExceptions;
            task.timeoutMs = options.timeoutMs;
            task.result.producer = task;
            made[0] = task;
        });
        return made[0];
    }

    private EncodedValue encodeArgument(@Nullable Object argument, int language, int index) {
        if (language == Language.JAVA) {
            return Values.encode(argument, this);
        }
        try {
            return Values.encodePortable(argument, this);
        } catch (io.bowstring.errors.CrossLanguageException error) {
            String message = error.details().message();
            throw new io.bowstring.errors.CrossLanguageException(
                    "$.args[" + index + "]" + (message.startsWith("$") ? message.substring(1) : ": " + message));
        }
    }

    private void publishFunction(FunctionDescriptor function) {
        if (functions.add(Id.of(function.key()))) {
            node.queue(function.put());
        }
    }

    /** True if every argument is there; else the task goes on when the last one is. The lock is held. */
    private boolean resolve(PendingTask task) {
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry != null && !entry.isReady()) {
                task.dependencies++;
                entry.onReady(() -> {
                    if (--task.dependencies == 0 && !task.done && choosePayloads(task)) {
                        Creation creation = creations.remove(task);
                        if (creation != null) {
                            creation.send.run();
                        } else if (task.actor != null) {
                            task.actor.pump();
                        } else {
                            leases.enqueue(task);
                        }
                    }
                });
                objects.watch(entry);
            }
        }
        return task.dependencies == 0 && choosePayloads(task);
    }

    /** Decides how each resolved reference is passed; false: an argument is an error, which is the task's end. */
    private boolean choosePayloads(PendingTask task) {
        int own = task.function.language() == Language.JAVA ? Encoding.JAVA : Encoding.PYTHON;
        for (PendingTask.Slot slot : task.slots) {
            ObjectEntry entry = slot.entry;
            if (entry == null) {
                continue;
            }
            Payload local = entry.local;
            if (local == null) {
                continue;
            }
            if (local.encoding() == Encoding.ERROR) {
                task.done = true;
                Creation creation = creations.remove(task);
                if (creation != null) {
                    creation.link.failed(exceptionOf(local));
                } else {
                    objects.completeLocal(task.result, local, List.of());
                }
                release(task);
                if (task.actor != null) {
                    task.actor.pump();
                }
                return false;
            }
            boolean foreign = (local.encoding() == Encoding.PYTHON || local.encoding() == Encoding.JAVA)
                    && local.encoding() != own;
            if (foreign || local.size() > inlineBytesMax) {
                objects.publish(entry);
            } else {
                objects.publishAll(entry.nested);
                slot.payload = local;
            }
        }
        for (PendingTask.Slot slot : task.slots) {
            if (slot.payload == null) {
                objects.publish(slot.entry);
            }
        }
        task.resolved = true;
        return true;
    }

    private BowstringException exceptionOf(Payload payload) {
        try {
            decode(payload, null, null);
        } catch (BowstringException error) {
            return error;
        }
        throw new IllegalStateException("a payload of an error is none");
    }

    // Ends of tasks --------------------------------------------------------------------------------------------------

    /** The Result of a task came; the lock is held. */
    void finish(PendingTask task, Result result, byte[] body) {
        if (result.returns.size() != 1) {
            throw new ProtocolException("a Result of " + result.returns.size() + " values; 1 was asked for");
        }
        Return value = result.returns.get(0);
        task.done = true;
        task.lease = null;
        if (value.state() == ValueState.STORED) {
            objects.completeStored(task.result);
        } else if (value.state() == ValueState.INLINE) {
            Payload payload = Payload.inBody(value.encoding(), value.layout(), body, value.offset(), value.length());
            boolean delivered = (task.flags & TaskFlag.DELIVER_HOME) != 0 && !task.deliverSent;
            if ((value.flags() & 1) != 0 || delivered) {
                objects.completeDelivered(task.result, payload);
            } else {
                objects.completeLocal(task.result, payload, List.of());
            }
        } else {
            throw new ProtocolException("a Result's value is neither inline nor stored");
        }
        release(task);
    }

    /** A task will have no Result; the lock is held. */
    void fail(PendingTask task, BowstringException error) {
        if (!task.done) {
            task.done = true;
            task.lease = null;
            objects.fail(task.result, error);
            release(task);
        }
    }

    private void release(PendingTask task) {
        task.holds.forEach(objects::release);
        task.holds.clear();
    }

    /** The result's reference escaped: its home is to get the value too; the lock is held. */
    void deliver(PendingTask task) {
        if (task.actor != null) {
            task.actor.deliver(task);
        } else if (task.leaseKey != null) {
            leases.deliver(task);
        }
    }

    /** Cancels a task by its result. */
    public void cancel(ObjectRef<?> ref, boolean force, boolean recursive) {
        ObjectEntry entry = own(ref).entry();
        locked(() -> {
            if (!entry.owned) {
                throw new InvalidArgumentException("only the process that submitted a task can cancel it");
            }
            PendingTask task = entry.producer;
            if (task == null || task.done) {
                return;
            }
            if (task.actor != null && force) {
                throw new InvalidArgumentException("a call on an actor can't be forced to end; kill the actor");
            }
            cancel(task, force, recursive);
        });
    }

    private void cancel(PendingTask task, boolean force, boolean recursive) {
        if (task.actor != null) {
            task.actor.cancel(task, recursive);
        } else {
            leases.cancel(task, force, recursive);
        }
    }

    /** Cancels what a task has submitted and is not done. */
    public void cancelChildren(TaskContext parent) {
        locked(() -> objects.submittedBy(parent).forEach(task -> cancel(task, false, true)));
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
