import io.bowstring.arrow.ArrowValue;
import java.util.List;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** What the client in Go calls in Java. */
public final class GoPeers {
    private GoPeers() {}

    public static long add(long a, long b) {
        return a + b;
    }

    public static long fail(String message) {
        throw new IllegalStateException(message);
    }

    public static List<Object> describe(Object value) {
        return List.of(value.getClass().getSimpleName(), value);
    }

    public static ArrowValue table(int rows) {
        BigIntVector squares = new BigIntVector("square", new RootAllocator());
        squares.allocateNew(rows);
        for (int i = 0; i < rows; i++) {
            squares.set(i, (long) i * i);
        }
        squares.setValueCount(rows);
        return ArrowValue.of(VectorSchemaRoot.of(squares));
    }

    public static long rowsOf(ArrowValue table) {
        return table.rowCount();
    }
}
