package flights;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowValue;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.util.Text;

/** What is known of a route from the flights that the model may learn from. */
public final class Routes {
    private Routes() {}

    /** Sums over a route's flights. */
    private static final class Sums {
        final Text origin;
        final Text dest;
        long flights;
        double departure;
        double arrival;

        Sums(Text origin, Text dest) {
            this.origin = origin;
            this.dest = dest;
        }
    }

    /** The two airports of a flight. */
    private record Route(Text origin, Text dest) {}

    /**
     * Mean delays by route, over the flights that are not held out; 0 for a route that has none.
     *
     * @param flown what {@link Cleaning#flown} made
     * @return a table in the store: origin, dest (utf8), dep_delay, arr_delay (float64)
     */
    public static ObjectRef<ArrowValue> means(ArrowValue flown) {
        VectorSchemaRoot root = flown.root();
        VarCharVector origins = (VarCharVector) root.getVector("origin");
        VarCharVector dests = (VarCharVector) root.getVector("dest");
        Float8Vector departures = (Float8Vector) root.getVector("dep_delay");
        Float8Vector arrivals = (Float8Vector) root.getVector("arr_delay");
        Map<Route, Sums> routes = new LinkedHashMap<>();
        for (int row = 0; row < root.getRowCount(); row++) {
            Text origin = origins.getObject(row);
            Text dest = dests.getObject(row);
            Sums sums = routes.computeIfAbsent(new Route(origin, dest), route -> new Sums(origin, dest));
            if (!HeldOut.contains(row)) {
                sums.flights++;
                sums.departure += departures.get(row);
                sums.arrival += arrivals.get(row);
            }
        }
        try (TableBuilder builder = new TableBuilder(4, routes.size())) {
            VarCharVector origin = builder.text("origin");
            VarCharVector dest = builder.text("dest");
            Float8Vector departure = builder.numbers("dep_delay");
            Float8Vector arrival = builder.numbers("arr_delay");
            int row = 0;
            for (Sums sums : routes.values()) {
                long flights = Math.max(1, sums.flights);
                origin.set(row, sums.origin);
                dest.set(row, sums.dest);
                departure.set(row, sums.departure / flights);
                arrival.set(row, sums.arrival / flights);
                row++;
            }
            return builder.put(row);
        }
    }
}
