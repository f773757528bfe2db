package io.bowstring.internal.net;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.GoAway;
import io.bowstring.internal.wire.Table;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One socket: frames in on the reactor's thread, frames out from any.
 *
 * <p>Outgoing frames form one queue. Whoever sends with {@link #send} writes the queue as far as the socket takes it;
 * {@link #queue} leaves that to the reactor's next round, or to the next send. A failed write does not end the
 * connection: what the peer sent before is still read to its end (spec section 1.1, rule 4).
 *
 * <p>Who must know that a frame has left waits with {@link #awaitWritten}, which reads meanwhile if nobody else does: so
 * two sides that both wait for room still take what the other one sends (spec section 1.1, rule 5).
 */
public final class Connection {
    private static final Logger LOGGER = System.getLogger(Connection.class.getName());
    private static final int BUFFERS_PER_WRITE = 64;
    private static final int QUEUED_BYTES_BEFORE_WRITE = 64 << 10;
    private static final int READS_PER_ROUND = 16;

    /** What happens on a connection; all calls on the reactor's thread. */
    public interface Handler {
        /** A frame came. A ProtocolException ends the connection. */
        void frame(Connection connection, Frame frame);

        /** Everything was read, or the connection broke; nothing follows. */
        void closed(Connection connection, @Nullable Throwable cause);
    }

    /** A thread that waits until no more than so many bytes are unwritten. */
    private record Waiter(long bytesMax, CompletableFuture<@Nullable Void> told) {}

    private final Reactor reactor;
    private final SocketChannel channel;
    private final Handler handler;
    private final FrameParser parser = new FrameParser();
    private final ArrayDeque<ByteBuffer> out = new ArrayDeque<>();
    private final List<Waiter> waiters = new ArrayList<>(0);
    private long outBytes;
    private boolean waitsForRoom;
    private boolean dirty;
    private boolean broken;
    private boolean ended;
    private @Nullable SelectionKey key;
    private volatile long unwrittenBytes;

    Connection(Reactor reactor, SocketChannel channel, Handler handler) {
        this.reactor = reactor;
        this.channel = channel;
        this.handler = handler;
    }

    void registered(SelectionKey registration) {
        synchronized (out) {
            key = registration;
        }
        flush();
    }

    /** The limits of an authenticated peer apply from here on. */
    public void handshakeDone() {
        parser.handshakeDone();
    }

    /** Sends a frame, and everything that was queued before it, now. */
    public void send(Table table) {
        send(Frame.encode(table));
    }

    /** Sends an encoded frame, and everything that was queued before it, now. */
    public void send(ByteBuffer frame) {
        synchronized (out) {
            if (!broken) {
                add(frame);
                write();
            }
        }
    }

    /** Sends a frame on the reactor's next round, or with the next frame that is sent. */
    public void queue(Table table) {
        queue(Frame.encode(table));
    }

    /** Sends an encoded frame on the reactor's next round, or with the next frame that is sent. */
    public void queue(ByteBuffer frame) {
        boolean first = false;
        synchronized (out) {
            if (broken) {
                return;
            }
            add(frame);
            if (outBytes > QUEUED_BYTES_BEFORE_WRITE) {
                write();
            } else if (!dirty) {
                dirty = true;
                first = true;
            }
        }
        if (first) {
            reactor.needsFlush(this);
        }
    }

    /** Writes what is queued as far as the socket takes it. */
    public void flush() {
        synchronized (out) {
            dirty = false;
            if (!out.isEmpty() && !waitsForRoom) {
                write();
            }
        }
    }

    /** Bytes that the socket has not taken yet. */
    public long unwrittenBytes() {
        return unwrittenBytes;
    }

    /**
     * Waits until the socket has taken all but so many bytes, or nobody takes them any more. Reads connections meanwhile
     * if nobody does, so it is not for the thread that serves them.
     *
     * @return false: the time was over before
     */
    public boolean awaitWritten(long bytesMax, long timeoutNs) throws InterruptedException {
        if (unwrittenBytes <= bytesMax) {
            return true;
        }
        flush();
        if (reactor.isCurrentThread()) {
            throw new IllegalStateException("the thread that reads the connections must not wait for one to take bytes");
        }
        Waiter waiter = new Waiter(bytesMax, new CompletableFuture<>());
        synchronized (out) {
            if (outBytes <= bytesMax) {
                return true;
            }
            waiters.add(waiter);
        }
        try {
            reactor.await(waiter.told, timeoutNs);
            return true;
        } catch (TimeoutException late) {
            return false;
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("nobody lets this wait fail", impossible);
        } finally {
            synchronized (out) {
                waiters.remove(waiter);
            }
        }
    }

    /** The same without a limit, and in spite of interrupts, which the thread still shows afterwards. */
    public void awaitWritten(long bytesMax) {
        boolean interrupted = false;
        while (true) {
            try {
                awaitWritten(bytesMax, Long.MAX_VALUE);
                break;
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** So many bytes are left; tells those who wait for no more. The lock is held. */
    private void left(long bytes) {
        outBytes = bytes;
        unwrittenBytes = bytes;
        if (!waiters.isEmpty()) {
            waiters.stream().filter(each -> bytes <= each.bytesMax).forEach(each -> each.told.complete(null));
        }
    }

    private void add(ByteBuffer frame) {
        out.addLast(frame);
        outBytes += frame.remaining();
        unwrittenBytes = outBytes;
    }

    private void write() {
        if (waitsForRoom || key == null) {
            return;
        }
        try {
            while (!out.isEmpty()) {
                if (out.size() == 1) {
                    outBytes -= channel.write(out.peekFirst());
                } else {
                    outBytes -= channel.write(out.stream().limit(BUFFERS_PER_WRITE).toArray(ByteBuffer[]::new));
                }
                while (!out.isEmpty() && !out.peekFirst().hasRemaining()) {
                    out.removeFirst();
                }
                if (!out.isEmpty() && out.peekFirst().position() > 0 || outBytes > 0 && isFull()) {
                    waitsForRoom = true;
                    reactor.needsWritable(key);
                    break;
                }
            }
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "a peer reads no more", error);
            giveUp();
        }
        left(outBytes);
    }

    /** Nothing is written any more. */
    void giveUp() {
        synchronized (out) {
            broken = true;
            out.clear();
            left(0);
        }
    }

    /** A write that took nothing leaves its first buffer untouched: ask once more rather than guess. */
    private boolean isFull() throws IOException {
        int before = out.peekFirst().remaining();
        outBytes -= channel.write(out.peekFirst());
        int after = out.peekFirst().remaining();
        if (after == 0) {
            out.removeFirst();
        }
        return after == before;
    }

    void writable() {
        synchronized (out) {
            waitsForRoom = false;
            if (key != null && key.isValid()) {
                key.interestOps(SelectionKey.OP_READ);
            }
            write();
        }
    }

    void readable() {
        Throwable cause = null;
        try {
            for (int reads = 0; reads < READS_PER_ROUND; reads++) {
                ByteBuffer space = parser.space();
                int room = space.remaining();
                int count = channel.read(space);
                if (count > 0) {
                    for (Frame frame; !ended && (frame = parser.next()) != null; ) {
                        if (frame.type() == FrameType.GO_AWAY) {
                            throw ErrorRecords.exception(GoAway.decode(frame.metadata()).error);
                        }
                        handler.frame(this, frame);
                    }
                }
                if (ended) {
                    return;
                }
                if (count < 0) {
                    fail(null);
                    return;
                }
                if (count < room) {
                    return;
                }
            }
            return;
        } catch (ProtocolException error) {
            goAway(error);
            cause = error;
        } catch (IOException | RuntimeException error) {
            cause = error;
        }
        fail(cause);
    }

    /** Tells the peer what was wrong with it, and closes. */
    public void goAway(BowstringException error) {
        LOGGER.log(Level.WARNING, "a peer broke the protocol: {0}", error.getMessage());
        GoAway last = new GoAway();
        last.error = ErrorRecords.of(error.code() == ErrorCode.UNSPECIFIED ? ErrorCode.PROTOCOL : error.code(),
                error.details().message());
        send(last);
        fail(error);
    }

    /** Ends the connection; the handler hears of it once, on the reactor's thread. */
    public void close() {
        reactor.execute(() -> fail(null));
    }

    void fail(@Nullable Throwable cause) {
        synchronized (out) {
            if (ended) {
                return;
            }
            ended = true;
            giveUp();
        }
        try {
            channel.close();
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "closing a connection", error);
        }
        handler.closed(this, cause);
    }
}
