package io.bowstring.internal.worker;

import io.bowstring.internal.net.Handshake;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.StoreClient;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.EncodedValue;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.Values;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.Environment;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.FrameParser;
import io.bowstring.internal.wire.Function;
import io.bowstring.internal.wire.Hello;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.LeaseRevoke;
import io.bowstring.internal.wire.LeaseRevoked;
import io.bowstring.internal.wire.Result;
import io.bowstring.internal.wire.Table;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.TaskEvent;
import io.bowstring.internal.wire.TaskEvents;
import io.bowstring.internal.wire.TaskStatus;
import io.bowstring.internal.wire.Variable;
import io.bowstring.internal.wire.Welcome;
import io.bowstring.internal.wire.WorkerBind;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * Goes the way of a task once, from its frame to its result's, without a caller: so that the first real one does not pay
 * for the loading of some two hundred classes, which takes a tenth of a second.
 *
 * <p>It runs on a thread of its own beside the worker's start. Nothing of it leaves the process. The JVM that makes the
 * archive of classes does the same, so that the archive has them.
 */
final class Rehearsal implements Runnable {
    private static final Logger LOGGER = System.getLogger(Rehearsal.class.getName());
    private static final byte[] KEY = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

    private final Session session;
    private final CountDownLatch welcomed = new CountDownLatch(1);
    private final Thread thread = new Thread(this, "bowstring-rehearsal");

    Rehearsal(Session session) {
        this.session = session;
        thread.setDaemon(true);
        thread.start();
    }

    /** The node has said how values travel, which the way of a result depends on. */
    void welcomed() {
        welcomed.countDown();
    }

    /** Waits until it is over. */
    void await() {
        try {
            thread.join();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
        }
    }

    /** What is called. */
    static long same(long number) {
        return number;
    }

    @Override
    public void run() {
        try {
            greet();
            bind();
            welcomed.await();
            call();
        } catch (Exception | LinkageError error) {
            LOGGER.log(Level.DEBUG, "the rehearsal has ended early", error);
        }
    }

    private static byte[] sent(Table table) {
        return parsed(Frame.encode(table)).metadata();
    }

    private static Frame parsed(ByteBuffer frame) {
        FrameParser parser = new FrameParser();
        parser.handshakeDone();
        parser.space().put(frame);
        return Objects.requireNonNull(parser.next());
    }

    private void greet() {
        Hello hello = Hello.decode(sent(new Hello()));
        Handshake.isProved(hello, session.token(), new byte[KEY.length]);
        Welcome.decode(sent(new Welcome()));
        new CallerLink(session, new TaskQueue(new TaskQueue.Ends() {
            @Override
            public void cancelled(Incoming incoming) {}

            @Override
            public void forced() {}

            @Override
            public void startThread(String group, int number) {}
        }));
    }

    private static void bind() {
        WorkerBind bind = new WorkerBind();
        bind.environment = new Environment();
        bind.environment.variables = List.of(new Variable());
        bind.classPath = List.of("/");
        WorkerBind.decode(sent(bind));
        Worker.loader(bind);
        LeaseRevoke.decode(sent(new LeaseRevoke()));
        Frame.encode(new LeaseRevoked());
    }

    @SuppressWarnings("NullAway") // nobody calls in a rehearsal
    private void call() throws Exception {
        Payload argument = Values.encodePortable(7L, session.references()).inline();
        Task task = new Task();
        task.id = KEY.clone();
        task.function = KEY.clone();
        task.numReturns = 1;
        task.args = List.of(new Arg(ArgKind.VALUE, argument.encoding(), argument.layout(), 0, 0, argument.size(), 0,
                new byte[Id.TASK_BYTES + 4], 0, 0, 0));
        Frame came = parsed(Frame.encode(task, argument.data()));
        Function function = new Function();
        function.key = KEY.clone();
        function.language = Language.JAVA;
        function.module = Rehearsal.class.getName();
        function.name = "same";
        FunctionTable functions = new FunctionTable(session);
        functions.add(Function.decode(sent(function)));
        Incoming incoming = new Incoming(null, Task.decode(came.metadata()), came.body());
        Invocation invocation = functions.invocation(incoming.task);
        List<Object> held = new ArrayList<>();
        Invocation.Ready ready = invocation.prepare(
                new ArgumentReader(session).read(incoming.task, invocation, incoming.body, held));
        Answers answers = new Answers(session);
        TaskContext context = TaskContext.ofTask(incoming.task.id, 0);
        for (int language : new int[] {Language.PYTHON, Language.JAVA}) {
            incoming.task.callerLanguage = language;
            Outcome outcome = answers.encode(called(ready), incoming.task);
            Result.decode(parsed(answers.frame(incoming, outcome, context, 1)).metadata());
        }
        EncodedValue object = Values.encode(new ArrayList<>(List.of("x")), session.references());
        Payload written = object.inline();
        Values.decode(new Payload(written.encoding(), written.layout(), written.data()), session.references(),
                functions.loader());
        TaskEvents events = new TaskEvents();
        events.events = List.of(new TaskEvent(task.id, task.function, 1, 1, 0, TaskStatus.OK, Language.JAVA, 1, 0, 1));
        events.labels = List.of(functions.labelOf(task));
        Frame.encode(events);
        LOGGER.log(Level.TRACE, "views are ready: {0}", StoreClient.classesOfViews());
    }

    private static List<@Nullable Object> called(Invocation.Ready ready) {
        try {
            return Results.of(1, ready.call(null), "");
        } catch (Throwable error) {
            throw new IllegalStateException(error);
        }
    }
}
