package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskCancelledException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.StreamItem;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.WireRef;
import java.lang.ref.Reference;
import java.util.Collections;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Runs streams: takes items from what a method returned, at the caller's pace, and sends each (spec section 4.8). */
final class StreamWriter {
    /** A stream that nobody paces waits behind so many bytes. */
    private static final long UNWRITTEN_BYTES_MAX = 8 << 20;

    private final Session session;
    private final Answers answers;

    StreamWriter(Session session, Answers answers) {
        this.session = session;
        this.answers = answers;
    }

    /** An item that was made and can't be sent, which is no error of the task's own. */
    static final class Unsent extends RuntimeException {
        private static final long serialVersionUID = 1;
        final transient BowstringException why;

        Unsent(BowstringException why) {
            super(why);
            this.why = why;
        }
    }

    /** Makes the items of a stream as they are wanted, and sends each (spec section 4.8). */
    void write(Incoming incoming, @Nullable Object made, String name) throws Exception {
        try (AutoCloseable end = made instanceof AutoCloseable closeable ? closeable : () -> {}) {
            Iterator<?> items;
            try {
                items = ItemStream.items(made, name);
            } catch (InvalidArgumentException none) {
                throw new Unsent(none);
            }
            ItemStream pace = Objects.requireNonNull(incoming.items);
            for (long index = 0; ; index++) {
                CompletableFuture<Void> more;
                while ((more = pace.awaited(index)) != null) {
                    session.reader().await(more);
                }
                if (incoming.cancelled || Thread.interrupted()) {
                    throw new InterruptedException("the stream was cancelled");
                }
                if (!items.hasNext()) {
                    return;
                }
                Object item = items.next();
                if (pace.isWanted(index)) {
                    try {
                        send(incoming, index, item);
                    } catch (TaskCancelledException cancelled) {
                        throw cancelled;
                    } catch (BowstringException error) {
                        throw new Unsent(error);
                    }
                }
            }
        }
    }

    private void send(Incoming incoming, long index, @Nullable Object item) throws InterruptedException {
        Task task = incoming.task;
        Outcome encoded = answers.encode(Collections.singletonList(item), task);
        if (encoded.error() != null) {
            throw ErrorRecords.exception(encoded.error());
        }
        WireRef ref = new WireRef(Id.item(task.id, index).bytes(), 0, task.owner, task.home);
        Answers.Written written = answers.write(ref, encoded.values().get(0), false);
        TaskContext context = Objects.requireNonNull(incoming.context);
        if (!context.kept().isEmpty()) {
            session.reactor().flush();
            session.reader().await(context.held());
        }
        StreamItem told = new StreamItem();
        told.id = task.id;
        told.attempt = task.attempt;
        told.index = index;
        told.value = written.value();
        Connection connection = incoming.caller.connection();
        connection.send(Frame.encode(told, written.body()));
        connection.awaitWritten(UNWRITTEN_BYTES_MAX, Long.MAX_VALUE);
        Reference.reachabilityFence(encoded.values());
    }
}
