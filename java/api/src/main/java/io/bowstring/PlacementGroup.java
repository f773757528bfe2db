package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.errors.TaskUnschedulableException;
import io.bowstring.internal.call.Amounts;
import io.bowstring.internal.call.Arguments;
import io.bowstring.internal.call.GroupRecord;
import java.io.Serial;
import java.io.Serializable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A handle on a placement group: resources in bundles that are reserved all at once or not at all (spec chapter 11). Tasks
 * and actors that name it use what its bundles hold, and nothing else. It can be passed to tasks and actors in Java;
 * programs in other languages find it by its name.
 *
 * <pre>{@code
 * PlacementGroup group = PlacementGroup.builder().addBundle(Map.of("CPU", 1)).addBundle(Map.of("CPU", 1, "GPU", 1)).create();
 * group.ready().get();
 * Bowstring.task(Model::train, data).setPlacementGroup(group, 1).remote();
 * group.remove();
 * }</pre>
 */
public final class PlacementGroup implements Serializable {
    @Serial private static final long serialVersionUID = 1L;

    private final String id;

    private PlacementGroup(String id) {
        this.id = id;
    }

    /** How the bundles are spread over nodes. */
    public enum Strategy {
        /** On few nodes, if that can be had. */
        PACK,
        /** On many nodes, if that can be had. */
        SPREAD,
        /** All on one node. */
        STRICT_PACK,
        /** Each on a node of its own: on one machine a group of several bundles can't be placed. */
        STRICT_SPREAD
    }

    /** Where a group stands. */
    public enum State {
        /** Its resources are not all free yet. */
        PENDING,
        /** Every bundle holds its resources. */
        CREATED,
        /** It can never be placed here. */
        INFEASIBLE,
        /** There is no such group any more. */
        REMOVED
    }

    /**
     * What is known of a group.
     *
     * @param group the group
     * @param name its name; empty: none
     * @param bundles what each bundle holds, by name of the resource
     * @param strategy how they are spread
     * @param state where it stands
     * @param reason why it is INFEASIBLE; else empty
     */
    public record Info(
            PlacementGroup group,
            String name,
            List<Map<String, Double>> bundles,
            Strategy strategy,
            State state,
            String reason) {}

    /** Collects what a group is to be. */
    public static final class Builder {
        private final List<Map<String, Long>> bundles = new ArrayList<>();
        private Strategy strategy = Strategy.PACK;
        private String name = "";
        private boolean detached;

        private Builder() {}

        /**
         * Adds a bundle; at least one is needed.
         *
         * @param resources what it holds, by name, such as {@code Map.of("CPU", 2, "GPU", 1)}; amounts to 1/10000
         * @return this
         * @throws InvalidArgumentException if it holds nothing, or an amount is negative
         */
        public Builder addBundle(Map<String, ? extends Number> resources) {
            String what = "bundle " + bundles.size();
            Map<String, Long> units = Amounts.units(what, Arguments.present(what, resources));
            if (units.isEmpty()) {
                throw new InvalidArgumentException(what + " is " + resources + "; it must hold a resource");
            }
            bundles.add(units);
            return this;
        }

        /**
         * Sets how bundles are spread over nodes. Default: {@link Strategy#PACK}.
         *
         * @param strategy not null
         * @return this
         */
        public Builder setStrategy(Strategy strategy) {
            this.strategy = Arguments.present("strategy", strategy);
            return this;
        }

        /**
         * Sets a name by which {@link PlacementGroup#get} finds it; unique in the namespace. Default: none.
         *
         * @param name not empty
         * @return this
         */
        public Builder setName(String name) {
            this.name = Arguments.text("name", name);
            return this;
        }

        /**
         * Sets whether the group lives until it is removed, rather than until its driver ends. Default: false.
         *
         * @param detached whether it outlives the driver
         * @return this
         */
        public Builder setDetached(boolean detached) {
            this.detached = detached;
            return this;
        }

        /**
         * Reserves the bundles; returns at once, while they may have to wait for others to end.
         *
         * @return a handle of the group, which may still be pending
         * @throws InvalidArgumentException if there is no bundle, or another group has the name
         */
        public PlacementGroup create() {
            if (bundles.isEmpty()) {
                throw new InvalidArgumentException("a placement group has no bundles; call addBundle(...)");
            }
            return new PlacementGroup(
                    Bowstring.link().createGroup(name, strategy.ordinal() + 1, detached, List.copyOf(bundles)));
        }
    }

    /**
     * A group that is to be made.
     *
     * @return a builder without bundles
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * The group that has a name in this driver's namespace.
     *
     * @param name the name, as its creator set it
     * @return a handle of the group
     * @throws InvalidArgumentException if none has it
     */
    public static PlacementGroup get(String name) {
        List<GroupRecord> found = Bowstring.link().groups("", Arguments.text("name", name));
        if (found.isEmpty()) {
            throw new InvalidArgumentException("no placement group has the name '" + name + "'");
        }
        return new PlacementGroup(found.get(0).id());
    }

    /**
     * The group whose resources the task or actor uses that this code runs in.
     *
     * @return the group; empty: none, or this is a driver
     */
    public static Optional<PlacementGroup> current() {
        String id = Bowstring.link().currentGroup();
        return id.isEmpty() ? Optional.empty() : Optional.of(new PlacementGroup(id));
    }

    /**
     * What is known of all groups.
     *
     * @return a snapshot of every group of the runtime, those of other drivers too
     */
    public static List<Info> all() {
        return Bowstring.link().groups("", "").stream().map(PlacementGroup::info).toList();
    }

    private static Info info(GroupRecord row) {
        return new Info(new PlacementGroup(row.id()), row.name(), row.bundles().stream().map(Amounts::of).toList(),
                Strategy.values()[row.strategy() - 1], State.values()[row.state() - 1], row.reason());
    }

    /** {@return the group's id: 32 hexadecimal digits} */
    public String id() {
        return id;
    }

    /**
     * What is known of the group now.
     *
     * @return a snapshot; of a group that is gone, with the state {@link State#REMOVED}
     */
    public Info info() {
        List<GroupRecord> found = Bowstring.link().groups(id, "");
        return found.isEmpty() ? new Info(this, "", List.of(), Strategy.PACK, State.REMOVED, "") : info(found.get(0));
    }

    /**
     * A reference that is ready once all bundles are reserved; its value is the group. Its {@code get} throws
     * {@code TaskUnschedulableException} if the group can never be placed, with the reason, and
     * {@code PlacementGroupRemovedException} if it is removed before.
     *
     * @return a new reference, of a task that takes no resources
     */
    public ObjectRef<PlacementGroup> ready() {
        return Bowstring.task(PlacementGroup::same, this)
                .setName("PlacementGroup.ready")
                .setNumCpus(0)
                .setPlacementGroup(this)
                .remote();
    }

    static PlacementGroup same(PlacementGroup group) {
        return group;
    }

    /**
     * Waits until all bundles are reserved.
     *
     * @param timeout zero or more
     * @return whether they are: false if not within the time, or never; {@link #info} tells why
     * @throws io.bowstring.errors.PlacementGroupRemovedException if it was removed
     */
    public boolean await(Duration timeout) {
        ObjectRef<PlacementGroup> ready = ready();
        if (Bowstring.wait(List.of(ready), 1, timeout).ready().isEmpty()) {
            return false;
        }
        try {
            ready.get();
            return true;
        } catch (TaskUnschedulableException never) {
            return false;
        }
    }

    /**
     * Gives the group's resources back. Its tasks fail with {@code PlacementGroupRemovedException}, and its actors end. A
     * group that is not there any more is no error.
     */
    public void remove() {
        Bowstring.link().removeGroup(id);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof PlacementGroup group && group.id.equals(id);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }

    @Override
    public String toString() {
        return "PlacementGroup(" + id + ")";
    }
}
