package io.bowstring;

import io.bowstring.internal.call.Arguments;

/**
 * Options that many tasks have in common, said once.
 *
 * <pre>{@code
 * static final TaskOptions CAREFUL = new TaskOptions().setMaxRetries(10).setTimeout(Duration.ofMinutes(1));
 * ...
 * Bowstring.task(Feed::load, name).setOptions(CAREFUL).remote();
 * }</pre>
 *
 * <p>A task takes over what is set when it is given the options; what changes later changes nothing.
 */
public final class TaskOptions extends TaskSettings<TaskOptions> {
    /** Options that are all as they are by default. */
    public TaskOptions() {}

    /**
     * The same options, to be changed apart from these.
     *
     * @param options what is copied; not null
     * @return a copy, which changes apart from it
     */
    public static TaskOptions copyOf(TaskOptions options) {
        TaskOptions copy = new TaskOptions();
        copy.options = Arguments.present("options", options).options.copy();
        return copy;
    }
}
