package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;

/**
 * What can be said of where a task or an actor runs: what it takes, in which environment, out of which resources.
 * A setter refuses what its parameter can't be with an {@link InvalidArgumentException} that names it.
 *
 * @param <S> the class itself, which every setter returns
 */
public sealed interface PlacedSettings<S extends PlacedSettings<S>> permits TaskSettings, ActorSettings {
    /**
     * Sets how much of a resource is taken while it runs or lives, to 1/10000. Default: 0.
     *
     * @param name a resource of the runtime's own; for "CPU", "GPU" and "memory" there are setters
     * @param amount how much, 0 or more, in the resource's own unit
     * @return this
     */
    default S setResource(String name, double amount) {
        Settings<S> settings = Settings.of(this);
        settings.options.resource(name, amount);
        return settings.self();
    }

    /**
     * Sets what its process finds around it, besides what is there anyway. Default: what this process has.
     *
     * @param environment what is added to the one that this process has; not null
     * @return this
     */
    default S setEnvironment(RuntimeEnvironment environment) {
        Settings<S> settings = Settings.of(this);
        settings.options.environment = Arguments.present("environment", environment);
        return settings.self();
    }

    /**
     * Sets where it may run. Default: anywhere, or in the placement group that captures what this process submits.
     *
     * @param strategy not null
     * @return this
     */
    default S setSchedulingStrategy(SchedulingStrategy strategy) {
        Settings<S> settings = Settings.of(this);
        settings.options.strategy = Arguments.present("strategy", strategy);
        return settings.self();
    }

    /**
     * Sets how many CPUs it takes. Default: 1 for a task, 0 for an actor, for which one must be free to start it.
     *
     * @param count 0 or more, to 1/10000; parts of one are shared with others
     * @return this
     */
    default S setNumCpus(double count) {
        return setResource("CPU", count);
    }

    /**
     * Sets how many GPUs it takes. Default: 0.
     *
     * @param count 0 or more, to 1/10000
     * @return this
     */
    default S setNumGpus(double count) {
        return setResource("GPU", count);
    }

    /**
     * Sets how many bytes of memory it reserves. Default: 0.
     *
     * @param bytes 0 or more; above zero, using more of its own ends it with an {@code OutOfMemoryException}
     * @return this
     */
    default S setMemory(long bytes) {
        return setResource("memory", bytes);
    }

    /**
     * Sets that it uses the resources of a placement group, of whichever bundle has room.
     *
     * @param group a group that is not removed; it may still be pending
     * @return this
     */
    default S setPlacementGroup(PlacementGroup group) {
        return setSchedulingStrategy(SchedulingStrategy.placementGroup(group));
    }

    /**
     * Sets that it uses the resources of a bundle of a placement group.
     *
     * @param group a group that is not removed; it may still be pending
     * @param bundle number of the bundle, from 0
     * @return this
     * @throws InvalidArgumentException if the number is negative
     */
    default S setPlacementGroup(PlacementGroup group, int bundle) {
        if (bundle < 0) {
            throw new InvalidArgumentException("bundle is " + bundle + "; bundles are numbered from 0");
        }
        return setSchedulingStrategy(SchedulingStrategy.placementGroup(Arguments.present("group", group), bundle));
    }
}
