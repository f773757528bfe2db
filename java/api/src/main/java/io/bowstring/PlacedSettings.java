package io.bowstring;

import io.bowstring.errors.InvalidArgumentException;
import io.bowstring.internal.call.Arguments;

/**
 * What can be said of where a task or an actor runs: what it takes, in which environment, out of which resources.
 *
 * @param <S> the class itself, which every setter returns
 */
public sealed interface PlacedSettings<S extends PlacedSettings<S>> permits TaskSettings, ActorSettings {
    /**
     * Sets how much of a resource is taken while it runs or lives, to 1/10000. Default: 0.
     *
     * @param name a resource of the runtime's own; for "CPU", "GPU" and "memory" there are setters
     */
    default S setResource(String name, double amount) {
        Settings<S> settings = Settings.of(this);
        settings.options.resource(name, amount);
        return settings.self();
    }

    /** Sets what its process finds around it, besides what is there anyway. Default: what this process has. */
    default S setEnvironment(RuntimeEnvironment environment) {
        Settings<S> settings = Settings.of(this);
        settings.options.environment = Arguments.present("environment", environment);
        return settings.self();
    }

    /** Sets where it may run. Default: anywhere, or in the placement group that captures what this process submits. */
    default S setSchedulingStrategy(SchedulingStrategy strategy) {
        Settings<S> settings = Settings.of(this);
        settings.options.strategy = Arguments.present("strategy", strategy);
        return settings.self();
    }

    /** Sets how many CPUs it takes. Default: 1 for a task, 0 for an actor, for which one must be free to start it. */
    default S setNumCpus(double count) {
        return setResource("CPU", count);
    }

    /** Sets how many GPUs it takes. Default: 0. */
    default S setNumGpus(double count) {
        return setResource("GPU", count);
    }

    /** Sets how many bytes of memory it reserves. Default: 0. */
    default S setMemory(long bytes) {
        return setResource("memory", bytes);
    }

    /** Sets that it uses the resources of a placement group, of whichever bundle has room. */
    default S setPlacementGroup(PlacementGroup group) {
        return setSchedulingStrategy(SchedulingStrategy.placementGroup(group));
    }

    /**
     * Sets that it uses the resources of a bundle of a placement group.
     *
     * @param bundle number of the bundle, from 0
     */
    default S setPlacementGroup(PlacementGroup group, int bundle) {
        if (bundle < 0) {
            throw new InvalidArgumentException("bundle is " + bundle + "; bundles are numbered from 0");
        }
        return setSchedulingStrategy(SchedulingStrategy.placementGroup(Arguments.present("group", group), bundle));
    }
}
