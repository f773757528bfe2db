package flights;

import io.bowstring.ObjectRef;
import io.bowstring.arrow.ArrowValue;
import java.util.HashMap;
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
     * @return a table in the store, float64 columns: arr_delay, then the features
     */
    public static ObjectRef<ArrowValue> build(ArrowValue flown, ArrowValue routes, boolean heldOut) {
        VectorSchemaRoot means = routes.root();
        Map<Route, Integer> places = new HashMap<>();
        for (int row = 0; row < means.getRowCount(); row++) {
            places.put(new Route(text(means, "origin", row), text(means, "dest", row)), row);
        }
        VectorSchemaRoot root = flown.root();
        try (TableBuilder builder = new TableBuilder(7, root.getRowCount())) {
            Float8Vector target = builder.numbers("arr_delay");
            Float8Vector departure = builder.numbers("dep_delay");
            Float8Vector distance = builder.numbers("distance");
            Float8Vector routeDeparture = builder.numbers("route_dep_delay");
            Float8Vector routeArrival = builder.numbers("route_arr_delay");
            Float8Vector sine = builder.numbers("day_sine");
            Float8Vector cosine = builder.numbers("day_cosine");
            int made = 0;
            for (int row = 0; row < root.getRowCount(); row++) {
                if (HeldOut.contains(row) != heldOut) {
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
            return builder.put(made);
        }
    }

    private static Text text(VectorSchemaRoot root, String column, int row) {
        return ((VarCharVector) root.getVector(column)).getObject(row);
    }

    private static double number(VectorSchemaRoot root, String column, int row) {
        return ((Float8Vector) root.getVector(column)).get(row);
    }
}
