package conformance;

import io.bowstring.Bowstring;
import io.bowstring.ObjectStream;
import io.bowstring.PyActorClass;
import io.bowstring.PyActorCreation;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.PyFunction;
import io.bowstring.TaskCall;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Calls the library in Python, by name. */
final class PythonWorkers implements Workers {
    private static final String LIBRARY = "conformance.languages.python.library";

    @Override
    public Object call(String function, List<Object> arguments, Map<String, Object> options) {
        TaskCall<Object> call = Bowstring.task(PyFunction.of(LIBRARY, function, Object.class), arguments.toArray());
        if (options.get("max_retries") instanceof Long count) {
            call.setMaxRetries(count.intValue());
        }
        if (options.get("timeout_s") instanceof Number seconds) {
            call.setTimeout(Duration.ofNanos((long) (seconds.doubleValue() * 1e9)));
        }
        return Workers.made(call, options);
    }

    @Override
    public ObjectStream<Object> stream(String function, List<Object> arguments, Long ahead) {
        TaskCall<Object> call = Bowstring.task(PyFunction.of(LIBRARY, function, Object.class), arguments.toArray());
        if (ahead != null) {
            call.setStreamAhead(ahead.intValue());
        }
        return call.stream(Object.class);
    }

    @Override
    public Object create(String actorClass, List<Object> arguments, Map<String, Object> options) {
        PyActorCreation creation = Bowstring.actor(PyActorClass.of(LIBRARY, actorClass), arguments.toArray());
        if (options.get("name") instanceof String name) {
            creation.setName(name);
        }
        if (options.get("max_restarts") instanceof Long count) {
            creation.setMaxRestarts(count.intValue());
        }
        return creation.remote();
    }

    @Override
    public Object method(Object actor, String method, List<Object> arguments) {
        return ((PyActorHandle) actor)
                .task(PyActorMethod.of(method, Object.class), arguments.toArray())
                .remote();
    }

    @Override
    public void kill(Object actor, boolean noRestart) {
        ((PyActorHandle) actor).kill(noRestart);
    }
}
