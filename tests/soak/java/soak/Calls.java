package soak;

import io.bowstring.ActorHandle;
import io.bowstring.Bowstring;
import io.bowstring.PyActorHandle;
import io.bowstring.PyActorMethod;
import io.bowstring.PyFunction;
import io.bowstring.arrow.ArrowValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** What the soak of calls calls in Java: tasks and an actor, each result one that follows from the arguments alone. */
public final class Calls {
    private static final String LIBRARY = "tests.soak.library";
    private static final RootAllocator ALLOCATOR = new RootAllocator();

    private long calls;

    /** An actor; it forgets what it counted when it is restarted. */
    public Calls() {}

    /** The same number in every language. */
    public static long mix(long number) {
        return (number * 2_654_435_761L ^ number >> 7) & 0x7fff_ffff_ffffL;
    }

    /** From Java to Python, waiting for it. */
    public static long throughPython(long number) {
        return Bowstring.task(PyFunction.of(LIBRARY, "mix", Long.class), number).remote().get() + 1;
    }

    /** From Java to Java, waiting for it. */
    public static long throughJava(long number) {
        return Bowstring.task(Calls::mix, number).remote().get() + 2;
    }

    /** From Java to an actor, in whichever language, that the caller gave a handle of. */
    public static long throughActor(Object actor, long number) {
        if (actor instanceof PyActorHandle python) {
            return python.task(PyActorMethod.of("count", Long.class), number).remote().get() + 3;
        }
        @SuppressWarnings("unchecked")
        ActorHandle<Calls> java = (ActorHandle<Calls>) actor;
        return java.task(Calls::count, number).remote().get() + 3;
    }

    /** A method of the actor. */
    public long count(long number) {
        calls++;
        return mix(number);
    }

    /** How many calls this life of the actor has had. */
    public long calls() {
        return calls;
    }

    /** An array that lies in the store if it is large. */
    public static double[] array(long number, long length) {
        double[] values = new double[Math.toIntExact(length)];
        java.util.Arrays.fill(values, number);
        return values;
    }

    /** Sum of an array that Python made. */
    public static double sum(double[] values) {
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum;
    }

    /** A tree with the number in it, and the tree that came. */
    public static List<Object> wrap(Map<String, Object> tree, long number) {
        List<Object> wrapped = new ArrayList<>();
        wrapped.add(mix(number));
        wrapped.add(tree);
        return wrapped;
    }

    /** The table with each number of its column n mixed. */
    public static ArrowValue mixTable(ArrowValue table) {
        int rows = Math.toIntExact(table.rowCount());
        BigIntVector mixed = new BigIntVector("n", ALLOCATOR);
        mixed.allocateNew(rows);
        int at = 0;
        for (VectorSchemaRoot batch : table.batches()) {
            BigIntVector column = (BigIntVector) batch.getVector("n");
            for (int row = 0; row < batch.getRowCount(); row++) {
                mixed.set(at++, mix(column.get(row)));
            }
        }
        table.close();
        mixed.setValueCount(rows);
        return ArrowValue.of(VectorSchemaRoot.of(mixed));
    }
}
