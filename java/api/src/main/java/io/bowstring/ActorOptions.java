package io.bowstring;

import io.bowstring.internal.call.Arguments;

/** Options that many actors have in common, said once; see {@link TaskOptions} for how they are used. */
public final class ActorOptions extends ActorSettings<ActorOptions> {
    /** Options that are all as they are by default. */
    public ActorOptions() {}

    /**
     * The same options, to be changed apart from these.
     *
     * @param options what is copied; not null
     * @return a copy, which changes apart from it
     */
    public static ActorOptions copyOf(ActorOptions options) {
        ActorOptions copy = new ActorOptions();
        copy.options = Arguments.present("options", options).options.copy();
        return copy;
    }
}
