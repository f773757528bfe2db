package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;
import java.util.Map;

/** Where a task or an actor may run. On one machine all but placement groups mean this one. */
public sealed interface SchedulingStrategy {
    /** Stands for whichever bundle has room. */
    int ANY_BUNDLE = -1;

    /**
     * Anywhere, and in no placement group.
     *
     * @return the strategy, which also leaves a group that captures
     */
    static SchedulingStrategy anywhere() {
        return new Anywhere();
    }

    /**
     * Anywhere, on as many nodes as can be had.
     *
     * @return the strategy
     */
    static SchedulingStrategy spread() {
        return new Spread();
    }

    /**
     * On a node.
     *
     * @param nodeId the node, as {@link RuntimeContext#nodeId} tells it
     * @param soft whether it runs elsewhere if the node isn't there; else that is an error
     * @return the strategy
     * @throws InvalidArgumentException if the id is empty
     */
    static SchedulingStrategy node(String nodeId, boolean soft) {
        return new Node(nodeId, soft);
    }

    /**
     * On a node whose labels fulfil the conditions, all of them. A node has the label "bowstring.io/node-id".
     *
     * @param conditions conditions by label; copied
     * @return the strategy
     */
    static SchedulingStrategy nodeLabels(Map<String, LabelCondition> conditions) {
        return new NodeLabels(conditions);
    }

    /**
     * With the resources of a placement group, of whichever bundle has room.
     *
     * @param group a group that is not removed; it may still be pending
     * @return the strategy
     */
    static InGroup placementGroup(PlacementGroup group) {
        return new InGroup(group, ANY_BUNDLE, false);
    }

    /**
     * With the resources of a bundle of a placement group.
     *
     * @param group a group that is not removed; it may still be pending
     * @param bundle number of the bundle, from 0, or {@link #ANY_BUNDLE}
     * @return the strategy
     * @throws InvalidArgumentException if the number is below {@link #ANY_BUNDLE}
     */
    static InGroup placementGroup(PlacementGroup group, int bundle) {
        return new InGroup(group, bundle, false);
    }

    /** See {@link SchedulingStrategy#anywhere}. */
    record Anywhere() implements SchedulingStrategy {}

    /** See {@link SchedulingStrategy#spread}. */
    record Spread() implements SchedulingStrategy {}

    /**
     * See {@link SchedulingStrategy#node}.
     *
     * @param nodeId the node
     * @param soft whether elsewhere will do
     */
    record Node(String nodeId, boolean soft) implements SchedulingStrategy {
        /**
         * A node that has a name.
         *
         * @param nodeId not empty
         * @param soft whether elsewhere will do
         */
        public Node {
            Arguments.text("nodeId", nodeId);
        }
    }

    /**
     * See {@link SchedulingStrategy#nodeLabels}.
     *
     * @param conditions conditions by label
     */
    record NodeLabels(Map<String, LabelCondition> conditions) implements SchedulingStrategy {
        /**
         * Conditions that do not change.
         *
         * @param conditions conditions by label; copied
         */
        public NodeLabels {
            conditions = Map.copyOf(Arguments.present("conditions", conditions));
        }
    }

    /**
     * See {@link SchedulingStrategy#placementGroup(PlacementGroup, int)}.
     *
     * @param group the group
     * @param bundle number of the bundle, from 0, or {@link #ANY_BUNDLE}
     * @param capturesChildren whether what it submits goes to the group too, if it names no other strategy
     */
    record InGroup(PlacementGroup group, int bundle, boolean capturesChildren) implements SchedulingStrategy {
        /**
         * A bundle that the group may have.
         *
         * @param group not null
         * @param bundle number of the bundle, from 0, or {@link #ANY_BUNDLE}
         * @param capturesChildren whether what it submits goes to the group too
         * @throws InvalidArgumentException if the number is below {@link #ANY_BUNDLE}
         */
        public InGroup {
            Arguments.present("group", group);
            if (bundle < ANY_BUNDLE) {
                throw new InvalidArgumentException("bundle is " + bundle + "; bundles are numbered from 0, and "
                        + ANY_BUNDLE + " stands for any");
            }
        }

        /**
         * The same, with all that the task or actor submits, unless that names another strategy.
         *
         * @return a new strategy
         */
        public InGroup capturingChildren() {
            return new InGroup(group, bundle, true);
        }
    }
}
