package io.bowstring.internal.call;

import java.util.List;
import java.util.Map;

/**
 * A placement group as the node tells of it.
 *
 * @param id in hexadecimal
 * @param name empty: none
 * @param bundles amounts in 1/10000, by resource
 * @param strategy number of the PlacementStrategy
 * @param state number of the PlacementState
 * @param reason why it can't be placed
 */
public record GroupRecord(
        String id, String name, List<Map<String, Long>> bundles, int strategy, int state, String reason) {}
