package cross;

import io.bowstring.Bowstring;
import io.bowstring.ObjectRef;
import io.bowstring.PlacementGroup;
import io.bowstring.Progress;
import io.bowstring.PyFunction;
import java.util.List;

/** Tasks that tell where they run, and what their children find there. */
public final class Where {
    private Where() {}

    /** Id of the placement group whose resources this uses; empty: none. */
    public static String group() {
        return PlacementGroup.current().map(PlacementGroup::id).orElse("");
    }

    /** The same of a child, and of a named group. */
    public static List<String> groups(String name) {
        return List.of(Bowstring.task(Where::group).setNumCpus(0).remote().get(), PlacementGroup.get(name).id());
    }

    /** A variable as a child in Python finds it. */
    public static String childsVariable(String name) {
        return Bowstring.task(PyFunction.of("os", "getenv", String.class), name).remote().get();
    }

    /** Waits in its own code for a value. */
    public static long inside(List<ObjectRef<Long>> refs) {
        return refs.get(0).get();
    }

    public static long counted(long count) {
        try (Progress bar = Progress.of("counted in Java", count).setUnit("things")) {
            bar.update(count);
            return bar.done();
        }
    }
}
