package cross;

import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;

/** Calls actors by handles that it forgets. */
public final class HandleUser {
    /** Collects what is garbage. */
    public static void collect() {
        System.gc();
    }

    /** Calls a method of no arguments; the handle is garbage once this has returned. */
    public static long call(PyActorHandle actor, String method) {
        return actor.task(PyActorMethod.of(method, Long.class)).remote().get();
    }

    private HandleUser() {}
}
