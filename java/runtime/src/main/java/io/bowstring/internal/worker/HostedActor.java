package io.bowstring.internal.worker;

import io.bowstring.errors.BowstringException;
import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.MethodDeclarations;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.runtime.TaskContext;
import io.bowstring.internal.value.ErrorRecords;
import io.bowstring.internal.wire.Task;
import io.bowstring.internal.wire.WireHandle;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** An actor that lives in this process: its object, its methods, and what its handle and its class say of its calls. */
final class HostedActor {
    private final byte[] id;
    private final long maxConcurrency;
    private final Map<String, Integer> groups;
    private final Map<String, Invocation> methods = new ConcurrentHashMap<>();
    private volatile Map<String, String> declaredGroups = Map.of();
    private volatile @Nullable Object instance;
    private volatile @Nullable Class<?> type;

    HostedActor(WireHandle handle) {
        id = Id.of(handle.ref.id()).task();
        maxConcurrency = handle.maxConcurrency;
        groups = groups(handle.concurrencyGroups);
    }

    byte[] id() {
        return id;
    }

    /** How many calls of the default group may overlap. */
    long maxConcurrency() {
        return maxConcurrency;
    }

    /** How many calls of each concurrency group may overlap. */
    Map<String, Integer> groups() {
        return groups;
    }

    /** Concurrency groups as a handle names them: "io=2". */
    private static Map<String, Integer> groups(List<String> named) {
        Map<String, Integer> groups = new LinkedHashMap<>();
        for (String each : named) {
            int mark = each.lastIndexOf('=');
            groups.put(each.substring(0, mark), Integer.parseInt(each.substring(mark + 1)));
        }
        return groups;
    }

    /** The group whose threads run a call; "" is the default one. */
    String groupOf(Task task) {
        int descriptor = task.method.indexOf('(');
        String method = descriptor < 0 ? task.method : task.method.substring(0, descriptor);
        String group = task.concurrencyGroup.isEmpty() ? declaredGroups.getOrDefault(method, "") : task.concurrencyGroup;
        return groups.containsKey(group) ? group : "";
    }

    /** Refuses a call that names a group which the actor does not have (spec section 5.2, rule 4). */
    void checkGroup(Task task) {
        if (!task.concurrencyGroup.isEmpty() && !groups.containsKey(task.concurrencyGroup)) {
            throw new InvalidArgumentException("the actor has no concurrency group " + task.concurrencyGroup
                    + (groups.isEmpty() ? "" : "; it has " + String.join(", ", groups.keySet())));
        }
    }

    @Nullable Object instance() {
        return instance;
    }

    /** The method that a call names. */
    Invocation invocation(Task task) {
        Class<?> made = type;
        if (made == null) {
            throw new FunctionNotFoundException("the actor is not made yet");
        }
        return methods.computeIfAbsent(task.method, named -> Invocation.ofInstance(made, named));
    }

    /** What people call a call. */
    String labelOf(Task task) {
        Class<?> made = type;
        int end = task.method.indexOf('(');
        String method = end < 0 ? task.method : task.method.substring(0, end);
        return made == null ? method : made.getSimpleName() + "." + method;
    }

    /** Runs the constructor; null, or why there is no actor. */
    @Nullable BowstringException construct(Session session, FunctionTable functions, Task task, byte[] body) {
        TaskContext context = TaskContext.ofTask(task.id, task.attempt);
        TaskContext.enter(context);
        List<Object> held = new ArrayList<>();
        String name = "the constructor";
        try {
            Class<?> found = functions.load(functions.function(task.function).module);
            Invocation invocation = Invocation.ofConstructor(found, task.method);
            name = invocation.name();
            Invocation.Ready ready = invocation.prepare(new ArgumentReader(session).read(task, invocation, body, held));
            try {
                instance = ready.call(null);
            } catch (Throwable error) {
                return ErrorRecords.exception(
                        ErrorRecords.ofUserCode(error, name, task.id, session.nodeId()), functions.loader());
            }
            type = found;
            declaredGroups = groups.isEmpty() ? Map.of() : MethodDeclarations.groups(found);
            session.reactor().flush();
            session.reader().await(context.held());
            return null;
        } catch (BowstringException error) {
            return error;
        } catch (Throwable error) {
            return ErrorRecords.exception(
                    ErrorRecords.ofUserCode(error, name, task.id, session.nodeId()), functions.loader());
        } finally {
            Reference.reachabilityFence(held);
            TaskContext.enter(null);
        }
    }
}
