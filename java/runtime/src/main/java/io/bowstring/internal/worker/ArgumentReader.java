package io.bowstring.internal.worker;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.Payload;
import io.bowstring.internal.value.ViewWatch;
import io.bowstring.internal.wire.Arg;
import io.bowstring.internal.wire.ArgKind;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.WireRef;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Reads the arguments of tasks: the values in their bodies, and those of references, which it waits for (spec 4.2). */
final class ArgumentReader {
    private final Session session;

    ArgumentReader(Session session) {
        this.session = session;
    }

    /** The values in order; {@code held} gets what their views need to stay. */
    List<@Nullable Object> read(Task task, Invocation invocation, byte[] body, List<Object> held) {
        TaskContext context = TaskContext.current();
        if (task.args.isEmpty()) {
            return List.of();
        }
        if (context == null || !context.isLogged()) {
            return ViewWatch.lend(() -> decoded(task, invocation, body, held));
        }
        context.notes(true);
        try {
            session.references().keep(LoggedCalls.referencesOf(task));
            return ViewWatch.lend(() -> decoded(task, invocation, body, held));
        } finally {
            context.notes(false);
        }
    }

    private List<@Nullable Object> decoded(Task task, Invocation invocation, byte[] body, List<Object> held) {
        List<Object> sources = new ArrayList<>(task.args.size());
        for (Arg arg : task.args) {
            switch (arg.kind()) {
                case ArgKind.VALUE -> sources.add(
                        Payload.inBody(arg.encoding(), arg.layout(), body, arg.offset(), arg.length()));
                case ArgKind.REF -> sources.add(session.reader().fetchArgument(
                        new WireRef(arg.refId(), arg.refFlags(), arg.refOwner(), arg.refHome())));
                default -> throw new InvalidArgumentException(
                        "an argument of kind " + ArgKind.name(arg.kind()) + ", which no Java method takes");
            }
        }
        List<@Nullable Object> values = new ArrayList<>(sources.size());
        for (Object source : sources) {
            if (source instanceof CompletableFuture<?> fetched) {
                values.add(decoded(session.reader().await(fetched), invocation, values.size(), sources.size()));
            } else {
                values.add(decoded(source, invocation, values.size(), sources.size()));
            }
        }
        held.addAll(sources);
        return values;
    }

    /** One that the method takes as an array is copied, and its memory let go; as a tensor or a buffer: viewed. */
    private @Nullable Object decoded(Object source, Invocation invocation, int index, int count) {
        Class<?> elements = invocation.elementsAt(index, count);
        try {
            return session.reader().decodeFetched(source, elements);
        } catch (InvalidArgumentException misfit) {
            throw elements == null ? misfit : invocation.misfit(index, misfit);
        }
    }
}
