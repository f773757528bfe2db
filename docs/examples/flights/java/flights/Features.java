package flights;

import io.bowstring.arrow.ArrowValue;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.arrow.vector.Float8Vector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.util.Text;

/** Makes the columns that the model sees. */
public final class Features {
    private static final double MINUTES_OF_A_DAY = 1440;

    private Features() {}

    /** Where a route's means are. */
    private record Route(Text origin, Text dest) {}

    /**
     * Features and target of the flights that are held out, or of the others.
     *
     * @param flown what {@link Cleaning#flown} made
     * @param routes what {@link Routes#means} made
     * @param heldOut which flights
     * @return float64 columns: arr_delay, then the features
     */
    public static ArrowValue build(ArrowValue flown, ArrowValue routes, boolean heldOut) {
        VectorSchemaRoot means = routes.root();
        Map<Route, Integer> places = new HashMap<>();
        for (int row = 0; row < means.getRowCount(); row++) {
            places.put(new Route(text(means, "origin", row), text(means, "dest", row)), row);
        }
        VectorSchemaRoot root = flown.root();
        int capacity = root.getRowCount();
        Float8Vector target = Tables.numbers("arr_delay", capacity);
        Float8Vector departure = Tables.numbers("dep_delay", capacity);
        Float8Vector distance = Tables.numbers("distance", capacity);
        Float8Vector routeDeparture = Tables.numbers("route_dep_delay", capacity);
        Float8Vector routeArrival = Tables.numbers("route_arr_delay", capacity);
        Float8Vector sine = Tables.numbers("day_sine", capacity);
        Float8Vector cosine = Tables.numbers("day_cosine", capacity);
        int made = 0;
        for (int row = 0; row < root.getRowCount(); row++) {
            if (Tables.isHeldOut(row) != heldOut) {
                continue;
            }
            int place = places.get(new Route(text(root, "origin", row), text(root, "dest", row)));
            double angle = 2 * Math.PI * number(root, "minute_of_day", row) / MINUTES_OF_A_DAY;
            target.set(made, number(root, "arr_delay", row));
            departure.set(made, number(root, "dep_delay", row));
            distance.set(made, number(root, "distance", row));
            routeDeparture.set(made, number(means, "dep_delay", place));
            routeArrival.set(made, number(means, "arr_delay", place));
            sine.set(made, Math.sin(angle));
            cosine.set(made, Math.cos(angle));
            made++;
        }
        return Tables.table(
                made, List.of(target, departure, distance, routeDeparture, routeArrival, sine, cosine));
    }

    private static Text text(VectorSchemaRoot root, String column, int row) {
        return ((VarCharVector) root.getVector(column)).getObject(row);
    }

    private static double number(VectorSchemaRoot root, String column, int row) {
        return ((Float8Vector) root.getVector(column)).get(row);
    }
}
