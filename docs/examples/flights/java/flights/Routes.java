package flights;

import io.bowstring.arrow.ArrowValue;
import java.util.LinkedHashMap;
import java.util.List;
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
     * @return origin, dest (utf8), dep_delay, arr_delay (float64)
     */
    public static ArrowValue means(ArrowValue flown) {
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
            if (!Tables.isHeldOut(row)) {
                sums.flights++;
                sums.departure += departures.get(row);
                sums.arrival += arrivals.get(row);
            }
        }
        VarCharVector origin = Tables.text("origin", routes.size());
        VarCharVector dest = Tables.text("dest", routes.size());
        Float8Vector departure = Tables.numbers("dep_delay", routes.size());
        Float8Vector arrival = Tables.numbers("arr_delay", routes.size());
        int row = 0;
        for (Sums sums : routes.values()) {
            long flights = Math.max(1, sums.flights);
            origin.setSafe(row, sums.origin);
            dest.setSafe(row, sums.dest);
            departure.set(row, sums.departure / flights);
            arrival.set(row, sums.arrival / flights);
            row++;
        }
        return Tables.table(row, origin, dest, List.of(departure, arrival));
    }
}
