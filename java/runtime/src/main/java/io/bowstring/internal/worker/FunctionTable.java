package io.bowstring.internal.worker;

import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.internal.runtime.Id;
import io.bowstring.internal.runtime.Session;
import io.bowstring.internal.wire.Frame;
import io.bowstring.internal.wire.Function;
import io.bowstring.internal.wire.FunctionGet;
import io.bowstring.internal.wire.Language;
import io.bowstring.internal.wire.Task;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The functions of the job that this worker serves: by their keys from the node, and in the job's classes (spec 4.1). */
final class FunctionTable {
    private final Session session;
    private final Map<String, Invocation> invocations = new ConcurrentHashMap<>();
    private final Map<Id, Function> functions = new ConcurrentHashMap<>();
    private volatile ClassLoader loader = FunctionTable.class.getClassLoader();

    FunctionTable(Session session) {
        this.session = session;
    }

    /** The job's classes come from here on. */
    void bind(ClassLoader jobs) {
        loader = jobs;
        invocations.clear();
        functions.clear();
    }

    ClassLoader loader() {
        return loader;
    }

    /** The static method that a task names. */
    Invocation invocation(Task task) {
        Function function = function(task.function);
        if (function.name.isEmpty()) {
            throw new FunctionNotFoundException(function.module + " is a class and no method; make an actor of it");
        }
        return invocations.computeIfAbsent(
                function.module + "." + function.name + function.signature,
                key -> Invocation.ofStatic(load(function.module), function.name, function.signature));
    }

    Function function(byte[] key) {
        Function known = functions.get(Id.of(key));
        if (known != null) {
            return known;
        }
        FunctionGet get = new FunctionGet();
        get.key = key;
        Frame answer = session.ask(number -> {
            get.request = number;
            return get;
        }, Function.class);
        Function function = Function.decode(answer.metadata());
        if (function.language != Language.JAVA) {
            throw new FunctionNotFoundException(function.module + "." + function.name + " is no Java method");
        }
        add(function);
        return function;
    }

    /** A function is known from here on. */
    void add(Function function) {
        functions.put(Id.of(function.key), function);
    }

    Class<?> load(String name) {
        try {
            return Class.forName(name, false, loader); // what its initializer throws is the task's own error
        } catch (ClassNotFoundException error) {
            String nested = nested(name);
            throw new FunctionNotFoundException("the class " + name + " is not on the class path of Java workers; "
                    + (nested != null ? "a class inside of another is named with a $: " + nested
                            : "name its jar or folder in the driver's class path"), error);
        } catch (LinkageError error) {
            throw new FunctionNotFoundException("the class " + name + " can't be loaded: " + error, error);
        }
    }

    /** The name of the class that a name with dots means, if it is inside of another. */
    private @Nullable String nested(String name) {
        String binary = name;
        for (int dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
            binary = binary.substring(0, dot) + '$' + binary.substring(dot + 1);
            try {
                return Class.forName(binary, false, loader).getName();
            } catch (ClassNotFoundException | LinkageError none) {
                continue;
            }
        }
        return null;
    }

    /** What people call a task that names a function; empty if it is not known here. */
    String labelOf(Task task) {
        Function function = functions.get(Id.of(task.function));
        return function == null ? "" : shortName(function.module) + "." + function.name;
    }

    private static String shortName(String binaryName) {
        return binaryName.substring(Math.max(binaryName.lastIndexOf('.'), binaryName.lastIndexOf('$')) + 1);
    }
}
