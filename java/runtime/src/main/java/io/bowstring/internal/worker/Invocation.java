package io.bowstring.internal.worker;

import io.bowstring.Tensor;
import io.bowstring.errors.FunctionNotFoundException;
import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.value.Conversions;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the method that a task names, chooses among overloads by the arguments, converts, and calls. */
public final class Invocation {
    private final String name;
    private final List<? extends Executable> candidates;
    private final Map<Integer, @Nullable Class<?>[]> elements = new HashMap<>();

    private Invocation(String name, List<? extends Executable> candidates) {
        this.name = name;
        this.candidates = candidates;
        for (Executable each : candidates) {
            elements.computeIfAbsent(each.getParameterCount(), count -> elements(candidates, count));
        }
    }

    /** A static method, by its name and perhaps its descriptor. */
    public static Invocation ofStatic(Class<?> type, String method, String descriptor) {
        List<Method> found = methods(type, method, descriptor, true);
        if (found.isEmpty()) {
            boolean instance = !methods(type, method, descriptor, false).isEmpty();
            throw new FunctionNotFoundException(type.getName() + " has no static method " + method + descriptor
                    + (instance ? "; it has one that is not static, which only an actor can run" : ""));
        }
        return new Invocation(type.getName() + "." + method, found);
    }

    /** A method of an actor, as "add" or "add(I)I". */
    public static Invocation ofInstance(Class<?> type, String named) {
        int open = named.indexOf('(');
        String method = open < 0 ? named : named.substring(0, open);
        List<Method> found = methods(type, method, open < 0 ? "" : named.substring(open), false);
        if (found.isEmpty()) {
            throw new FunctionNotFoundException(type.getName() + " has no method " + named);
        }
        return new Invocation(type.getName() + "." + method, found);
    }

    /** A constructor, as "" or {@code <init>(I)V}. */
    public static Invocation ofConstructor(Class<?> type, String named) {
        int open = named.indexOf('(');
        List<Constructor<?>> found = new ArrayList<>();
        for (Constructor<?> each : type.getDeclaredConstructors()) {
            if (open < 0 || descriptor(each, void.class).equals(named.substring(open))) {
                found.add(each);
            }
        }
        if (found.isEmpty() || Modifier.isAbstract(type.getModifiers())) {
            throw new FunctionNotFoundException(type.getName() + " has no constructor " + named);
        }
        return new Invocation("new " + type.getName(), found);
    }

    private static List<Method> methods(Class<?> type, String name, String descriptor, boolean isStatic) {
        Map<String, Method> found = new LinkedHashMap<>();
        List<Method> all = new ArrayList<>();
        for (Class<?> each = type; each != null; each = each.getSuperclass()) {
            all.addAll(Arrays.asList(each.getDeclaredMethods()));
        }
        all.addAll(Arrays.asList(type.getMethods()));
        for (Method each : all) {
            if (each.getName().equals(name) && Modifier.isStatic(each.getModifiers()) == isStatic
                    && !each.isBridge()
                    && (descriptor.isEmpty() || descriptor(each, each.getReturnType()).equals(descriptor))) {
                found.putIfAbsent(Arrays.toString(each.getParameterTypes()), each);
            }
        }
        return new ArrayList<>(found.values());
    }

    private static String descriptor(Executable executable, Class<?> result) {
        return MethodType.methodType(result, executable.getParameterTypes()).toMethodDescriptorString();
    }

    /** The method for people: class and name. */
    public String name() {
        return name;
    }

    /** The parameter's type, if it is an array of primitives, a tensor or a buffer whichever candidate is chosen; else null. */
    public @Nullable Class<?> elementsAt(int index, int count) {
        @Nullable Class<?>[] ofCount = elements.get(count);
        return ofCount == null ? null : ofCount[index];
    }

    private static @Nullable Class<?>[] elements(List<? extends Executable> candidates, int count) {
        @Nullable Class<?>[] common = new Class<?>[count];
        for (int index = 0; index < count; index++) {
            Set<Class<?>> types = new HashSet<>();
            for (Executable each : candidates) {
                if (each.getParameterCount() == count) {
                    types.add(each.getParameterTypes()[index]);
                }
            }
            Class<?> type = types.iterator().next();
            boolean holdsElements =
                    type == ByteBuffer.class || type == Tensor.class || Conversions.holdsPrimitives(type);
            common[index] = types.size() == 1 && holdsElements ? type : null;
        }
        return common;
    }

    /** What is about to be called, with its arguments as it declares them. */
    public record Ready(Executable target, @Nullable Object[] arguments) {
        /** Calls it; what user code throws is thrown as it is. */
        public @Nullable Object call(@Nullable Object receiver) throws Throwable {
            try {
                return target instanceof Method method
                        ? method.invoke(receiver, arguments)
                        : ((Constructor<?>) target).newInstance(arguments);
            } catch (InvocationTargetException error) {
                throw error.getCause();
            }
        }
    }

    /**
     * Chooses the overload and converts the arguments.
     *
     * @throws InvalidArgumentException naming the argument that fits no parameter
     */
    public Ready prepare(List<@Nullable Object> arguments) {
        List<Executable> fitting = new ArrayList<>();
        for (Executable each : candidates) {
            if (each.getParameterCount() == arguments.size()) {
                fitting.add(each);
            }
        }
        if (fitting.isEmpty()) {
            throw new InvalidArgumentException(name + " takes "
                    + candidates.stream().map(each -> Integer.toString(each.getParameterCount())).distinct()
                            .collect(Collectors.joining(" or "))
                    + " arguments; " + arguments.size() + " were given" + variableArguments(candidates));
        }
        Executable chosen = fitting.size() == 1 ? fitting.get(0) : choose(fitting, arguments);
        try {
            chosen.setAccessible(true);
        } catch (InaccessibleObjectException error) {
            throw new FunctionNotFoundException(name + " is in a package that its module keeps closed; let its"
                    + " module-info open it", error);
        }
        Type[] types = parameterTypes(chosen);
        @Nullable Object[] converted = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            try {
                converted[i] = Conversions.convert(arguments.get(i), types[i]);
            } catch (InvalidArgumentException error) {
                InvalidArgumentException misfit = misfit(i, error);
                throw i < types.length - 1 || !chosen.isVarArgs() ? misfit : new InvalidArgumentException(
                        misfit.details().message() + variableArguments(List.of(chosen)));
            }
        }
        return new Ready(chosen, converted);
    }

    /** What to do about variable arguments, which are one array in a class file; empty if there are none. */
    private static String variableArguments(List<? extends Executable> methods) {
        for (Executable each : methods) {
            if (each.isVarArgs()) {
                Class<?> last = each.getParameterTypes()[each.getParameterCount() - 1];
                return "; its last parameter is " + last.getComponentType().getSimpleName()
                        + "..., which takes one list or array of all of them";
            }
        }
        return "";
    }

    /** The error that names the argument. */
    public InvalidArgumentException misfit(int index, InvalidArgumentException error) {
        return new InvalidArgumentException("argument " + (index + 1) + " of " + name + ": " + error.details().message());
    }

    private static Type[] parameterTypes(Executable executable) {
        Type[] generic = executable.getGenericParameterTypes();
        return generic.length == executable.getParameterCount() ? generic : executable.getParameterTypes();
    }

    private Executable choose(List<Executable> fitting, List<@Nullable Object> arguments) {
        Executable best = null;
        int bestDistance = Integer.MAX_VALUE;
        boolean tie = false;
        for (Executable each : fitting) {
            int distance = distance(each, arguments);
            if (distance >= 0 && distance < bestDistance) {
                best = each;
                bestDistance = distance;
                tie = false;
            } else if (distance == bestDistance) {
                tie = true;
            }
        }
        String overloads = fitting.stream()
                .map(each -> Arrays.stream(each.getParameterTypes()).map(Class::getSimpleName)
                        .collect(Collectors.joining(", ", "(", ")")))
                .collect(Collectors.joining(" "));
        if (best == null) {
            throw new InvalidArgumentException("the arguments fit no overload of " + name + ": " + overloads);
        }
        if (tie) {
            throw new InvalidArgumentException("the arguments fit several overloads of " + name
                    + " equally well; name one by its descriptor: " + overloads);
        }
        return best;
    }

    private static int distance(Executable executable, List<@Nullable Object> arguments) {
        Type[] types = parameterTypes(executable);
        int sum = 0;
        for (int i = 0; i < types.length; i++) {
            int distance = Conversions.distance(arguments.get(i), types[i]);
            if (distance < 0) {
                return -1;
            }
            sum += distance;
        }
        return sum;
    }
}
