package cross;

import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;

/** Calls actors by handles that it forgets. */
public final class HandleUser {
    /** Calls a method of no arguments; the handle is garbage once this has returned, and what was before is collected. */
    public static long call(PyActorHandle actor, String method) {
        System.gc();
        return actor.task(PyActorMethod.of(method, Long.class)).remote().get();
    }

    private HandleUser() {}
}
