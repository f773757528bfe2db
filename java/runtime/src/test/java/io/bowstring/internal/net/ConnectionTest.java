package io.bowstring.internal.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.ObjectPublish;
import io.bowstring.internal.wire.WireRef;
import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Waits until a socket has taken what was written. */
@Timeout(60)
class ConnectionTest {
    private static final int MUCH = 8 << 20; // no socket takes so much at once
    private static final long LONG_NS = TimeUnit.SECONDS.toNanos(30);

    @TempDir
    Path folder;

    private final Reactor reactor = new Reactor("test-io");
    private ServerSocketChannel server;
    private Connection connection;
    private SocketChannel peer;

    private static final class Counting implements Connection.Handler {
        final AtomicInteger frames = new AtomicInteger();

        @Override
        public void frame(Connection connection, Frame frame) {
            frames.incrementAndGet();
        }

        @Override
        public void closed(Connection connection, @Nullable Throwable cause) {}
    }

    @BeforeEach
    void connect() throws IOException {
        Path path = folder.resolve("peer.sock");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(path));
        reactor.start(() -> {});
        connection = reactor.connect(path, new Counting());
        peer = server.accept();
    }

    @AfterEach
    void close() throws IOException {
        reactor.stop();
        peer.close();
        server.close();
    }

    private static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        new Thread(task, "test").start();
        return task;
    }

    /** Takes so many bytes as the peer. */
    private int take(int count) throws IOException {
        ByteBuffer taken = ByteBuffer.allocate(count);
        while (taken.hasRemaining()) {
            if (peer.read(taken) < 0) {
                throw new EOFException("after " + taken.position() + " of " + count + " bytes");
            }
        }
        return count;
    }

    @Test
    void whatIsWrittenIsNotWaitedFor() throws Exception {
        connection.send(ByteBuffer.allocate(8));
        assertTrue(connection.awaitWritten(0, LONG_NS));
        assertTrue(connection.awaitWritten(0, 0));
    }

    @Test
    void waitsUntilThePeerHasTakenAllAndNoLongerThanItIsTold() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        assertFalse(connection.awaitWritten(0, TimeUnit.MILLISECONDS.toNanos(20)));
        assertTrue(connection.unwrittenBytes() > 0);
        FutureTask<Integer> reader = start(() -> take(MUCH));
        assertTrue(connection.awaitWritten(0, LONG_NS));
        assertEquals(0, connection.unwrittenBytes());
        assertEquals(MUCH, reader.get());
    }

    @Test
    void whatIsOnlyQueuedIsWrittenByWhoWaitsForIt() throws Exception {
        connection.queue(ByteBuffer.allocate(8));
        assertTrue(connection.awaitWritten(0, LONG_NS));
        assertEquals(8, take(8));
    }

    @Test
    void aLimitIsReachedBeforeAllIsTaken() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        long left = connection.unwrittenBytes();
        assertTrue(connection.awaitWritten(left, LONG_NS));
        FutureTask<Integer> reader = start(() -> take(MUCH / 2));
        assertTrue(connection.awaitWritten(left - MUCH / 4, LONG_NS));
        assertTrue(connection.unwrittenBytes() > 0);
        reader.get();
    }

    @Test
    void aPeerThatGoesAwayEndsTheWait() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        FutureTask<Boolean> waits = start(() -> connection.awaitWritten(0, LONG_NS));
        assertFalse(connection.awaitWritten(0, TimeUnit.MILLISECONDS.toNanos(20)));
        peer.close();
        assertTrue(waits.get());
        assertTrue(connection.awaitWritten(0, 0));
    }

    @Test
    void closingTheConnectionEndsTheWait() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        FutureTask<Boolean> waits = start(() -> connection.awaitWritten(0, LONG_NS));
        connection.close();
        assertTrue(waits.get());
    }

    @Test
    void theEndOfTheReactorEndsTheWait() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        FutureTask<Boolean> waits = start(() -> connection.awaitWritten(0, LONG_NS));
        reactor.stop();
        assertTrue(waits.get());
    }

    @Test
    void whatIsConnectedWhenTheReactorHasEndedIsClosed() throws Exception {
        reactor.stop();
        SocketChannel late = SocketChannel.open(StandardProtocolFamily.UNIX);
        reactor.register(late, new Counting());
        assertFalse(late.isOpen());
    }

    @Test
    void anInterruptEndsTheWaitOfItsThreadAlone() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        FutureTask<Boolean> other = start(() -> connection.awaitWritten(0, LONG_NS));
        CompletableFuture<Throwable> ended = new CompletableFuture<>();
        Thread interrupted = new Thread(() -> {
            try {
                connection.awaitWritten(0, LONG_NS);
                ended.complete(new AssertionError("it came to its end"));
            } catch (InterruptedException expected) {
                ended.complete(expected);
            }
        }, "test-interrupted");
        interrupted.start();
        interrupted.interrupt();
        assertInstanceOf(InterruptedException.class, ended.get());
        FutureTask<Integer> reader = start(() -> take(MUCH));
        assertTrue(other.get());
        assertEquals(MUCH, reader.get());
    }

    @Test
    void aWaitThatHeedsNoInterruptShowsItAfterwards() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        FutureTask<Integer> reader = start(() -> take(MUCH));
        Thread.currentThread().interrupt();
        connection.awaitWritten(0);
        assertTrue(Thread.interrupted());
        assertEquals(0, connection.unwrittenBytes());
        assertEquals(MUCH, reader.get());
    }

    @Test
    void manyWaitEachForItsLimit() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        List<FutureTask<Boolean>> waiting = new ArrayList<>();
        for (int each = 0; each < 8; each++) {
            long limit = (long) MUCH / 8 * each;
            FutureTask<Boolean> waits = new FutureTask<>(() -> connection.awaitWritten(limit, LONG_NS)
                    && connection.unwrittenBytes() <= limit);
            boolean virtual = VirtualThreads.areThere() && each % 2 == 1;
            (virtual ? VirtualThreads.factory("test-").newThread(waits) : new Thread(waits, "test")).start();
            waiting.add(waits);
        }
        FutureTask<Integer> reader = start(() -> take(MUCH));
        for (FutureTask<Boolean> each : waiting) {
            assertTrue(each.get());
        }
        assertEquals(MUCH, reader.get());
    }

    @Test
    void whoeverServesTheConnectionsMustNotWait() throws Exception {
        connection.send(ByteBuffer.allocate(MUCH));
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        reactor.execute(() -> {
            try {
                connection.awaitWritten(0);
                thrown.complete(new AssertionError("it waited"));
            } catch (IllegalStateException error) {
                thrown.complete(error);
            }
        });
        assertInstanceOf(IllegalStateException.class, thrown.get());
    }

    @Test
    void twoThatWaitForEachOtherReadMeanwhile() throws Exception {
        Reactor otherReactor = new Reactor("test-other");
        otherReactor.start(() -> {});
        try {
            Counting received = new Counting();
            Counting receivedByOther = new Counting();
            Path path = folder.resolve("both.sock");
            CompletableFuture<Connection> accepted = new CompletableFuture<>();
            Runnable end = otherReactor.listen(path, channel -> {
                try {
                    accepted.complete(otherReactor.register(channel, receivedByOther));
                } catch (IOException error) {
                    accepted.completeExceptionally(error);
                }
            });
            Connection one = reactor.connect(path, received);
            Connection other = accepted.get();
            one.handshakeDone();
            other.handshakeDone();
            ObjectPublish publish = new ObjectPublish();
            publish.ref = new WireRef(new byte[20], 0, 1, 1);
            byte[] body = new byte[MUCH];
            FutureTask<Boolean> waits = start(() -> {
                other.send(Frame.encode(publish, body));
                return other.awaitWritten(0, LONG_NS);
            });
            one.send(Frame.encode(publish, body));
            assertTrue(one.awaitWritten(0, LONG_NS));
            assertTrue(waits.get());
            end.run();
        } finally {
            otherReactor.stop();
        }
    }
}
