package io.bowstring.internal.runtime;

import io.bowstring.errors.ProtocolException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Returned;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Table;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The connection to a worker that this process calls. It stays when a lease ends, for the next lease on the same worker;
 * whoever uses it now is its listener. Guarded by the session's lock.
 */
final class PeerLink implements Connection.Handler {
    /** Who calls the worker now. Called with the session's lock held. */
    interface Listener {
        void ready(PeerLink link);

        void result(Result result, byte[] body);

        void returned(Returned returned);

        void item(StreamItem item, byte[] body);

        void closed(@Nullable Throwable cause);
    }

    /** How many tasks of each function were sent there, by those whose workers are replaced. */
    final Map<Id, Integer> calls = new HashMap<>();
    private final Session session;
    private final String address;
    private @Nullable Listener listener;
    @SuppressWarnings("NullAway.Init") // connected() comes before anything is sent
    private Connection connection;
    private boolean ready;

    PeerLink(Session session, String address, Listener listener) {
        this.session = session;
        this.address = address;
        this.listener = listener;
    }

    void connected(Connection made) {
        connection = made;
    }

    void attach(Listener user) {
        listener = user;
    }

    /** The caller needs it no more. */
    void detach() {
        listener = null;
    }

    boolean isUsed() {
        return listener != null;
    }

    boolean isReady() {
        return ready;
    }

    /** Sends a frame soon; what the node must hear before it is written first (spec sections 4.1 and 6.2). */
    void queue(ByteBuffer frame) {
        session.node().flush();
        connection.queue(frame);
    }

    /** Sends a task, and behind it what may be sent of its stream. */
    void queue(PendingTask task, ByteBuffer frame) {
        queue(frame);
        if (task.stream != null) {
            connection.queue(Frame.encode(task.stream.credits(), ByteBuffer.allocate(0)));
        }
    }

    void send(Table table) {
        session.node().flush();
        connection.send(table);
    }

    @Override
    public void frame(Connection from, Frame frame) {
        session.locked(() -> {
            if (!ready) {
                if (frame.type() == FrameType.CHALLENGE) {
                    Handshake.answer(from, frame, session.token(), session.callerHello());
                } else {
                    Handshake.welcome(from, frame);
                    ready = true;
                    if (listener != null) {
                        listener.ready(this);
                    }
                }
                return;
            }
            switch (frame.type()) {
                case FrameType.RESULT -> {
                    Result result = Result.decode(frame.metadata());
                    if (listener != null) {
                        listener.result(result, frame.body());
                    }
                }
                case FrameType.RETURNED -> {
                    Returned returned = Returned.decode(frame.metadata());
                    if (listener != null) {
                        listener.returned(returned);
                    }
                }
                case FrameType.STREAM_ITEM -> {
                    StreamItem item = StreamItem.decode(frame.metadata());
                    if (listener != null) {
                        listener.item(item, frame.body());
                    }
                }
                default -> {
                    if (frame.type() < Frame.SKIPPABLE_TYPE_MIN) {
                        throw new ProtocolException("a worker sent a frame of type " + FrameType.name(frame.type()));
                    }
                }
            }
        });
    }

    @Override
    public void closed(Connection from, @Nullable Throwable cause) {
        session.locked(() -> {
            session.peers().closed(address, this);
            Listener user = listener;
            listener = null;
            if (user != null) {
                user.closed(cause);
            }
        });
    }

    void close() {
        listener = null;
        if (connection != null) {
            connection.close();
        }
    }
}
