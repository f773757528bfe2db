package conformance;

import io.bowstring.ObjectStream;
import io.bowstring.PyActorHandle;
import io.bowstring.TaskCall;
import java.util.List;
import java.util.Map;

/** How a Java driver calls the library of one language. */
interface Workers {
    /** Submits a task; its reference, or a list of those of its results. */
    Object call(String function, List<Object> arguments, Map<String, Object> options);

    /** Submits a task that streams, at most so many items ahead of its reader (null: what the frontend does). */
    ObjectStream<Object> stream(String function, List<Object> arguments, Long ahead);

    /** Creates an actor; its handle. */
    Object create(String actorClass, List<Object> arguments, Map<String, Object> options);

    /** Calls an actor; the reference of the answer. */
    Object method(Object actor, String method, List<Object> arguments);

    void kill(Object actor, boolean noRestart);

    /** Submits a call: its reference, or a list of those of its results. */
    static Object made(TaskCall<?> call, Map<String, Object> options) {
        return options.get("num_returns") instanceof Long count
                ? call.results(count.intValue(), Object.class)
                : call.remote();
    }

    /** The language of an actor. */
    static Workers ofHandle(Object actor) {
        return actor instanceof PyActorHandle ? new PythonWorkers() : new JavaWorkers();
    }
}
