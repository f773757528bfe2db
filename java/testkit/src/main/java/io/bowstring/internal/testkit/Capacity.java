package io.bowstring.internal.testkit;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** How much there is of each resource, in 1/10000, and how much of it is free. Guarded by the runtime's lock. */
final class Capacity {
    private static final double UNITS = 10_000;
    private static final String CPU = "CPU";

    private final Map<String, Long> totals;
    private final Map<String, Long> free;

    Capacity(Map<String, Long> totals) {
        this.totals = new TreeMap<>(totals);
        this.free = new HashMap<>(totals);
    }

    /** Why so much can never be had; empty: it can. */
    String neverFits(Map<String, Long> demand) {
        for (Map.Entry<String, Long> each : demand.entrySet()) {
            long total = totals.getOrDefault(each.getKey(), 0L);
            if (each.getValue() > total) {
                return amount(each.getValue()) + " " + each.getKey() + " wanted, and the testkit has " + amount(total)
                        + " in all";
            }
        }
        return "";
    }

    private static String amount(long units) {
        return units % (long) UNITS == 0 ? Long.toString(units / (long) UNITS) : Double.toString(units / UNITS);
    }

    /** Takes so much if it is free. */
    boolean take(Map<String, Long> demand) {
        for (Map.Entry<String, Long> each : demand.entrySet()) {
            if (each.getValue() > free.getOrDefault(each.getKey(), 0L)) {
                return false;
            }
        }
        demand.forEach((name, units) -> free.merge(name, -units, Long::sum));
        return true;
    }

    void giveBack(Map<String, Long> taken) {
        taken.forEach((name, units) -> free.merge(name, units, Long::sum));
    }

    /** Who waits needs no CPU meanwhile; who goes on does not wait for one, so fewer than none may be free. */
    void blocked(Map<String, Long> taken, boolean waits) {
        long units = taken.getOrDefault(CPU, 0L);
        if (units > 0) {
            free.merge(CPU, waits ? units : -units, Long::sum);
        }
    }

    /** Name, total and what is available, of each resource. */
    Map<String, double[]> amounts() {
        Map<String, double[]> amounts = new TreeMap<>();
        totals.forEach((name, units) ->
                amounts.put(name, new double[] {units / UNITS, free.getOrDefault(name, 0L) / UNITS}));
        return amounts;
    }
}
