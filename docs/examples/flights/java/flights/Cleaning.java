package flights;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowValue;
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
     * @return a table in the store: origin, dest (utf8), dep_delay, arr_delay, distance, minute_of_day (float64)
     */
    public static ObjectRef<ArrowValue> flown(ArrowValue flights) {
        try (TableBuilder builder = new TableBuilder(6, Math.toIntExact(flights.rowCount()))) {
            VarCharVector origin = builder.text("origin");
            VarCharVector dest = builder.text("dest");
            Float8Vector departureDelay = builder.numbers("dep_delay");
            Float8Vector arrivalDelay = builder.numbers("arr_delay");
            Float8Vector distance = builder.numbers("distance");
            Float8Vector minuteOfDay = builder.numbers("minute_of_day");
            int kept = 0;
            for (VectorSchemaRoot batch : flights.batches()) {
                BigIntVector departure = (BigIntVector) batch.getVector("dep_delay");
                BigIntVector arrival = (BigIntVector) batch.getVector("arr_delay");
                BigIntVector miles = (BigIntVector) batch.getVector("distance");
                BigIntVector hour = (BigIntVector) batch.getVector("hour");
                BigIntVector minute = (BigIntVector) batch.getVector("minute");
                FieldVector from = batch.getVector("origin");
                FieldVector to = batch.getVector("dest");
                for (int row = 0; row < batch.getRowCount(); row++) {
                    if (departure.isNull(row) || arrival.isNull(row)) {
                        continue;
                    }
                    origin.copyFrom(row, kept, from);
                    dest.copyFrom(row, kept, to);
                    departureDelay.set(kept, departure.get(row));
                    arrivalDelay.set(kept, arrival.get(row));
                    distance.set(kept, miles.get(row));
                    minuteOfDay.set(kept, hour.get(row) * 60.0 + minute.get(row));
                    kept++;
                }
            }
            return builder.put(kept);
        }
    }
}
