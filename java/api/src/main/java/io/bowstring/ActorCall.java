package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.CallOptions;
import java.io.Serializable;
import java.lang.reflect.Type;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A call of an actor's method that is about to be made.
 *
 * @param <R> type of the result
 */
public final class ActorCall<R extends @Nullable Object> extends CallSettings<ActorCall<R>> {
    private final Object actor;
    private final String method;
    private final List<?> arguments;
    private final Type type;

    private ActorCall(Object actor, String method, List<?> arguments, Type type) {
        super(optionsOf(actor, method));
        this.actor = actor;
        this.method = method;
        this.arguments = Bowstring.unwrap(arguments);
        this.type = type;
    }

    private static CallOptions optionsOf(Object actor, String method) {
        int descriptor = method.indexOf('(');
        return Bowstring.link().callOptions(actor, descriptor < 0 ? method : method.substring(0, descriptor));
    }

    static <R extends @Nullable Object> ActorCall<R> of(ActorHandle<?> actor, Serializable function, List<?> arguments) {
        MethodReference method = MethodReference.of(function);
        if (method.isStatic()) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is static; call it with Bowstring.task, or write an instance method");
        }
        return new ActorCall<>(actor, method.methodName() + method.descriptor(), arguments, method.resultType());
    }

    static <R extends @Nullable Object> ActorCall<R> of(PyActorHandle actor, PyActorMethod<R> method, List<?> arguments) {
        return new ActorCall<>(actor, method.name(), arguments, method.resultType());
    }

    /**
     * Sets how often the call may be made again after the actor's process ended; -1: any number. Default: the actor's.
     *
     * @param count 0 or more, or -1
     * @return this
     */
    public ActorCall<R> setMaxTaskRetries(int count) {
        options.maxTaskRetries = CallOptions.count("maxTaskRetries", count);
        return this;
    }

    /**
     * Sets the concurrency group that runs the call. Default: the method's.
     *
     * @param name a group that the actor declares; if it declares none of the name, the call fails with an
     *     InvalidArgumentException
     * @return this
     */
    public ActorCall<R> setConcurrencyGroup(String name) {
        options.concurrencyGroup = Arguments.group("name", name);
        return this;
    }

    /**
     * Makes the call; it runs after the earlier calls of this process, once its arguments are ready.
     *
     * @return the result, which may not be there yet; an error of the call is thrown by its {@code get}
     * @throws InvalidArgumentException if an argument can't be one, or the method returns a {@code CompletionStage}
     * @throws io.bowstring.errors.PendingCallsLimitException if as many calls are pending as the actor allows
     */
    @SuppressWarnings("unchecked")
    public ObjectRef<R> remote() {
        return (ObjectRef<R>) Bowstring.link().call(actor, method, arguments, options, Arguments.settled(type));
    }

    /**
     * The same for a method whose result is a {@code CompletionStage}, which the call waits for, or is of a type that
     * is known better here.
     *
     * @param <T> type of the result
     * @param result what the value is converted to, without loss or not at all
     * @return the result, which may not be there yet
     */
    @SuppressWarnings("unchecked")
    public <T extends @Nullable Object> ObjectRef<T> remote(Class<T> result) {
        return (ObjectRef<T>) Bowstring.link().call(actor, method, arguments, options, result);
    }

    /**
     * Makes a call with several results, each of which has its reference: a function in Python that returns a tuple, a
     * list, or a generator; in Java a method that returns a {@code List}, an array, a record, an {@code Iterator} or a
     * {@code Stream} of so many values. An error is every result.
     *
     * @param types what each result is converted to, without loss or not at all; {@code Object.class}: left as it comes
     * @return a reference for each type, in order
     */
    public List<ObjectRef<?>> results(Class<?>... types) {
        List<Class<?>> wanted = Arguments.types(Arguments.present("types", types));
        return Bowstring.link().callAll(actor, method, arguments, options, wanted);
    }

    /**
     * The same for results of one type.
     *
     * @param <T> type of each result
     * @param count how many, at most 65536; 0: none, and nobody hears of an error
     * @param type what each is converted to
     * @return {@code count} references, in order
     */
    @SuppressWarnings("unchecked")
    public <T extends @Nullable Object> List<ObjectRef<T>> results(int count, Class<T> type) {
        if (count < 0 || count > CallSettings.NUM_RETURNS_MAX) {
            throw new InvalidArgumentException("count is " + count + "; it is from 0 to " + CallSettings.NUM_RETURNS_MAX);
        }
        List<Class<?>> wanted = Collections.nCopies(count, Arguments.settled(Arguments.present("type", type)));
        return (List<ObjectRef<T>>) (List<?>) Bowstring.link().callAll(actor, method, arguments, options, wanted);
    }

    /**
     * Makes a call that makes its items one by one: a generator in Python; in Java a method that returns an
     * {@code Iterator}, {@code Iterable} or {@code Stream}.
     *
     * @param <T> type of the items
     * @param item what the items are converted to, without loss or not at all
     * @return the items, to be closed if they are not read to their end
     */
    public <T extends @Nullable Object> ObjectStream<T> stream(Class<T> item) {
        return new ObjectStream<>(Bowstring.link().callStream(actor, method, arguments, options), item);
    }
}
