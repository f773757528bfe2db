package cross;

import io.bowstring.ActorHandle;
import io.bowstring.ObjectRef;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import java.util.ArrayList;
import java.util.List;

/** Calls actors with checkpoints. */
public final class LedgerCaller {
    private LedgerCaller() {}

    /** Adds 0 to count-1, with so many calls in flight; returns the answers. */
    public static List<Long> addAll(PyActorHandle ledger, String who, long count, long window) {
        PyActorMethod<Long> add = PyActorMethod.of("add", Long.class);
        List<Long> answers = new ArrayList<>();
        List<ObjectRef<Long>> pending = new ArrayList<>();
        for (long number = 0; number < count; number++) {
            pending.add(ledger.task(add, who, number).remote());
            if (pending.size() >= window || number == count - 1) {
                pending.forEach(ref -> answers.add(ref.get()));
                pending.clear();
            }
        }
        return answers;
    }

    /** The same with an actor in Java. */
    public static List<Integer> addAllInJava(ActorHandle<JavaLedger> ledger, String who, long count, long window) {
        List<Integer> answers = new ArrayList<>();
        List<ObjectRef<Integer>> pending = new ArrayList<>();
        for (long number = 0; number < count; number++) {
            pending.add(ledger.task(JavaLedger::add, who, number).remote());
            if (pending.size() >= window || number == count - 1) {
                pending.forEach(ref -> answers.add(ref.get()));
                pending.clear();
            }
        }
        return answers;
    }
}
