package io.bowstring.internal.runtime;

import io.bowstring.LabelCondition;
import io.bowstring.SchedulingStrategy;
import io.bowstring.errors.ErrorCode;
import io.bowstring.errors.ErrorDetails;
import io.bowstring.internal.call.CallOptions;
import io.bowstring.internal.call.GroupRecord;
import io.bowstring.internal.wire.Bundle;
import io.bowstring.internal.wire.PlacementCreate;
import io.bowstring.internal.wire.PlacementGroup;
import io.bowstring.internal.wire.PlacementInfo;
import io.bowstring.internal.wire.PlacementLookup;
import io.bowstring.internal.wire.PlacementRemove;
import io.bowstring.internal.wire.Resource;
import io.bowstring.internal.wire.Table;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Where what this process submits is to run, and the placement groups that it makes and asks about. */
final class Placing {
    /** The label that every node has. */
    private static final String NODE_ID_LABEL = "bowstring.io/node-id";

    private final Session session;
    private volatile String group = "";
    private volatile boolean captures;

    Placing(Session session) {
        this.session = session;
    }

    /** This worker uses a group's resources; {@code capturing}: what it submits does too, if it names no other. */
    void bind(byte[] groupId, boolean capturing) {
        group = Id.isZero(groupId) ? "" : HexFormat.of().formatHex(groupId);
        captures = capturing;
    }

    /** The group whose resources this worker uses; empty: none. */
    String group() {
        return group;
    }

    /**
     * Where the options, and what this process inherits, put a task or an actor. It may ask the node for an environment.
     *
     * @param unschedulable code of the error if there is no such node
     */
    Place of(CallOptions options, ErrorCode unschedulable) {
        String environment = session.environments().keyFor(options.environment);
        SchedulingStrategy strategy = options.strategy;
        if (strategy == null && captures) {
            return new Place(environment, group, 0, true);
        }
        if (strategy != null) {
            checkNode(strategy, unschedulable);
        }
        if (strategy instanceof SchedulingStrategy.InGroup in) {
            return new Place(environment, in.group().id(), in.bundle() + 1, in.capturesChildren());
        }
        return environment.isEmpty() ? Place.ANYWHERE : new Place(environment, "", 0, false);
    }

    private void checkNode(SchedulingStrategy strategy, ErrorCode unschedulable) {
        String here = HexFormat.of().toHexDigits(session.nodeId());
        if (strategy instanceof SchedulingStrategy.Node node && !node.soft() && !node.nodeId().equals(here)) {
            throw error(unschedulable, "node " + node.nodeId() + " is wanted, and the only one is " + here
                    + "; should it be soft?");
        }
        if (strategy instanceof SchedulingStrategy.NodeLabels labels) {
            for (Map.Entry<String, LabelCondition> each : labels.conditions().entrySet()) {
                String value = each.getKey().equals(NODE_ID_LABEL) ? here : null;
                if (!each.getValue().holds(value)) {
                    throw error(unschedulable, "a node whose label '" + each.getKey() + "' is " + each.getValue()
                            + " is wanted, and the only node has "
                            + (value == null ? "no such label" : "'" + value + "'"));
                }
            }
        }
    }

    private static RuntimeException error(ErrorCode code, String message) {
        return code.exception(ErrorDetails.of(code, message), null);
    }

    // Groups ---------------------------------------------------------------------------------------------------------

    String create(String name, int strategy, boolean detached, List<Map<String, Long>> bundles) {
        session.checkRunning();
        PlacementCreate create = new PlacementCreate();
        create.group = new PlacementGroup();
        create.group.id = session.context().nextChild();
        create.group.name = name;
        create.group.strategy = strategy;
        create.group.detached = detached;
        List<Bundle> made = new ArrayList<>();
        for (Map<String, Long> amounts : bundles) {
            Bundle bundle = new Bundle();
            bundle.resources = resources(amounts);
            made.add(bundle);
        }
        create.group.bundles = made;
        session.request(number -> {
            create.request = number;
            return create;
        }).as(Table.class);
        return HexFormat.of().formatHex(create.group.id);
    }

    static List<Resource> resources(Map<String, Long> amounts) {
        List<Resource> resources = new ArrayList<>();
        amounts.forEach((name, units) -> {
            Resource resource = new Resource();
            resource.name = name;
            resource.units = units;
            resources.add(resource);
        });
        return resources;
    }

    void remove(String id) {
        session.checkRunning();
        PlacementRemove remove = new PlacementRemove();
        remove.group = HexFormat.of().parseHex(id);
        session.request(number -> {
            remove.request = number;
            return remove;
        }).as(Table.class);
    }

    List<GroupRecord> find(String id, String name) {
        session.checkRunning();
        PlacementLookup lookup = new PlacementLookup();
        lookup.group = id.isEmpty() ? new byte[Id.TASK_BYTES] : HexFormat.of().parseHex(id);
        lookup.name = name;
        PlacementInfo info = session.request(number -> {
            lookup.request = number;
            return lookup;
        }).as(PlacementInfo.class);
        return info.groups.stream().map(Placing::row).toList();
    }

    private static GroupRecord row(PlacementGroup found) {
        List<Map<String, Long>> bundles = new ArrayList<>();
        for (Bundle bundle : found.bundles) {
            Map<String, Long> amounts = new TreeMap<>();
            bundle.resources.forEach(resource -> amounts.put(resource.name, resource.units));
            bundles.add(amounts);
        }
        return new GroupRecord(HexFormat.of().formatHex(found.id), found.name, bundles, found.strategy, found.state,
                found.reason);
    }
}
