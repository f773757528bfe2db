package conformance;

import io.bowstring.ActorCreation;
import io.bowstring.ActorHandle;
import io.bowstring.Arg;
import io.bowstring.Bowstring;
import io.bowstring.Functions.Func1;
import io.bowstring.Functions.Func2;
import io.bowstring.ObjectRef;
import io.bowstring.ObjectStream;
import io.bowstring.TaskCall;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Calls the library in Java, as a user does: by method references. */
final class JavaWorkers implements Workers {
    // Where a parameter is an Object, an Arg would be one too: typed functions tell which overload is meant.
    private static final Func1<Object, Object> ECHO = ConformanceLibrary::echo;
    private static final Func1<Object, List<ObjectRef<Object>>> STORE = ConformanceLibrary::store;
    private static final Func2<Object, Long, Iterator<Object>> REPEAT = ConformanceLibrary::repeat;
    private static final Func2<Object, Object, List<Object>> PAIR = ConformanceLibrary::pair;
    private static final Func2<Counter, Object, Object> ECHO_OF_COUNTER = Counter::echo;

    @Override
    public Object call(String function, List<Object> arguments, Map<String, Object> options) {
        TaskCall<?> call = task(function, arguments);
        if (options.get("max_retries") instanceof Long count) {
            call.setMaxRetries(count.intValue());
        }
        if (options.get("timeout_s") instanceof Number seconds) {
            call.setTimeout(Duration.ofNanos((long) (seconds.doubleValue() * 1e9)));
        }
        return Workers.made(call, options);
    }

    private static TaskCall<?> task(String function, List<Object> a) {
        return switch (function) {
            case "echo" -> Bowstring.task(ECHO, a.get(0));
            case "construct" -> Bowstring.task(ConformanceLibrary::construct, JavaWorkers.<String>arg(a, 0));
            case "check" -> Bowstring.task(
                    ConformanceLibrary::check, JavaWorkers.<Object>arg(a, 0), JavaWorkers.<String>arg(a, 1));
            case "add" -> Bowstring.task(
                    ConformanceLibrary::add, JavaWorkers.<Long>arg(a, 0), JavaWorkers.<Long>arg(a, 1));
            case "nothing" -> Bowstring.task(ConformanceLibrary::nothing);
            case "pair" -> Bowstring.task(PAIR, a.get(0), a.get(1));
            case "fail" -> Bowstring.task(ConformanceLibrary::fail, JavaWorkers.<String>arg(a, 0));
            case "fail_with_cause" -> Bowstring.task(
                    ConformanceLibrary::fail_with_cause, JavaWorkers.<String>arg(a, 0), JavaWorkers.<String>arg(a, 1));
            case "store" -> Bowstring.task(STORE, a.get(0));
            case "fetch" -> Bowstring.task(
                    ConformanceLibrary::fetch, JavaWorkers.<List<ObjectRef<Object>>>arg(a, 0));
            case "nested" -> Bowstring.task(ConformanceLibrary::nested, JavaWorkers.<Long>arg(a, 0));
            case "call_add" -> Bowstring.task(
                    ConformanceLibrary::call_add, JavaWorkers.<Object>arg(a, 0), JavaWorkers.<Long>arg(a, 1));
            case "crash" -> Bowstring.task(ConformanceLibrary::crash);
            case "crash_once" -> Bowstring.task(ConformanceLibrary::crash_once, JavaWorkers.<String>arg(a, 0));
            case "count_up" -> Bowstring.task(ConformanceLibrary::count_up, JavaWorkers.<Long>arg(a, 0));
            case "count_and_fail" -> Bowstring.task(
                    ConformanceLibrary::count_and_fail, JavaWorkers.<Long>arg(a, 0), JavaWorkers.<String>arg(a, 1));
            case "count_and_crash_once" -> Bowstring.task(
                    ConformanceLibrary::count_and_crash_once,
                    JavaWorkers.<Long>arg(a, 0),
                    JavaWorkers.<Long>arg(a, 1),
                    JavaWorkers.<String>arg(a, 2));
            case "count_for_ever" -> Bowstring.task(ConformanceLibrary::count_for_ever, JavaWorkers.<String>arg(a, 0));
            case "repeat" -> Bowstring.task(REPEAT, a.get(0), (Long) a.get(1));
            case "wait_for_file" -> Bowstring.task(ConformanceLibrary::wait_for_file, JavaWorkers.<String>arg(a, 0));
            case "wait_between_files" -> Bowstring.task(
                    ConformanceLibrary::wait_between_files,
                    JavaWorkers.<String>arg(a, 0),
                    JavaWorkers.<String>arg(a, 1));
            default -> throw new Interpreter.Mismatch("the Java driver has no function " + function);
        };
    }

    @Override
    public ObjectStream<Object> stream(String function, List<Object> arguments, Long ahead) {
        TaskCall<?> call = task(function, arguments);
        if (ahead != null) {
            call.setStreamAhead(ahead.intValue());
        }
        return call.stream(Object.class);
    }

    @Override
    public Object create(String actorClass, List<Object> arguments, Map<String, Object> options) {
        ActorCreation<Counter> creation = Bowstring.actor(Counter::new, JavaWorkers.<Long>arg(arguments, 0));
        if (options.get("name") instanceof String name) {
            creation.setName(name);
        }
        if (options.get("max_restarts") instanceof Long count) {
            creation.setMaxRestarts(count.intValue());
        }
        return creation.remote();
    }

    @Override
    @SuppressWarnings("unchecked")
    public Object method(Object actor, String method, List<Object> a) {
        ActorHandle<Counter> counter = (ActorHandle<Counter>) actor;
        return switch (method) {
            case "add" -> counter.task(Counter::add, JavaWorkers.<Long>arg(a, 0)).remote();
            case "echo" -> counter.task(ECHO_OF_COUNTER, a.get(0)).remote();
            case "fail" -> counter.task(Counter::fail, JavaWorkers.<String>arg(a, 0)).remote();
            case "keep" -> counter.task(Counter::keep, JavaWorkers.<List<ObjectRef<Object>>>arg(a, 0)).remote();
            case "fetch_kept" -> counter.task(Counter::fetch_kept).remote();
            case "crash" -> counter.task(Counter::crash).remote();
            default -> throw new Interpreter.Mismatch("the Java driver has no method " + method);
        };
    }

    @Override
    public void kill(Object actor, boolean noRestart) {
        ((ActorHandle<?>) actor).kill(noRestart);
    }

    /** An argument as the typed calls take it: a reference, or a value that is wrapped. */
    @SuppressWarnings("unchecked")
    private static <T> Arg<T> arg(List<Object> arguments, int place) {
        Object argument = arguments.get(place);
        return argument instanceof ObjectRef<?> ref ? (ObjectRef<T>) ref : Arg.of((T) argument);
    }
}
