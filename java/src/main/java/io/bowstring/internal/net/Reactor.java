package io.bowstring.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The thread that reads every connection of this process.
 *
 * <p>Channels are non-blocking throughout: a blocking one is closed by an interrupt of the thread that uses it, and user
 * threads are interrupted. Any thread writes what its socket takes; what is left over goes out from here, so that nobody
 * blocks on a write without reading (spec section 1.1, rule 5).
 *
 * <p>Frames that are not urgent are only queued; this thread writes them on its next round. It goes round at least every
 * {@link #ROUND_MS} while there is traffic, and sleeps without a limit when there is none: whoever queues something then
 * wakes it. So a busy process makes no wake-up call for a queued frame, and an idle one uses no processor.
 */
public final class Reactor {
    private static final Logger LOGGER = System.getLogger(Reactor.class.getName());
    private static final long ROUND_MS = 1;
    private static final long AWAKE_NS = TimeUnit.MILLISECONDS.toNanos(4);

    private record Timer(long dueNs, long order, Runnable action) implements Comparable<Timer> {
        @Override
        public int compareTo(Timer other) {
            int byTime = Long.compare(dueNs - other.dueNs, 0);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final Selector selector;
    private final Thread thread;
    private final Queue<Runnable> actions = new ConcurrentLinkedQueue<>();
    private final Queue<Connection> dirty = new ConcurrentLinkedQueue<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private Runnable round = () -> {};
    private long timerOrder;
    private volatile boolean asleep;
    private volatile boolean stopped;

    public Reactor(String name) {
        try {
            selector = Selector.open();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    /** Starts the thread; {@code round} is called on every round, before queued frames are written. */
    public void start(Runnable eachRound) {
        round = eachRound;
        thread.start();
    }

    /** True on the reactor's own thread, which must never wait. */
    public boolean isCurrentThread() {
        return Thread.currentThread() == thread;
    }

    /** Ends the thread and closes every connection, after what is queued was written as far as sockets take it. */
    public void stop() {
        stopped = true;
        selector.wakeup();
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

    /** Runs an action on the reactor's thread, soon. */
    public void execute(Runnable action) {
        actions.add(action);
        wake();
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
            channel.connect(UnixDomainSocketAddress.of(path));
            return register(channel, handler);
        } catch (IOException | RuntimeException error) {
            channel.close();
            throw error;
        }
    }

    /** Listens on a Unix socket; {@code accepted} is given each channel, on the reactor's thread. */
    public void listen(Path path, Consumer<SocketChannel> accepted) throws IOException {
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

    private void run() {
        long activeNs = System.nanoTime();
        while (!stopped) {
            try {
                boolean awake = System.nanoTime() - activeNs < AWAKE_NS;
                long timeout = awake ? ROUND_MS : 0;
                Timer next = timers.peek();
                if (next != null) {
                    long untilMs = Math.max(1, (next.dueNs - System.nanoTime()) / 1_000_000);
                    timeout = timeout == 0 ? untilMs : Math.min(timeout, untilMs);
                }
                asleep = true;
                int ready;
                if (!actions.isEmpty() || !dirty.isEmpty()) {
                    ready = selector.selectNow();
                } else {
                    asleep = !awake;
                    ready = selector.select(timeout);
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
            } catch (IOException | RuntimeException error) {
                LOGGER.log(Level.ERROR, "the connection thread met a defect and goes on", error);
            }
        }
        flush();
        for (SelectionKey key : new ArrayDeque<>(selector.keys())) {
            close(key);
        }
        try {
            selector.close();
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "closing the selector", error);
        }
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
