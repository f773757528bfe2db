package conformance;

import io.bowstring.ObjectStream;
import io.bowstring.PyActorHandle;
import java.util.List;
import java.util.Map;

/** How a Java driver calls the library of one language. */
interface Workers {
    /** Submits a task; its reference. */
    Object call(String function, List<Object> arguments, Map<String, Object> options);

    /** Submits a task that streams, at most so many items ahead of its reader (null: what the frontend does). */
    ObjectStream<Object> stream(String function, List<Object> arguments, Long ahead);

    /** Creates an actor; its handle. */
    Object create(String actorClass, List<Object> arguments, Map<String, Object> options);

    /** Calls an actor; the reference of the answer. */
    Object method(Object actor, String method, List<Object> arguments);

    void kill(Object actor, boolean noRestart);

    /** The language of an actor. */
    static Workers ofHandle(Object actor) {
        return actor instanceof PyActorHandle ? new PythonWorkers() : new JavaWorkers();
    }
}
