package io.bowstring;

import io.bowstring.internal.call.StartOptions;

/** Makes this process part of a runtime: the service behind {@link Bowstring#init()}. For runtimes, not for programs. */
public interface RuntimeProvider {
    /**
     * Starts a runtime, or joins the one that the options name.
     *
     * @param options how it is started, or which one is joined
     * @return the link to it, which the caller closes
     * @throws io.bowstring.errors.RuntimeStoppedException if it can't be started or reached
     */
    RuntimeLink start(StartOptions options);
}
