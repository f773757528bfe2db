package flights;

import io.bowstring.arrow.ArrowValue;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.arrow.vector.BigIntVector;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;

/** Keeps the flights that were flown, and of them what the model needs. */
public final class Cleaning {
    private Cleaning() {}

    /**
     * The flights that have both delays.
     *
     * @param flights the table as it was published; read where it lies
     * @return origin, dest (utf8), dep_delay, arr_delay, distance, minute_of_day (float64)
     */
    public static ArrowValue flown(ArrowValue flights) {
        int capacity = Math.toIntExact(flights.rowCount());
        VarCharVector origin = Tables.text("origin", capacity);
        VarCharVector dest = Tables.text("dest", capacity);
        Map<String, Float8Vector> numbers = new LinkedHashMap<>();
        for (String name : new String[] {"dep_delay", "arr_delay", "distance", "minute_of_day"}) {
            numbers.put(name, Tables.numbers(name, capacity));
        }
        int kept = 0;
        for (VectorSchemaRoot batch : flights.batches()) {
            BigIntVector departure = (BigIntVector) batch.getVector("dep_delay");
            BigIntVector arrival = (BigIntVector) batch.getVector("arr_delay");
            BigIntVector distance = (BigIntVector) batch.getVector("distance");
            BigIntVector hour = (BigIntVector) batch.getVector("hour");
            BigIntVector minute = (BigIntVector) batch.getVector("minute");
            FieldVector from = batch.getVector("origin");
            FieldVector to = batch.getVector("dest");
            for (int row = 0; row < batch.getRowCount(); row++) {
                if (departure.isNull(row) || arrival.isNull(row)) {
                    continue;
                }
                origin.copyFromSafe(row, kept, from);
                dest.copyFromSafe(row, kept, to);
                numbers.get("dep_delay").set(kept, departure.get(row));
                numbers.get("arr_delay").set(kept, arrival.get(row));
                numbers.get("distance").set(kept, distance.get(row));
                numbers.get("minute_of_day").set(kept, hour.get(row) * 60.0 + minute.get(row));
                kept++;
            }
        }
        return Tables.table(kept, origin, dest, numbers.values());
    }
}
