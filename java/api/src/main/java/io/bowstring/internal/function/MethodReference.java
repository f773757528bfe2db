package io.bowstring.internal.function;

import io.bowstring.errors.InvalidArgumentException;
import java.io.Serializable;
import java.lang.invoke.MethodHandleInfo;
import java.lang.invoke.MethodType;
import java.lang.invoke.SerializedLambda;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a method reference refers to, found through the form in which the JDK would serialize it. A reference that captures
 * nothing has one class for each place in the source, so the answer is kept by class.
 *
 * @param className binary name of the class that has the method
 * @param methodName the method; {@code <init>}: a constructor
 * @param descriptor JVM descriptor
 * @param isStatic true of static methods
 * @param parameters types of the parameters
 * @param resultType type of the result, as generic as it is declared; of a constructor: Object
 * @param descriptorOf what a task of it names: the method, or for a constructor its class
 */
public record MethodReference(
        String className,
        String methodName,
        String descriptor,
        boolean isStatic,
        List<Class<?>> parameters,
        Type resultType,
        FunctionDescriptor descriptorOf) {

    private static final ClassValue<AtomicReference<@Nullable MethodReference>> KNOWN = new ClassValue<>() {
        @Override
        protected AtomicReference<@Nullable MethodReference> computeValue(Class<?> type) {
            return new AtomicReference<>();
        }
    };

    /**
     * Resolves a method reference.
     *
     * @throws InvalidArgumentException if it is a lambda, or captures something; the message says what to write instead
     */
    public static MethodReference of(@Nullable Serializable function) {
        if (function == null) {
            throw new InvalidArgumentException("the method reference is null; pass one, as in Foo::bar");
        }
        AtomicReference<@Nullable MethodReference> slot = KNOWN.get(function.getClass());
        MethodReference known = slot.get();
        if (known == null) {
            known = resolve(function);
            slot.set(known);
        }
        return known;
    }

    private static MethodReference resolve(Serializable function) {
        SerializedLambda form = serializedForm(function);
        String className = form.getImplClass().replace('/', '.');
        String name = form.getImplMethodName();
        if (name.startsWith("lambda$")) {
            throw new InvalidArgumentException("a lambda in " + className + " can't run elsewhere, because its name is not"
                    + " stable; write its body as a method and pass a reference to that, as in Foo::bar. The compiler makes"
                    + " a lambda of some references too, as of one to a method with variable arguments (int...): refer to"
                    + " a method that takes an array instead");
        }
        if (form.getCapturedArgCount() > 0) {
            throw new InvalidArgumentException("the reference to " + name + " of " + className + " captures an object;"
                    + " pass a reference to a static method, as in Foo::bar, or make an actor of the object's class and"
                    + " call actor.task(Foo::bar, ...)");
        }
        MemoryClasses.refuse(className, function.getClass().getClassLoader());
        int kind = form.getImplMethodKind();
        boolean isConstructor = kind == MethodHandleInfo.REF_newInvokeSpecial;
        boolean isStatic = kind == MethodHandleInfo.REF_invokeStatic;
        String descriptor = form.getImplMethodSignature();
        MethodType type = MethodType.fromMethodDescriptorString(descriptor, function.getClass().getClassLoader());
        FunctionDescriptor named = isConstructor
                ? FunctionDescriptor.of(FunctionDescriptor.JAVA, className, "", "")
                : FunctionDescriptor.of(FunctionDescriptor.JAVA, className, name, descriptor);
        return new MethodReference(
                className, isConstructor ? "<init>" : name, descriptor, isStatic, List.copyOf(type.parameterList()),
                isConstructor ? Object.class : resultType(function, className, name, type), named);
    }

    /** The type that the method's source declares, so that an {@code ObjectRef<Integer>} is one. */
    private static Type resultType(Serializable function, String className, String name, MethodType type) {
        Class<?> erased = type.returnType();
        if (erased.isPrimitive() || erased.getTypeParameters().length == 0) {
            return erased;
        }
        try {
            Class<?> owner = Class.forName(className, false, function.getClass().getClassLoader());
            return owner.getDeclaredMethod(name, type.parameterArray()).getGenericReturnType();
        } catch (ReflectiveOperationException | LinkageError inherited) {
            return erased;
        }
    }

    private static SerializedLambda serializedForm(Serializable function) {
        try {
            Method method = function.getClass().getDeclaredMethod("writeReplace");
            method.setAccessible(true);
            if (method.invoke(function) instanceof SerializedLambda form) {
                return form;
            }
        } catch (NoSuchMethodException missing) {
            throw notAReference(function);
        } catch (InaccessibleObjectException error) {
            throw new InvalidArgumentException("the package " + function.getClass().getPackageName() + " is closed to"
                    + " Bowstring; let its module-info say: opens " + function.getClass().getPackageName()
                    + " to io.bowstring;", error);
        } catch (ReflectiveOperationException error) {
            throw new InvalidArgumentException("a method reference can't be resolved: " + error, error);
        }
        throw notAReference(function);
    }

    private static InvalidArgumentException notAReference(Serializable function) {
        return new InvalidArgumentException("an object of " + function.getClass().getName() + " is no method reference;"
                + " pass one, as in Foo::bar");
    }

    /** How a call on an actor names this method: with its descriptor, which tells overloads apart. */
    public String methodName(boolean withDescriptor) {
        return withDescriptor ? methodName + descriptor : methodName;
    }
}
