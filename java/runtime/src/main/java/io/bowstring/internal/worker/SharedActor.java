package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.wire.ActorEnded;
import io.bowstring.internal.wire.ActorStart;
import io.bowstring.internal.wire.Task;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One of several actors of this process (spec section 5.5): it has an address, callers, a queue and threads of its own, and
 * ends by itself. Heap, static fields and the JVM's life it has together with the others.
 */
final class SharedActor {
    private static final Logger LOGGER = System.getLogger(SharedActor.class.getName());
    /** User code that is interrupted, and answers on their way, have this long; then the actor is over without them. */
    private static final long PATIENCE_MS = 1_000;

    private final Session session;
    private final EventLog events;
    private final ActorStart start;
    private final byte[] id;
    private final Path address;
    private final TaskQueue queue;
    private final TaskRunner runner;
    private final Set<Connection> callers = Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
    private Runnable unlisten = () -> {};

    SharedActor(Session session, FunctionTable functions, EventLog events, TaskRunner.Ends ends, ActorStart start) {
        this.session = session;
        this.events = events;
        this.start = start;
        id = Id.of(start.handle.ref.id()).task();
        address = Path.of(start.address);
        queue = new TaskQueue(new TaskQueue.Ends() {
            @Override
            public void cancelled(Incoming incoming) {
                runner().cancelled(incoming);
            }

            @Override
            public void forced() {
                // An actor's process is not ended for one call of it.
            }

            @Override
            public void startThread(String group, int number) {
                runner().startThread(group, number);
            }
        });
        queue.connected(session);
        queue.isShared();
        runner = new TaskRunner(session, queue, functions, events, ends);
    }

    /** What the node has said of it. */
    ActorStart start() {
        return start;
    }

    TaskQueue queue() {
        return queue;
    }

    TaskRunner runner() {
        return runner;
    }

    /** Runs the constructor; {@code done} hears null or the error. */
    void construct(Task task, byte[] body, Consumer<@Nullable BowstringException> done) {
        if (start.handle.checkpointInterval != 0) {
            runner.logs(start);
        }
        queue.becomeActor(id, start.incarnation);
        try {
            unlisten = session.reactor().listen(address, this::accept);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        runner.start();
        runner.construct(new HostedActor(start.handle), task, body, error -> {
            if (error == null) {
                queue.actorIsReady();
            }
            done.accept(error);
        });
    }

    private void accept(SocketChannel channel) {
        CallerLink link = new CallerLink(session, queue);
        try {
            Connection connection = session.reactor().register(channel, link);
            callers.add(connection);
            link.accepted(connection);
        } catch (IOException error) {
            LOGGER.log(Level.DEBUG, "a caller went away at once", error);
        }
    }

    /** Ends this actor, on a thread of its own, and tells the node. */
    void end(boolean graceful) {
        queue.drain(graceful);
        Thread thread = new Thread(() -> {
            try {
                finish(graceful);
            } catch (InterruptedException error) {
                LOGGER.log(Level.DEBUG, "an actor ends at once", error);
            }
            queue.close();
            events.flush();
            ActorEnded ended = new ActorEnded();
            ended.actor = id;
            ended.incarnation = start.incarnation;
            session.send(ended);
            session.reactor().flush();
        }, "bowstring-actor-end");
        thread.setDaemon(true);
        thread.start();
    }

    /** Sees calls and answers off, as far as they are to be, and closes everything. */
    private void finish(boolean graceful) throws InterruptedException {
        if (graceful) {
            runner.awaitIdle();
            long deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(PATIENCE_MS);
            for (Connection each : connections()) {
                each.awaitWritten(0, deadlineNs - System.nanoTime());
            }
        } else {
            session.reactor().flush();
            close();
            queue.interruptAll();
            if (!queue.awaitIdle(PATIENCE_MS)) {
                LOGGER.log(Level.WARNING, "a call of an actor that was killed heeds no interrupt, and goes on unheard");
            }
        }
        close();
    }

    private List<Connection> connections() {
        synchronized (callers) {
            return new ArrayList<>(callers);
        }
    }

    /** Closes everything, and returns once nothing can be written any more. */
    private void close() throws InterruptedException {
        unlisten.run();
        connections().forEach(Connection::close);
        CountDownLatch closed = new CountDownLatch(1);
        session.reactor().execute(closed::countDown); // behind those that close
        closed.await(PATIENCE_MS, TimeUnit.MILLISECONDS);
    }
}
