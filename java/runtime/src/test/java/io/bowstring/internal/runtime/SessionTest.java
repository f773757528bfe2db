package io.bowstring.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.wire.Challenge;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.Welcome;
import io.bowstring.internal.wire.WorkerBind;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A session with a node that is played here. */
@Timeout(60)
class SessionTest {
    private static final long JOB = 7;
    private static final long NODE = 5;

    @TempDir
    Path folder;

    private static void write(SocketChannel to, Table... frames) throws IOException {
        ByteBuffer all = ByteBuffer.allocate(1 << 16);
        for (Table frame : frames) {
            all.put(Frame.encode(frame));
        }
        all.flip();
        while (all.hasRemaining()) {
            to.write(all);
        }
    }

    private static Frame read(SocketChannel from) throws IOException {
        FrameParser parser = new FrameParser();
        for (Frame frame; ; ) {
            if ((frame = parser.next()) != null) {
                return frame;
            }
            if (from.read(parser.space()) < 0) {
                throw new EOFException("the session hung up in its handshake");
            }
        }
    }

    /** A node that has a worker's first job at hand: it sends the Welcome, and the WorkerBind behind it, in one write. */
    private static SocketChannel welcome(ServerSocketChannel server) throws IOException {
        SocketChannel peer = server.accept();
        Challenge challenge = new Challenge();
        challenge.minVersion = challenge.maxVersion = Handshake.VERSION;
        challenge.nonce = new byte[32];
        write(peer, challenge);
        assertEquals(FrameType.HELLO, read(peer).type());
        Welcome welcome = new Welcome();
        welcome.version = Handshake.VERSION;
        welcome.node = NODE;
        welcome.process = 1;
        WorkerBind bind = new WorkerBind();
        bind.job = JOB;
        bind.namespace = "its own";
        write(peer, welcome, bind);
        return peer;
    }

    @RepeatedTest(20)
    void aBindBehindTheWelcomeIsWhatCounts() throws Exception {
        Files.write(folder.resolve("token"), new byte[32]);
        Hello hello = new Hello();
        hello.role = Role.WORKER;
        CompletableFuture<Session> prepared = new CompletableFuture<>();
        CompletableFuture<Long> nodeAtBind = new CompletableFuture<>();
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(folder.resolve("node.sock")));
            CompletableFuture<SocketChannel> played = CompletableFuture.supplyAsync(() -> {
                try {
                    return welcome(server);
                } catch (IOException error) {
                    throw new UncheckedIOException(error);
                }
            });
            Session session = Session.connect(folder, hello, prepared::complete, frame -> {
                Session here = prepared.join();
                nodeAtBind.complete(here.nodeId());
                WorkerBind bind = WorkerBind.decode(frame.metadata());
                here.bind(bind.job, bind.namespace);
            }, lost -> {});
            try (SocketChannel peer = played.get(30, TimeUnit.SECONDS)) {
                assertEquals(NODE, nodeAtBind.get(30, TimeUnit.SECONDS), "the Welcome was taken after what is behind it");
                // The reading thread has gone on to whatever is next once it runs this.
                CompletableFuture<Void> bound = new CompletableFuture<>();
                session.reactor().execute(() -> bound.complete(null));
                bound.get(30, TimeUnit.SECONDS);
                assertEquals(JOB, session.job());
                assertEquals("its own", session.namespace());
            } finally {
                session.close();
            }
        }
    }
}
