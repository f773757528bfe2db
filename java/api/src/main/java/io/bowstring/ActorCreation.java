package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import java.io.Serializable;
import java.util.List;

/**
 * An actor in Java that is about to be made.
 *
 * @param <A> the actor's class
 */
public final class ActorCreation<A> extends ActorSettings<ActorCreation<A>> {
    private final FunctionDescriptor type;
    private final String constructor;
    private final List<?> arguments;
    private final ClassLoader loader;

    private ActorCreation(FunctionDescriptor type, String constructor, List<?> arguments, ClassLoader loader) {
        this.type = type;
        this.constructor = constructor;
        this.arguments = Bowstring.unwrap(arguments);
        this.loader = loader;
        options.classLoader = loader;
    }

    static <A> ActorCreation<A> of(Serializable constructor, List<?> arguments) {
        MethodReference method = MethodReference.of(constructor);
        if (!method.methodName().equals("<init>")) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is no constructor; pass one, as in Foo::new");
        }
        return new ActorCreation<>(method.descriptorOf(), method.methodName() + method.descriptor(), arguments,
                constructor.getClass().getClassLoader());
    }

    /**
     * Takes over all options of an object; what is set after that counts more.
     *
     * @param given what is taken over, as a copy; not null
     * @return this
     */
    public ActorCreation<A> setOptions(ActorOptions given) {
        options = Arguments.present("given", given).options.copy();
        options.classLoader = loader;
        return this;
    }

    /**
     * Makes the actor. The handle can be used at once; calls wait until the constructor is done.
     *
     * @return the actor's handle; if it can't be made, its calls tell why
     * @throws io.bowstring.errors.ActorNameTakenException if another actor has its name
     */
    @SuppressWarnings("unchecked")
    public ActorHandle<A> remote() {
        return (ActorHandle<A>) Bowstring.link().create(type, constructor, arguments, options);
    }
}
