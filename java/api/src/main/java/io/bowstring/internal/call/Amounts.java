package io.bowstring.internal.call;

import io.bowstring.errors.InvalidArgumentException;
import java.util.Map;
import java.util.TreeMap;

/** Amounts of resources: as users give them, and in the units of the wire. */
public final class Amounts {
    private static final double UNITS = 10_000;

    private Amounts() {}

    /** An amount in 1/10000, which must be 0 or more. */
    public static long units(String resource, double amount) {
        if (!(amount >= 0) || amount > Long.MAX_VALUE / UNITS) {
            throw new InvalidArgumentException(
                    "the amount of the resource '" + resource + "' is " + amount + "; it must be 0 or more");
        }
        return Math.round(amount * UNITS);
    }

    /** Amounts by resource, without those that are 0. */
    public static Map<String, Long> units(String what, Map<String, ? extends Number> amounts) {
        Map<String, Long> found = new TreeMap<>();
        amounts.forEach((name, amount) -> {
            Arguments.text("a resource's name in " + what, name);
            long units = units(name, Arguments.present(what + "['" + name + "']", amount).doubleValue());
            if (units != 0) {
                found.put(name, units);
            }
        });
        return found;
    }

    /** Amounts as users know them. */
    public static Map<String, Double> of(Map<String, Long> units) {
        Map<String, Double> amounts = new TreeMap<>();
        units.forEach((name, each) -> amounts.put(name, each / UNITS));
        return amounts;
    }
}
