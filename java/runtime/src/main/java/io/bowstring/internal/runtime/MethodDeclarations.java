package io.bowstring.internal.runtime;

import io.bowstring.RemoteMethod;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.wire.MethodRetries;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What the methods of an actor's class declare of their calls, by {@link RemoteMethod}. */
public final class MethodDeclarations {
    /** Spec section 4.2, rule 5. */
    private static final int NUM_RETURNS_MAX = 65_536;

    private MethodDeclarations() {}

    /** Retries of the methods that declare some; those that name no number have the actor's. */
    public static List<MethodRetries> retries(String className, @Nullable ClassLoader loader, int maxTaskRetries) {
        List<MethodRetries> declared = new ArrayList<>();
        annotated(className, loader).forEach((name, said) -> {
            MethodRetries retries = new MethodRetries();
            retries.name = name;
            retries.maxTaskRetries = said.maxTaskRetries() == RemoteMethod.AS_THE_ACTOR
                    ? maxTaskRetries
                    : CallOptions.count("maxTaskRetries of " + className + "." + name, said.maxTaskRetries());
            retries.retryExceptions = said.retryExceptions() || said.retryOn().length > 0;
            retries.retriedTypes = Arrays.stream(said.retryOn()).map(Class::getName).toList();
            declared.add(retries);
        });
        return declared;
    }

    /** Methods that do not have one result, as a handle names them: "pair=2". */
    static List<String> numReturns(String className, @Nullable ClassLoader loader) {
        List<String> declared = new ArrayList<>();
        annotated(className, loader).forEach((name, said) -> {
            int count = said.numReturns();
            if (count < RemoteMethod.STREAMING || count > NUM_RETURNS_MAX) {
                throw new InvalidArgumentException("numReturns of " + className + "." + name + " is " + count
                        + "; it is from 0 to " + NUM_RETURNS_MAX + ", or STREAMING");
            }
            if (count != 1) {
                declared.add(name + "=" + count);
            }
        });
        return declared;
    }

    private static Map<String, RemoteMethod> annotated(String className, @Nullable ClassLoader loader) {
        Map<String, RemoteMethod> annotated = new TreeMap<>();
        try {
            for (Method method : Class.forName(className, false, loader).getMethods()) {
                RemoteMethod said = method.getAnnotation(RemoteMethod.class);
                if (said != null) {
                    annotated.put(method.getName(), said);
                }
            }
        } catch (ClassNotFoundException | LinkageError error) {
            throw new InvalidArgumentException("the class " + className + " can't be looked at: " + error, error);
        }
        return annotated;
    }

    /** The concurrency groups of a class's methods, by their names. */
    public static Map<String, String> groups(Class<?> type) {
        Map<String, String> groups = new HashMap<>();
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            for (Method method : each.getDeclaredMethods()) {
                RemoteMethod said = method.getAnnotation(RemoteMethod.class);
                if (said != null && !said.concurrencyGroup().isEmpty()) {
                    groups.putIfAbsent(method.getName(), said.concurrencyGroup());
                }
            }
        }
        return groups;
    }
}
