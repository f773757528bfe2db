package io.bowstring.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.BindException;
import java.net.ConnectException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads every connection of this process, by one thread at a time: the <em>leader</em>.
 *
 * <p>A thread that waits leads if nobody does, so that what it waits for costs no hop between threads. A thread of the
 * reactor's own leads when no other has for {@link #PATIENCE_NS}; it steps down when a waiting thread wants to lead, and
 * rests without a limit while others lead for long.
 *
 * <p>Channels are non-blocking throughout: a blocking one is closed by an interrupt of the thread that uses it, and user
 * threads are interrupted. Any thread writes what its socket takes; what is left over goes out from the leader, so that
 * nobody blocks on a write without reading (spec section 1.1, rule 5).
 *
 * <p>Frames that are not urgent are only queued; the leader writes them on its next round. It goes round at least every
 * {@link #ROUND_MS} while there is traffic, and sleeps without a limit when there is none: whoever queues something then
 * wakes it. So a busy process makes no wake-up call for a queued frame, and an idle one uses no processor.
 */
public final class Reactor {
    private static final Logger LOGGER = System.getLogger(Reactor.class.getName());
    private static final long ROUND_MS = 1;
    private static final long AWAKE_NS = TimeUnit.MILLISECONDS.toNanos(4);
    private static final long PATIENCE_NS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long REST_AFTER_NS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long HAND_OVER_NS = TimeUnit.MICROSECONDS.toNanos(100);
    private static final long FOLLOW_NS = TimeUnit.MILLISECONDS.toNanos(20);

    private record Timer(long dueNs, long order, Runnable action) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            int byTime = Long.compare(dueNs - other.dueNs, 0);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final Selector selector;
    private final Spinner spinner = new Spinner(Spinner.configuredNs(), System::nanoTime);
    private final Thread thread;
    private final Queue<Runnable> actions = new ConcurrentLinkedQueue<>();
    private final Queue<Connection> dirty = new ConcurrentLinkedQueue<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private final BooleanSupplier somethingQueued = () -> !dirty.isEmpty() || !actions.isEmpty();
    private volatile Consumer<Error> fatal =
            error -> LOGGER.log(Level.ERROR, "serving connections met an error of the JVM and goes on", error);
    private Runnable round = () -> {};
    private long timerOrder;
    private long activeNs;
    private volatile boolean asleep;
    private volatile boolean stopped;
    /** The thread has ended: whoever comes later runs his actions himself. */
    private volatile boolean closed;
    private final AtomicReference<@Nullable Thread> leader = new AtomicReference<>();
    private volatile long leftNs = System.nanoTime() - REST_AFTER_NS;
    private volatile boolean wanted;
    private volatile boolean resting;

    public Reactor(String name) {
        try {
            selector = Selector.open();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    /** Hears of errors of the JVM, such as a lack of memory, that have made a frame be lost. */
    public void setFatal(Consumer<Error> hears) {
        fatal = hears;
    }

    /** Starts the thread; {@code round} is called on every round, before queued frames are written. */
    public void start(Runnable eachRound) {
        round = eachRound;
        thread.start();
    }

    /** True on the leader's thread while it serves connections: it must not wait. */
    public boolean isCurrentThread() {
        return leader.get() == Thread.currentThread();
    }

    /** Ends the thread and closes every connection, after what is queued was written as far as sockets take it. */
    public void stop() {
        stopped = true;
        selector.wakeup();
        LockSupport.unpark(thread);
        if (!isCurrentThread()) {
            boolean interrupted = false;
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException error) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Runs an action on the reactor's thread, soon; once that has ended, at once. */
    public void execute(Runnable action) {
        actions.add(action);
        if (closed) {
            runLeft();
        } else {
            wake();
        }
    }

    /** Runs an action on the reactor's thread after a time. */
    public void schedule(long delayMs, Runnable action) {
        long dueNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(delayMs);
        if (isCurrentThread()) {
            timers.add(new Timer(dueNs, timerOrder++, action));
        } else {
            execute(() -> timers.add(new Timer(dueNs, timerOrder++, action)));
        }
    }

    void needsFlush(Connection connection) {
        dirty.add(connection);
        wake();
    }

    /** Makes sure that a round comes within {@link #ROUND_MS}. */
    public void wake() {
        if (asleep) {
            selector.wakeup();
        }
    }

    /** Has the leader look at once whether what it waits for has come from elsewhere, wherever it is in its round. */
    public void lookAgain() {
        actions.add(() -> {}); // a spin eats wake-ups, and ends for an action
        selector.wakeup();
    }

    void needsWritable(SelectionKey key) {
        execute(() -> {
            if (key.isValid()) {
                key.interestOps(key.interestOps() | SelectionKey.OP_WRITE);
            }
        });
    }

    /** Connects to a Unix socket; the handler hears of everything that follows. */
    public Connection connect(Path path, Connection.Handler handler) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.configureBlocking(false); // an interrupted thread must not close it
            if (!connected(channel, path)) {
                throw new IOException(path + " takes no connection now");
            }
            return register(channel, handler);
        } catch (IOException | RuntimeException error) {
            channel.close();
            throw error;
        }
    }

    /** False: the queue of who listens is full. */
    private static boolean connected(SocketChannel channel, Path path) throws IOException {
        try {
            return channel.connect(UnixDomainSocketAddress.of(path)) || channel.finishConnect();
        } catch (ConnectException | BindException nobodyOrDenied) { // Java has no other exception for EACCES
            throw nobodyOrDenied;
        } catch (SocketException missingOrFull) { // Java 17 throws where later ones say that the connection is pending
            if (!Files.exists(path)) {
                throw missingOrFull;
            }
            return false;
        }
    }

    /**
     * Listens on a Unix socket; {@code accepted} is given each channel, on the reactor's thread.
     *
     * @return what ends the listening, and removes the socket's file
     */
    public Runnable listen(Path path, Consumer<SocketChannel> accepted) throws IOException {
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path), 128);
        server.configureBlocking(false);
        execute(() -> {
            try {
                server.register(selector, SelectionKey.OP_ACCEPT, accepted);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        });
        return () -> {
            try {
                server.close();
                Files.deleteIfExists(path);
            } catch (IOException error) {
                LOGGER.log(Level.DEBUG, "closing an address", error);
            }
        };
    }

    /** Reads a channel from now on. */
    public Connection register(SocketChannel channel, Connection.Handler handler) throws IOException {
        channel.configureBlocking(false);
        Connection connection = new Connection(this, channel, handler);
        Runnable registration = () -> {
            try {
                connection.registered(channel.register(selector, SelectionKey.OP_READ, connection));
            } catch (IOException | ClosedSelectorException error) {
                connection.fail(error);
            }
        };
        if (isCurrentThread()) {
            registration.run();
        } else {
            execute(registration);
        }
        return connection;
    }

    // Leading --------------------------------------------------------------------------------------------------------

    private boolean lead() {
        return leader.get() == null && leader.compareAndSet(null, Thread.currentThread());
    }

    private void leave() {
        leader.set(null);
        leftNs = System.nanoTime();
        if (resting) {
            LockSupport.unpark(thread);
        }
    }

    /** Waits for a future, and leads meanwhile if nobody does. */
    public <T> T await(Future<T> future, long timeoutNs)
            throws InterruptedException, TimeoutException, ExecutionException {
        if (VirtualThreads.isCurrent()) {
            // It would take its carrier into the selector; the reactor's own thread reads for it.
            return timeoutNs == Long.MAX_VALUE ? future.get() : future.get(timeoutNs, TimeUnit.NANOSECONDS);
        }
        long deadline = timeoutNs == Long.MAX_VALUE ? Long.MAX_VALUE : System.nanoTime() + timeoutNs;
        int refused = 0;
        while (!future.isDone()) {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            long left = deadline == Long.MAX_VALUE ? FOLLOW_NS * 1000 : deadline - System.nanoTime();
            if (left <= 0) {
                throw new TimeoutException();
            }
            if (!stopped && lead()) {
                try {
                    long limit = System.nanoTime() + left;
                    do {
                        poll(limit - System.nanoTime());
                    } while (!future.isDone() && !stopped && !Thread.currentThread().isInterrupted()
                            && limit - System.nanoTime() > 0);
                } finally {
                    leave();
                }
            } else {
                follow(refused++);
                try {
                    return future.get(Math.min(left, refused > 5 ? FOLLOW_NS : HAND_OVER_NS), TimeUnit.NANOSECONDS);
                } catch (TimeoutException again) {
                    continue;
                }
            }
        }
        return future.get();
    }

    /** Leads until something holds, if nobody leads; false: somebody does. Ends early if the thread is interrupted. */
    public boolean leadUntil(BooleanSupplier condition) {
        if (stopped || !lead()) {
            if (leader.get() == thread) {
                follow(0);
            }
            return false;
        }
        try {
            while (!condition.getAsBoolean() && !stopped && !Thread.currentThread().isInterrupted()) {
                poll(Long.MAX_VALUE);
            }
        } finally {
            leave();
        }
        return true;
    }

    /** The reactor's own thread steps down for one that waits. */
    private void follow(int refused) {
        if (refused == 0 && leader.get() == thread) {
            wanted = true;
            selector.wakeup();
        }
    }

    private void run() {
        while (!stopped) {
            long sinceNs = System.nanoTime() - leftNs;
            if (leader.get() == null && sinceNs >= PATIENCE_NS && lead()) {
                do {
                    poll(Long.MAX_VALUE);
                } while (!stopped && !wanted);
                wanted = false;
                leave();
            } else if (sinceNs > REST_AFTER_NS) {
                restWhileLed();
            } else {
                // What is waited for is time, PATIENCE_NS since the last leader left. To be told of each who leaves would
                // cost every call an unpark; so this looks again, ten times at most before it rests or leads.
                LockSupport.parkNanos(PATIENCE_NS);
            }
        }
        while (!lead()) {
            selector.wakeup(); // who leads looks whether this has stopped after each round
            restWhileLed();
        }
        runLeft(); // a connection that was made just now is to be given up with the others
        flush();
        for (SelectionKey key : new ArrayDeque<>(selector.keys())) {
            if (key.attachment() instanceof Connection connection) {
                connection.giveUp(); // nobody waits for what will not be written
            }
            close(key);
        }
        try {
            selector.close();
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "closing the selector", error);
        }
        closed = true;
        runLeft();
    }

    private void runLeft() {
        for (Runnable action; (action = actions.poll()) != null; ) {
            try {
                action.run();
            } catch (RuntimeException error) {
                LOGGER.log(Level.ERROR, "an action met a defect while the reactor stopped", error);
            }
        }
    }

    /** Sleeps until the leader leaves. It says so first and looks then, and {@link #leave} the other way round. */
    private void restWhileLed() {
        resting = true;
        if (leader.get() != null) {
            LockSupport.park();
        }
        resting = false;
    }

    /** One round: waits for something to happen, for at most so long, and serves it. */
    private void poll(long limitNs) {
        try {
            boolean awake = System.nanoTime() - activeNs < AWAKE_NS;
            long timeout = awake ? ROUND_MS : 0;
            Timer next = timers.peek();
            if (next != null) {
                timeout = earlier(timeout, next.dueNs - System.nanoTime());
            }
            if (limitNs != Long.MAX_VALUE) {
                timeout = earlier(timeout, limitNs);
            }
            asleep = true;
            int ready;
            if (!actions.isEmpty() || !dirty.isEmpty()) {
                ready = selector.selectNow();
            } else {
                asleep = !awake;
                // A spin eats wake-ups. Nobody sends one to a leader who is awake, but those who want to lead or to stop
                // it, and they are served with the next round.
                ready = awake ? spinner.select(selector, timeout, somethingQueued) : selector.select(timeout);
            }
            asleep = false;
            if (ready > 0) {
                activeNs = System.nanoTime();
                for (SelectionKey key : selector.selectedKeys()) {
                    serve(key);
                }
                selector.selectedKeys().clear();
            }
            for (Runnable action; (action = actions.poll()) != null; ) {
                activeNs = System.nanoTime();
                action.run();
            }
            while (!timers.isEmpty() && timers.peek().dueNs - System.nanoTime() <= 0) {
                timers.poll().action.run();
            }
            round.run();
            flush();
        } catch (ClosedSelectorException late) {
            LOGGER.log(Level.TRACE, "the reactor has stopped", late);
        } catch (IOException | RuntimeException error) {
            LOGGER.log(Level.ERROR, "serving connections met a defect and goes on", error);
        } catch (Error error) {
            fatal.accept(error);
        }
    }

    /** The shorter of a time in milliseconds (0: none) and one in nanoseconds, in milliseconds and not 0. */
    private static long earlier(long timeoutMs, long otherNs) {
        long otherMs = Math.max(1, otherNs / 1_000_000);
        return timeoutMs == 0 ? otherMs : Math.min(timeoutMs, otherMs);
    }

    /** Writes what is queued on every connection, now, on whichever thread. */
    public void flush() {
        for (Connection connection; (connection = dirty.poll()) != null; ) {
            connection.flush();
        }
    }

    private static void close(SelectionKey key) {
        try {
            key.channel().close();
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "closing a connection", error);
        }
    }

    @SuppressWarnings("unchecked")
    private static void serve(SelectionKey key) {
        try {
            if (!key.isValid()) {
                return;
            }
            if (key.isAcceptable()) {
                SocketChannel channel = ((ServerSocketChannel) key.channel()).accept();
                if (channel != null) {
                    ((Consumer<SocketChannel>) key.attachment()).accept(channel);
                }
                return;
            }
            Connection connection = (Connection) key.attachment();
            if (key.isWritable()) {
                connection.writable();
            }
            if (key.isValid() && key.isReadable()) {
                connection.readable();
            }
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "accepting a connection", error);
        }
    }
}
