package io.bowstring;

import io.bowstring.internal.call.CallOptions;

/**
 * What holds the options that setters set.
 *
 * @param <S> the class itself, which every setter returns
 */
abstract sealed class Settings<S> permits CallSettings, ActorSettings {
    CallOptions options;

    Settings(CallOptions options) {
        this.options = options;
    }

    @SuppressWarnings("unchecked")
    final S self() {
        return (S) this;
    }

    /** The same object, for the setters that its interface has. */
    @SuppressWarnings("unchecked")
    static <S extends PlacedSettings<S>> Settings<S> of(PlacedSettings<S> placed) {
        return (Settings<S>) placed;
    }
}
