package io.bowstring.internal.worker;

import io.bowstring.errors.AuthenticationException;
import io.bowstring.errors.ProtocolException;
import io.bowstring.errors.VersionException;
import io.bowstring.internal.net.Connection;
import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.Cancel;
import io.bowstring.internal.wire.Credits;
import io.bowstring.internal.wire.Deliver;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameType;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Recall;
import io.bowstring.internal.wire.Returned;
import io.bowstring.internal.wire.Role;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskFlag;
import io.bowstring.internal.wire.Welcome;
import org.jspecify.annotations.Nullable;

/** The connection from one caller: checks who it is, then queues what it sends. On the reactor's thread. */
final class CallerLink implements Connection.Handler {
    /** Spec section 4.2, rule 5. */
    private static final int NUM_RETURNS_MAX = 65_536;

    private final Session session;
    private final TaskQueue queue;
    @SuppressWarnings("NullAway.Init") // accepted() comes before the first frame
    private Connection connection;
    private byte[] nonce = {};
    private long process;
    private long callsIncarnation = -1;
    private long nextSequence;
    private boolean ready;
    private boolean closed;

    CallerLink(Session session, TaskQueue queue) {
        this.session = session;
        this.queue = queue;
    }

    void accepted(Connection made) {
        connection = made;
        nonce = Handshake.challenge(made);
        session.reactor().schedule(Handshake.TIMEOUT_MS, () -> {
            if (!ready && !closed) {
                made.close();
            }
        });
    }

    Connection connection() {
        return connection;
    }

    void returned(Incoming incoming) {
        Returned returned = new Returned();
        returned.id = incoming.task.id;
        returned.attempt = incoming.task.attempt;
        connection.queue(returned);
    }

    @Override
    public void frame(Connection from, Frame frame) {
        if (!ready) {
            welcome(from, frame);
            return;
        }
        switch (frame.type()) {
            case FrameType.TASK -> {
                Task task = Task.decode(frame.metadata());
                check(task, frame.body());
                queue.add(new Incoming(this, task, frame.body()));
            }
            case FrameType.CANCEL -> {
                Cancel cancel = Cancel.decode(frame.metadata());
                Incoming running = queue.cancel(this, Id.of(cancel.id), cancel.force, cancel.recursive);
                if (running != null && running.context != null && cancel.recursive) {
                    session.taskEnds().cancelChildren(running.context);
                }
            }
            case FrameType.CREDITS -> {
                Credits credits = Credits.decode(frame.metadata());
                queue.credits(this, Id.of(credits.id), credits);
            }
            case FrameType.RECALL -> queue.recall(this, Recall.decode(frame.metadata()).count);
            case FrameType.DELIVER -> queue.deliver(this, Id.of(Deliver.decode(frame.metadata()).id));
            default -> {
                if (frame.type() < Frame.SKIPPABLE_TYPE_MIN) {
                    throw new ProtocolException("a caller sent a frame of type " + FrameType.name(frame.type()));
                }
            }
        }
    }

    /** What a Task must have, and must not (spec sections 1.3, rule 6, 1.5, rule 3, and 4.2). */
    private void check(Task task, byte[] body) {
        if (Id.isZero(task.id) || task.owner != process) {
            throw new ProtocolException("a Task needs an id, and its owner must be the caller");
        }
        boolean method = (task.flags & TaskFlag.METHOD) != 0;
        if (method ? Id.isZero(task.actor) : Id.isZero(task.function)) {
            throw new ProtocolException(method ? "a call that names no actor" : "a Task that names no function");
        }
        if (task.numReturns < -1 || task.numReturns > NUM_RETURNS_MAX) {
            throw new ProtocolException("a Task wants " + task.numReturns + " results");
        }
        for (Arg arg : task.args) {
            boolean known = switch (arg.kind()) {
                case ArgKind.VALUE, ArgKind.PACKED -> arg.offset() + arg.length() <= body.length;
                case ArgKind.REF -> !Id.isZero(arg.refId());
                default -> false;
            };
            if (!known) {
                throw new ProtocolException("a Task's argument of kind " + ArgKind.name(arg.kind())
                        + " is out of its body of " + body.length + " bytes, or names nothing");
            }
        }
        if (method) {
            if (task.epoch != callsIncarnation) {
                callsIncarnation = task.epoch;
                nextSequence = 0;
            }
            if (task.sequence < nextSequence) {
                throw new ProtocolException("a call's sequence is " + task.sequence + ", and one with "
                        + (nextSequence - 1) + " came before it");
            }
            nextSequence = task.sequence + 1;
        }
    }

    private void welcome(Connection from, Frame frame) {
        Hello hello;
        try {
            hello = Handshake.accept(from, frame, session.token(), nonce);
        } catch (AuthenticationException | VersionException error) {
            from.goAway(error);
            return;
        }
        if (hello.role != Role.DRIVER && hello.role != Role.WORKER) {
            throw new ProtocolException("a caller's role is " + Role.name(hello.role) + ", not DRIVER or WORKER");
        }
        process = hello.process;
        ready = true;
        Welcome welcome = new Welcome();
        welcome.version = Handshake.VERSION;
        welcome.process = session.process();
        welcome.pid = ProcessHandle.current().pid();
        welcome.node = session.nodeId();
        welcome.inlineBytesMax = session.inlineBytesMax();
        from.send(welcome);
    }

    @Override
    public void closed(Connection from, @Nullable Throwable cause) {
        closed = true;
        queue.callerGone(this);
    }
}
