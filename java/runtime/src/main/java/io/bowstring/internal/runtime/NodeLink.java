package io.bowstring.internal.runtime;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.NodeDiedException;
import io.bowstring.errors.RuntimeStoppedException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Ack;
import io.bowstring.internal.wire.ActorInfo;
import io.bowstring.internal.wire.EnvironmentMade;
import io.bowstring.internal.wire.ExtentGrant;
import io.bowstring.internal.wire.Failure;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.ObjectValue;
import io.bowstring.internal.wire.PlacementInfo;
import io.bowstring.internal.wire.RefChange;
import io.bowstring.internal.wire.RefUpdate;
import io.bowstring.internal.wire.StateReply;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.Welcome;
import io.bowstring.internal.wire.WireRef;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The connection to the node: numbers requests, gives answers to who asked, and keeps changes of reference counts in
 * order with everything else that is sent, while batching them.
 */
final class NodeLink implements Connection.Handler {
    /** An answer: a table, or the error of a Failure. */
    record Answer(@Nullable Table table, byte[] body, @Nullable BowstringException error) {
        /** The table, or the error thrown. */
        <T extends Table> T as(Class<T> type) {
            if (error != null) {
                throw ErrorRecords.again(error);
            }
            return Objects.requireNonNull(type.cast(table));
        }
    }

    /** Everything that is no answer. */
    interface Listener {
        void frame(Frame frame);

        void failed(long request, BowstringException error);

        void lost(BowstringException why);
    }

    /** How a frame is read that answers a request, and which one that is. */
    private record Reply<T extends Table>(Function<byte[], T> decode, ToLongFunction<T> request) {}

    private static final Map<Integer, Reply<?>> REPLIES = Map.of(
            FrameType.ACK, new Reply<>(Ack::decode, ack -> ack.request),
            FrameType.OBJECT_VALUE, new Reply<>(ObjectValue::decode, value -> value.request),
            FrameType.EXTENT_GRANT, new Reply<>(ExtentGrant::decode, grant -> grant.request),
            FrameType.FUNCTION, new Reply<>(io.bowstring.internal.wire.Function::decode, function -> function.request),
            FrameType.ACTOR_INFO, new Reply<>(ActorInfo::decode, info -> info.request),
            FrameType.ENVIRONMENT_MADE, new Reply<>(EnvironmentMade::decode, made -> made.request),
            FrameType.PLACEMENT_INFO, new Reply<>(PlacementInfo::decode, info -> info.request),
            FrameType.STATE_REPLY, new Reply<>(StateReply::decode, reply -> reply.request));

    private final byte[] token;
    private final Hello hello;
    private final Listener listener;
    private final CompletableFuture<Welcome> welcome = new CompletableFuture<>();
    private final Map<Long, Consumer<Answer>> waiting = new HashMap<>();
    private List<RefChange> changes = new ArrayList<>();
    private long lastRequest;
    private @Nullable Connection connection;
    private @Nullable BowstringException lost;

    NodeLink(byte[] token, Hello hello, Listener listener) {
        this.token = token;
        this.hello = hello;
        this.listener = listener;
    }

    void connected(Connection made) {
        synchronized (waiting) {
            connection = made;
        }
    }

    CompletableFuture<Welcome> welcome() {
        return welcome;
    }

    synchronized void send(Table table) {
        flushChanges();
        link().send(table);
    }

    synchronized void send(ByteBuffer frame) {
        flushChanges();
        link().send(frame);
    }

    synchronized void queue(Table table) {
        flushChanges();
        link().queue(table);
    }

    synchronized void queue(ByteBuffer frame) {
        flushChanges();
        link().queue(frame);
    }

    /** Records that this process holds an object now (1) or no more (-1). */
    synchronized void change(WireRef ref, int change) {
        changes.add(new RefChange(ref.id(), ref.flags(), ref.owner(), ref.home(), change, 0));
    }

    synchronized boolean hasChanges() {
        return !changes.isEmpty();
    }

    /** Queues what was recorded; called on every round of the reactor. */
    synchronized void flushChanges() {
        if (!changes.isEmpty() && connection != null) {
            RefUpdate update = new RefUpdate();
            update.changes = changes;
            changes = new ArrayList<>();
            connection.queue(update);
        }
    }

    /** Writes what is queued, now. */
    synchronized void flush() {
        if (connection != null) {
            connection.flush();
        }
    }

    long unwrittenBytes() {
        return connection == null ? 0 : connection.unwrittenBytes();
    }

    void awaitWritten(long bytesMax) {
        if (connection != null) {
            connection.awaitWritten(bytesMax);
        }
    }

    private Connection link() {
        if (connection == null) {
            throw new RuntimeStoppedException("there is no connection to the node");
        }
        return connection;
    }

    /** A fresh number for a request whose answers the listener takes itself. */
    long number() {
        synchronized (waiting) {
            return ++lastRequest;
        }
    }

    /** A fresh number for a request; its answer, or the loss of the node, goes to the consumer. */
    long number(Consumer<Answer> consumer) {
        BowstringException already;
        long number;
        synchronized (waiting) {
            number = ++lastRequest;
            already = lost;
            if (already == null) {
                waiting.put(number, consumer);
            }
        }
        if (already != null) {
            consumer.accept(new Answer(null, new byte[0], already));
        }
        return number;
    }

    /** Forgets a request; true if its answer had not come. */
    boolean forget(long number) {
        synchronized (waiting) {
            return waiting.remove(number) != null;
        }
    }

    @Override
    public void frame(Connection from, Frame frame) {
        if (!welcome.isDone()) {
            if (frame.type() == FrameType.CHALLENGE) {
                Handshake.answer(from, frame, token, hello);
            } else {
                welcome.complete(Handshake.welcome(from, frame));
            }
            return;
        }
        Reply<?> reply = REPLIES.get(frame.type());
        if (reply != null) {
            answer(reply, frame);
        } else if (frame.type() == FrameType.FAILURE) {
            Failure failure = Failure.decode(frame.metadata());
            BowstringException error = ErrorRecords.exception(failure.error);
            Consumer<Answer> consumer = take(failure.request);
            if (consumer != null) {
                consumer.accept(new Answer(null, new byte[0], error));
            } else {
                listener.failed(failure.request, error);
            }
        } else {
            listener.frame(frame);
        }
    }

    /** One that nobody waits for any more is the listener's if it has come with a pin. */
    private <T extends Table> void answer(Reply<T> reply, Frame frame) {
        T table = reply.decode.apply(frame.metadata());
        Consumer<Answer> consumer = take(reply.request.applyAsLong(table));
        if (consumer != null) {
            consumer.accept(new Answer(table, frame.body(), null));
        } else if (frame.type() == FrameType.OBJECT_VALUE) {
            listener.frame(frame);
        }
    }

    private @Nullable Consumer<Answer> take(long request) {
        synchronized (waiting) {
            return waiting.remove(request);
        }
    }

    @Override
    public void closed(Connection from, @Nullable Throwable cause) {
        String why = cause == null ? "its connection ended" : String.valueOf(cause.getMessage());
        BowstringException error = cause instanceof BowstringException known
                ? known
                : new NodeDiedException("the node is gone: " + why, cause);
        List<Consumer<Answer>> orphans;
        synchronized (waiting) {
            lost = error;
            orphans = new ArrayList<>(waiting.values());
            waiting.clear();
        }
        boolean early = welcome.completeExceptionally(error);
        orphans.forEach(consumer -> consumer.accept(new Answer(null, new byte[0], error)));
        if (!early) {
            listener.lost(error);
        }
    }
}
