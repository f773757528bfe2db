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
import org.jspecify.annotations.Nullable;

/** What the methods of an actor's class declare of their calls, by {@link RemoteMethod}. */
public final class MethodDeclarations {
    private MethodDeclarations() {}

    /** Retries of the methods that declare some; those that name no number have the actor's. */
    public static List<MethodRetries> retries(String className, @Nullable ClassLoader loader, int maxTaskRetries) {
        List<MethodRetries> declared = new ArrayList<>();
        try {
            for (Method method : Class.forName(className, false, loader).getMethods()) {
                RemoteMethod said = method.getAnnotation(RemoteMethod.class);
                if (said == null) {
                    continue;
                }
                MethodRetries retries = new MethodRetries();
                retries.name = method.getName();
                retries.maxTaskRetries = said.maxTaskRetries() == RemoteMethod.AS_THE_ACTOR
                        ? maxTaskRetries
                        : CallOptions.count("maxTaskRetries of " + className + "." + method.getName(), said.maxTaskRetries());
                retries.retryExceptions = said.retryExceptions() || said.retryOn().length > 0;
                retries.retriedTypes = Arrays.stream(said.retryOn()).map(Class::getName).toList();
                declared.add(retries);
            }
        } catch (ClassNotFoundException | LinkageError error) {
            throw new InvalidArgumentException("the class " + className + " can't be looked at: " + error, error);
        }
        return declared;
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
