package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.function.FunctionDescriptor;
import io.bowstring.internal.function.MethodReference;
import io.bowstring.internal.call.Arguments;
import java.io.Serializable;
import java.lang.reflect.Type;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A task that is about to be submitted: what runs, on which arguments, and how.
 *
 * @param <R> type of the result
 */
public final class TaskCall<R extends @Nullable Object> extends TaskSettings<TaskCall<R>> {
    private final FunctionDescriptor function;
    private final List<?> arguments;
    private final Type type;

    private TaskCall(FunctionDescriptor function, List<?> arguments, Type type) {
        this.function = function;
        this.arguments = Bowstring.unwrap(arguments);
        this.type = type;
    }

    static <R extends @Nullable Object> TaskCall<R> of(Serializable function, List<?> arguments) {
        MethodReference method = MethodReference.of(function);
        if (!method.isStatic()) {
            throw new InvalidArgumentException(method.methodName() + " of " + method.className()
                    + " is no static method; tasks run static methods, and actors the others");
        }
        return new TaskCall<>(method.descriptorOf(), arguments, method.resultType());
    }

    static <R extends @Nullable Object> TaskCall<R> of(PyFunction<R> function, List<?> arguments) {
        return new TaskCall<>(function.descriptor(), arguments, function.resultType());
    }

    /**
     * Takes over all options of an object; what is set after that counts more.
     *
     * @param given what is taken over, as a copy; not null
     * @return this
     */
    public TaskCall<R> setOptions(TaskOptions given) {
        options = Arguments.present("given", given).options.copy();
        return this;
    }

    /**
     * Submits the task; it runs once its arguments are ready and a worker is free.
     *
     * @return the result, which may not be there yet; an error of the task is thrown by its {@code get}
     * @throws InvalidArgumentException if an argument can't be one, or the method returns a {@code CompletionStage}
     */
    @SuppressWarnings("unchecked")
    public ObjectRef<R> remote() {
        return (ObjectRef<R>) Bowstring.link().submit(function, arguments, options, Arguments.settled(type));
    }

    /**
     * The same for a method whose result is a {@code CompletionStage}, which the task waits for, or is of a type that
     * is known better here.
     *
     * @param <T> type of the result
     * @param result what the value is converted to, without loss or not at all
     * @return the result, which may not be there yet
     */
    @SuppressWarnings("unchecked")
    public <T extends @Nullable Object> ObjectRef<T> remote(Class<T> result) {
        return (ObjectRef<T>) Bowstring.link().submit(function, arguments, options, result);
    }

    /**
     * Submits a task with several results, each of which has its reference: a function in Python that returns a tuple,
     * a list, or a generator; in Java a method that returns a {@code List}, an array, a record, an {@code Iterator} or
     * a {@code Stream} of so many values. An error is every result.
     *
     * @param types what each result is converted to, without loss or not at all; {@code Object.class}: left as it comes
     * @return a reference for each type, in order
     */
    public List<ObjectRef<?>> results(Class<?>... types) {
        List<Class<?>> wanted = Arguments.types(Arguments.present("types", types));
        return Bowstring.link().submitAll(function, arguments, options, wanted);
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
        return (List<ObjectRef<T>>) (List<?>) Bowstring.link().submitAll(function, arguments, options, wanted);
    }

    /**
     * Submits a task that makes its items one by one: a generator in Python; in Java a method that returns an
     * {@code Iterator}, {@code Iterable} or {@code Stream}.
     *
     * @param <T> type of the items
     * @param item what the items are converted to, without loss or not at all
     * @return the items, to be closed if they are not read to their end
     */
    public <T extends @Nullable Object> ObjectStream<T> stream(Class<T> item) {
        return new ObjectStream<>(Bowstring.link().stream(function, arguments, options), item);
    }
}
